"""The conversation of one kernel: the questions that are over, with their answers and the cells that they proposed.

The KernelActor keeps it, so that an agent that was restarted is told of it with the next question. The oldest questions go
when all together are larger than the budget.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from beaker.kernel.cutting import cut_bytes
from beaker.kernel.turn_display import Proposal
from beaker.messages.base import TurnId
from beaker.messages.turn import Exchange

TOLD = 20
"""Earlier questions that a new one is told of; the agent cuts them further to its budget."""

TOLD_BYTES = 8_000
"""Of a question and of an answer: all that goes to the agent must fit into one message of 1 MB, of which the prompt may take 256 kB."""

KEPT_BYTES = 64_000
"""Of a question and of an answer in the history: some thirty pages."""

BUDGET_BYTES = 8_000_000
"""Of all that is kept: hundreds of usual questions, and beside a session nothing."""


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
        self._sizes.append(len(talk.question) + len(talk.answer) + sum(len(proposal.code) for proposal in talk.proposals))
        while sum(self._sizes) > self._budget_bytes and len(self._talks) > 1:
            del self._talks[0], self._sizes[0]

    def precede(self, talks: Sequence[Talk]) -> None:
        """These came before all that there is: another process has heard them."""
        later, self._talks, self._sizes = self._talks, [], []
        for talk in (*talks, *later):
            self.add(talk)

    def exchanges(self) -> list[Exchange]:
        """What the agent is told of it."""
        return [Exchange(question=cut_bytes(talk.question, TOLD_BYTES), answer=_told(talk)) for talk in self._talks[-TOLD:]]

    def proposals(self) -> dict[int, Sequence[Proposal]]:
        """The proposed cells of each question that has any, oldest first."""
        return {talk.number: talk.proposals for talk in self._talks if talk.proposals}

    def reset(self) -> Forgotten:
        """Forget everything."""
        forgotten = Forgotten(questions=len(self._talks), proposals=sum(len(talk.proposals) for talk in self._talks))
        self._talks.clear()
        self._sizes.clear()
        return forgotten


def _told(talk: Talk) -> str:
    answer = cut_bytes(talk.answer, TOLD_BYTES)
    mark = UNFINISHED.get(talk.status, "")
    return f"{answer}\n\n{mark}" if answer.strip() and mark else answer
