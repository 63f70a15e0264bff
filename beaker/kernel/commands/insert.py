"""`%beaker insert N [M]`: a proposed cell as a cell of the notebook."""

from collections.abc import Iterable, Mapping, Sequence

from beaker.kernel.code_blocks import LANGUAGE_CHARS
from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values, number_in
from beaker.kernel.turn_display import Proposal

USAGE = "`%beaker insert` takes the number of a proposed cell, and of its question if that is not the last one"


class InsertProposal(Order, frozen=True, kw_only=True):
    """Bring a proposal as the next cell."""

    number: int
    question: int | None = None
    """None: the last one that proposed a cell."""


def _read(words: list[str]) -> Order:
    numbers = [number_in(word) for word in words]
    match numbers:
        case [int(number)]:
            return InsertProposal(number=number)
        case [int(number), int(question)]:
            return InsertProposal(number=number, question=question)
        case _:
            given = f", and there is {' '.join(words)[:60]!r}" if words else ""
            return Refused(reason=f"{USAGE}, as in `%beaker insert 2` or `%beaker insert 2 5`{given}.")


def _complete(words: list[str], values: Values) -> Iterable[str]:
    """Numbers of the last question's proposals, then those of the questions that have one of that number."""
    pairs = [value.split() for value in values]
    if not words:
        return [number for number, question in pairs if question == pairs[-1][1]]
    return [question for number, question in pairs if number == words[0]] if len(words) == 1 else ()


INSERT = Command(
    "insert",
    Entry(
        "%beaker insert N [M]",
        "bring proposed cell N of the last question, or of question M, as the next cell",
        "The first cell that an answer proposes comes by itself, when the answer is whole; the others stand in it with their numbers. "
        "`%beaker insert 2` makes a cell of the one marked [2], for you to change and run. `%beaker insert 2 5` takes it from question 5.",
    ),
    _read,
    _complete,
)

Offers = Mapping[int, Sequence[Proposal]]
"""The proposals of each question that has any, oldest first."""


def insertable(offers: Offers) -> list[str]:
    """Everything that may stand behind `%beaker insert`, for completion."""
    return [f"{proposal.number} {question}" for question, proposals in offers.items() for proposal in proposals if not proposal.session]


def pick(order: InsertProposal, offers: Offers) -> Proposal | Refused:
    """The proposal that is meant; else a sentence with the numbers that exist."""
    if not offers:
        return Refused(reason="No cell was proposed yet that could be inserted.")
    question = order.question if order.question is not None else list(offers)[-1]
    if question not in offers:
        return Refused(reason=f"Question {question} has no proposed cells. Questions with some: {_listed(offers)}.")
    found = next((proposal for proposal in offers[question] if proposal.number == order.number), None)
    if found is None:
        numbers = _listed(proposal.number for proposal in offers[question])
        return Refused(reason=f"Question {question} has no proposed cell {order.number}. It has: {numbers}.")
    if found.session:
        return Refused(reason=f"[{found.number}] is {found.language[:LANGUAGE_CHARS]}, and this session runs {found.session}. Copy it.")
    return found


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
