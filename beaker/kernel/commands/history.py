"""`%beaker history [N]`: the conversation so far."""

from collections.abc import Sequence

from beaker.kernel.commands.command import Command, Entry, Order, Refused, number_in
from beaker.kernel.commands.words import Words, escaped
from beaker.kernel.conversation import Talk
from beaker.kernel.harmless import harmless, visible


class ShowHistory(Order, frozen=True, kw_only=True):
    """Show what was asked and answered."""

    last: int | None = None
    """So many questions; None: all."""


def _read(words: list[str]) -> Order:
    if not words:
        return ShowHistory()
    number = number_in(words[0])
    if number is None or len(words) > 1:
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker history` takes a number of questions, as in `%beaker history 3`, and there is {given!r}.")
    return ShowHistory(last=number)


HISTORY = Command(
    "history",
    Entry(
        "%beaker history [N]",
        "the conversation so far, or its last N questions",
        "Shows the questions that are over, with their answers and the cells they proposed. The next question is told of the latest ones; "
        "`%beaker reset` makes it forget them. `In` and the frontend's history of cells are something else and stay as they are.",
    ),
    _read,
)


def history_words(talks: Sequence[Talk]) -> Words:
    """Write a conversation down."""
    if not talks:
        return Words(plain="No question was asked yet.\n", markdown="No question was asked yet.\n")
    plain, markdown = zip(*((_plain(talk), _markdown(talk)) for talk in talks), strict=True)
    return Words(plain="\n\n".join(plain) + "\n", markdown="\n\n---\n\n".join(markdown) + "\n")


def _plain(talk: Talk) -> str:
    return "\n\n".join([f"Question {talk.number} ({_outcome(talk)}): {visible(talk.question)}", visible(talk.answer) or "(no answer)"])


def _markdown(talk: Talk) -> str:
    quotation = "\n".join(f"> {line}" for line in harmless(talk.question).split("\n"))
    return "\n\n".join([f"**Question {talk.number}** ({escaped(_outcome(talk))})", quotation, harmless(talk.answer) or "*no answer*"])


def _outcome(talk: Talk) -> str:
    model = talk.model or "no model"
    match talk.status:
        case "ok":
            return model
        case "stopped":
            return f"{model}, stopped"
        case "error":
            return f"{model}, failed: {talk.reason}" if talk.reason else f"{model}, failed"
