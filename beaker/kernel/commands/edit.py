"""`%beaker edit A3`: code that the model wants to run, as a cell for the user to change and run herself."""

from beaker.kernel.commands.allow import name_in
from beaker.kernel.commands.command import Command, Entry, Order, Refused
from beaker.kernel.commands.words import Words


class EditApproval(Order, frozen=True, kw_only=True):
    """Bring the code of an approval as the next cell."""

    approval: str
    """Its name: `A3`."""


def _read(words: list[str]) -> Order:
    name = name_in(words[0]) if len(words) == 1 else None
    if name is None:
        given = f", and there is {' '.join(words)[:60]!r}" if words else ""
        return Refused(reason=f"`%beaker edit` takes a name, as in `%beaker edit A3`{given}; `%beaker allow` shows what waits.")
    return EditApproval(approval=name)


EDIT = Command(
    "edit",
    Entry(
        "%beaker edit A3",
        "bring the code that the model asked to run as the next cell, to change it and run it yourself",
        "The answer goes on waiting. When you are done, `%beaker reject A3` lets it go on: the model is told that you took the code over, "
        "and finds in the session what you ran. `%beaker allow A3` runs the model's own code.",
    ),
    _read,
)


def edit_words(name: str) -> Words:
    """What stands below the command."""
    text = (
        f"The code of {name} is the next cell: change it and run it. "
        f"Then `%beaker reject {name}` lets the answer go on, and the model is told that you took the code over; "
        f"`%beaker allow {name}` runs the model's own code.\n"
    )
    return Words(plain=text.replace("`", ""), markdown=text)
