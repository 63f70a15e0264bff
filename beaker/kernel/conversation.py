"""The conversation of one kernel: the questions that are over, with their answers and the cells that they proposed.

The KernelActor keeps it, so that an agent that was restarted is told of it with the next question. The oldest questions go
when all together are larger than the budget.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from beaker.kernel.cutting import cut_bytes
from beaker.kernel.earlier_calls import as_former, as_line, size_chars, within
from beaker.kernel.turn_display import Proposal
from beaker.messages.base import TurnId
from beaker.messages.turn import EarlierCall, Exchange

TOLD = 20
"""Earlier questions that a new one is told of; the agent cuts them further to its budget."""

TOLD_BYTES = 8_000
"""Of a question and of an answer: all that goes to the agent must fit into one message of 1 MB, of which the prompt may take 256 kB."""

KEPT_BYTES = 64_000
"""Of a question and of an answer in the history: some thirty pages."""

BUDGET_BYTES = 8_000_000
"""Of all that is kept: hundreds of usual questions, and beside a session nothing."""


RECENT = 4
"""Earlier questions of which the results of tools are kept whole; of older ones a line is kept of each."""

TOLD_CALLS_CHARS = 24_000
"""What calls and results together may take in the next question: about 6,000 tokens, as much as the session's cells."""


UNFINISHED = {"error": "[This answer was cut here, before it was finished.]", "stopped": "[The user stopped this answer here.]"}
"""What the model finds below a part of an answer, by the status of its question: it must not take it for the whole."""


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """One question that is over."""

    number: TurnId
    question: str
    answer: str
    """The text with the proposed code in it."""
    model: str = ""
    """As it is shown; empty if none answered."""
    status: Literal["ok", "error", "stopped"] = "ok"
    reason: str = ""
    """For `error`."""
    proposals: tuple[Proposal, ...] = ()
    tainted: bool = False
    """The model had read text that nobody vouches for, so that the answer may say what that text wants."""
    calls: tuple[EarlierCall, ...] = ()
    """The tools that the answer was found with."""
    generation: int = 0
    """The life of the session in which it was asked."""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What a reset took away."""

    questions: int
    proposals: int


class Conversation:
    """What was said, oldest first."""

    def __init__(self, *, budget_bytes: int = BUDGET_BYTES) -> None:
        self._talks: list[Talk] = []
        self._sizes: list[int] = []
        self._budget_bytes = budget_bytes

    @property
    def talks(self) -> Sequence[Talk]:
        """All that is kept."""
        return self._talks

    def add(self, talk: Talk) -> None:
        """A question is over."""
        talk = msgspec.structs.replace(talk, question=cut_bytes(talk.question, KEPT_BYTES), answer=cut_bytes(talk.answer, KEPT_BYTES))
        self._talks.append(talk)
        self._sizes.append(_size(talk))
        if len(self._talks) > RECENT:
            self._shorten(len(self._talks) - RECENT - 1)
        while sum(self._sizes) > self._budget_bytes and len(self._talks) > 1:
            del self._talks[0], self._sizes[0]

    def precede(self, talks: Sequence[Talk]) -> None:
        """These came before all that there is: another process has heard them."""
        later, self._talks, self._sizes = self._talks, [], []
        for talk in (*talks, *later):
            self.add(talk)

    def _shorten(self, position: int) -> None:
        talk = self._talks[position]
        self._talks[position] = short = msgspec.structs.replace(talk, calls=tuple(map(as_line, talk.calls)))
        self._sizes[position] = _size(short)

    def exchanges(self, generation: int = 0) -> list[Exchange]:
        """What the agent is told of it.

        Args:
            generation: of the session that there is.
        """
        told: list[Exchange] = []
        left = TOLD_CALLS_CHARS
        for talk in reversed(self._talks[-TOLD:]):
            made = talk.calls if talk.generation == generation else tuple(map(as_former, talk.calls))
            calls = within(made, left)
            left = left - size_chars(calls) if len(calls) == len(made) else 0
            told.append(Exchange(question=cut_bytes(talk.question, TOLD_BYTES), answer=_told(talk), turn=talk.number, calls=calls))
        return told[::-1]

    def proposals(self) -> dict[int, Sequence[Proposal]]:
        """The proposed cells of each question that has any, oldest first."""
        return {talk.number: talk.proposals for talk in self._talks if talk.proposals}

    def reset(self) -> Forgotten:
        """Forget everything."""
        forgotten = Forgotten(questions=len(self._talks), proposals=sum(len(talk.proposals) for talk in self._talks))
        self._talks.clear()
        self._sizes.clear()
        return forgotten


def _size(talk: Talk) -> int:
    return len(talk.question) + len(talk.answer) + sum(len(proposal.code) for proposal in talk.proposals) + size_chars(talk.calls)


def _told(talk: Talk) -> str:
    answer = cut_bytes(talk.answer, TOLD_BYTES)
    mark = UNFINISHED.get(talk.status, "")
    return f"{answer}\n\n{mark}" if answer.strip() and mark else answer
