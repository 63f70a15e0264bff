"""What one question shows: the text of the answer with the proposed cells in it, numbered, where they were made."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

THINKING = "*thinking ...*"
CURSOR = " ▍"
"""Stands behind the text while more is to come."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed cell."""

    number: int
    code: str
    language: str


@dataclass(slots=True)
class TurnDisplay:
    """The growing answer to one question."""

    number: int
    """The turn's, for `%beaker stop N`."""
    model: str = ""
    words: str = ""
    """What the turn waits for."""
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    _segments: list[str | Proposal] = field(default_factory=list[str | Proposal])

    def add_text(self, text: str) -> None:
        """More of the answer."""
        if self._segments and isinstance(self._segments[-1], str):
            self._segments[-1] += text
        else:
            self._segments.append(text)

    def propose(self, code: str, language: str) -> Proposal:
        """A cell was proposed."""
        proposal = Proposal(len(self.proposals) + 1, code.rstrip("\n"), language)
        self.proposals.append(proposal)
        self._segments.append(proposal)
        return proposal

    @property
    def answer(self) -> str:
        """The text and the code, as it is remembered for the next question."""
        return self._joined(lambda proposal: fenced(proposal.code, proposal.language))

    @property
    def text(self) -> str:
        """The text without the proposed cells."""
        return self._joined(lambda _: "")

    def markdown(self, *, ending: str | None = None) -> str:
        """The display as it stands.

        Args:
            ending: None while the turn goes on; else a line to put below the answer (may be empty).
        """
        body = self._joined(lambda proposal: f"**[{proposal.number}]**\n\n{fenced(proposal.code, proposal.language)}")
        if ending is None:
            below = f"*{self.words}*" if self.words else ""
            if not body:
                return below or THINKING
            return f"{body}\n\n{below}" if below else body + CURSOR
        return "\n\n".join(part for part in (body, ending) if part)

    def insert_hint(self, *, first_comes: bool) -> str:
        """How to get at the cells that do not come by themselves; empty if there are none.

        Args:
            first_comes: the client makes a cell of the first one.
        """
        if len(self.proposals) > first_comes:
            return f"*`%beaker insert N {self.number}` makes a cell of one of {'the others' if first_comes else 'these'}.*"
        return ""

    def _joined(self, block: Callable[[Proposal], str]) -> str:
        parts = (part.strip() if isinstance(part, str) else block(part) for part in self._segments)
        return "\n\n".join(part for part in parts if part)


def fenced(code: str, language: str) -> str:
    """Code as a markdown block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
