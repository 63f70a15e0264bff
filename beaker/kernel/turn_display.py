"""What one question shows: the text of the answer with the proposed cells and the runs in it, where they were made.

It is shown in *parts*: outputs of code that ran stand between two of them, or another cell does, where the answer went on later.
"""

import re
from collections.abc import Callable, Sequence
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
class RunBlock:
    """Code that the model wants run, as it is shown."""

    name: str
    """`A3`."""
    code: str
    language: str
    words: str = ""
    """What becomes of it."""
    output: str = ""
    """Only where the client cannot show outputs of its own any more."""


@dataclass(slots=True)
class TurnDisplay:
    """The growing answer to one question."""

    number: int
    """The turn's, for `%beaker stop N`."""
    model: str = ""
    words: str = ""
    """What the turn waits for."""
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    _segments: list[str | Proposal | RunBlock] = field(default_factory=list[str | Proposal | RunBlock])
    _part: int = 0
    """Where the part begins that is shown now."""

    def add_text(self, text: str) -> None:
        """More of the answer."""
        last = self._segments[-1] if len(self._segments) > self._part else None
        if isinstance(last, str):
            self._segments[-1] = last + text
        else:
            self._segments.append(text)

    def propose(self, code: str, language: str) -> Proposal:
        """A cell was proposed."""
        proposal = Proposal(len(self.proposals) + 1, code.rstrip("\n"), language)
        self.proposals.append(proposal)
        self._segments.append(proposal)
        return proposal

    def run(self, name: str, code: str, language: str) -> RunBlock:
        """The model wants something run."""
        block = RunBlock(name, code.rstrip("\n"), language)
        self._segments.append(block)
        return block

    def begin_part(self) -> None:
        """What comes from here on is shown further below, apart from what is there already."""
        self._part = len(self._segments)

    @property
    def answer(self) -> str:
        """The text and the code, as it is remembered for the next question."""
        return _joined(self._segments, lambda proposal: fenced(proposal.code, proposal.language))

    @property
    def text(self) -> str:
        """The text without the proposed cells."""
        return _joined([segment for segment in self._segments if isinstance(segment, str)], lambda _: "")

    def markdown(self, *, ending: str | None = None) -> str:
        """The display as it stands.

        Args:
            ending: None while the turn goes on; else a line to put below the answer (may be empty).
        """
        body = _joined(
            self._segments[self._part :], lambda proposal: f"**[{proposal.number}]**\n\n{fenced(proposal.code, proposal.language)}"
        )
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


def _joined(segments: Sequence[str | Proposal | RunBlock], block: Callable[[Proposal], str]) -> str:
    def shown(segment: str | Proposal | RunBlock) -> str:
        match segment:
            case str():
                return segment.strip()
            case Proposal():
                return block(segment)
            case RunBlock(name=name, code=code, language=language, words=words, output=output):
                head = f"**{name}** {words}".rstrip()
                blocks = (fenced(code, language) if code else "", fenced(output, "text") if output else "")
                return "\n\n".join(part for part in (head, *blocks) if part)

    return "\n\n".join(part for part in map(shown, segments) if part)


def fenced(code: str, language: str) -> str:
    """Code as a markdown block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
