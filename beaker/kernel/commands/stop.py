"""`%beaker stop [N]`: no further step of an answer."""

from beaker.kernel.commands.command import Command, Entry, Order, Refused, number_in


class StopTurns(Order, frozen=True, kw_only=True):
    """Stop answers that are being given."""

    number: int | None = None
    """None: all of them."""


def _read(words: list[str]) -> Order:
    if not words:
        return StopTurns()
    number = number_in(words[0])
    if number is None or len(words) > 1:
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker stop` takes the number of a question, as in `%beaker stop 2`, and there is {given!r}.")
    return StopTurns(number=number)


STOP = Command(
    "stop",
    Entry(
        "%beaker stop [N]",
        "stop the answer to question N, or every answer that is being given",
        "Ends the turn, not only the call to the model: no further step follows. What was answered so far stays. The number stands at "
        "the answer; without a number all turns end. Your own running cells go on: interrupt those with the frontend's stop button.",
    ),
    _read,
)
