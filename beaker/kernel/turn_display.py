"""What one question shows: the text of the answer with the proposed cells and the runs in it, where they were made.

It is shown in *parts*: outputs of code that ran stand between two of them, or another cell does, where the answer went on later. How a
part is drawn stands in `panes.py`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from beaker.kernel.asked_back import AskedBack
from beaker.kernel.code_blocks import CodeBlock, common_name, fenced, split_blocks
from beaker.kernel.harmless import Growing, closed


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed cell."""

    number: int
    code: str
    language: str
    replaces: str = ""
    """The cell whose code it is to take the place of; empty: none."""
    after: str = ""
    """The cell it belongs behind; empty: the question."""
    session: str = ""
    """What the session runs, if that is another language: as a cell it would run as code that it is not."""


@dataclass(slots=True)
class RunBlock:
    """Code that the model wants run, as it is shown."""

    name: str
    """`A3`."""
    code: str
    language: str
    words: str = ""
    """What becomes of it."""
    below: str = ""
    """How to come back to it, while it waits."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the model did for the answer and that shows in no other way: a look, or a call that failed."""

    line: str
    """Words of beaker's own, with names and data in them that nobody vouches for."""
    failed: bool = False


Segment = str | Proposal | RunBlock | AskedBack | Step
"""A piece of an answer: text by the model, or what beaker vouches for."""


@dataclass(slots=True)
class TurnDisplay:
    """The growing answer to one question."""

    number: int
    """The turn's, for `%beaker stop N`."""
    model: str = ""
    words: str = ""
    """What the turn waits for."""
    trouble: str = ""
    """Why nothing comes now, which is shown in place of those words."""
    note: str = ""
    """Stands below this part and is no part of the answer."""
    thinks: bool = False
    """The model has what it asked for, and has not said anything since."""
    steps: int = 1
    """Which step of the turn this is, as its tools are counted."""
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    _calls: set[str] = field(default_factory=set[str])
    """Of tools, that are not answered."""
    _answered_at: int = 0
    """How many segments there were when the last call was made or answered."""
    _segments: list[Segment] = field(default_factory=list[Segment])
    _part: int = 0
    """Where the part begins that is shown now."""
    _again: RunBlock | None = None
    """Stands at its head, though it stands further above as well."""
    _readers: dict[int, Growing] = field(default_factory=dict[int, Growing])
    """Who makes the text of a pane harmless, by its place in the part."""

    @property
    def part(self) -> Sequence[Segment]:
        """What is shown now."""
        return [*([] if self._again is None else [self._again]), *self._segments[self._part :]]

    def reader(self, at: int) -> Growing:
        """Who makes the text of the pane at this place in the part harmless: it was asked for it when it was shorter."""
        return self._readers.setdefault(at, Growing())

    def tool_called(self, call_id: str) -> None:
        """The model wants something done."""
        self._calls.add(call_id)
        self.thinks = False
        self._answered_at = len(self._segments)

    def tool_answered(self, call_id: str, line: str, *, failed: bool) -> None:
        """It was done, or could not be.

        Args:
            line: what that was; empty where it shows anyway.
        """
        # What the call itself has put into the answer, code or a question, tells more than its line.
        shows = any(not isinstance(segment, str) for segment in self._segments[self._answered_at :])
        if line and not shows:
            self._segments.append(Step(line, failed))
        self._answered_at = len(self._segments)
        if call_id in self._calls:
            self._calls.discard(call_id)
            if not self._calls:
                self.steps += 1
                self.thinks = True

    def add_text(self, text: str) -> None:
        """More of the answer."""
        self.thinks = self.thinks and not text.strip()
        last = self._segments[-1] if len(self._segments) > self._part else None
        if isinstance(last, str):
            self._segments[-1] = last + text
        else:
            self._segments.append(text)

    def propose(self, code: str, language: str, *, session: str = "", replaces: str = "", after: str = "") -> Proposal:
        """A cell was proposed.

        Args:
            session: the language that the session runs; empty: not known, and taken to be the same.
        """
        other = session if session and common_name(session) != common_name(language) else ""
        proposal = self._numbered(code, language, replaces=replaces, after=after, session=other)
        self._segments.append(proposal)
        return proposal

    def adopt_blocks(self, language: str) -> list[Proposal]:
        """The answer is whole: code that stands in its text counts as proposed, if nothing was proposed otherwise.

        Only what is shown now is looked at: what stands further above cannot be redrawn.
        """
        known = {segment.code.strip() for segment in self._segments if isinstance(segment, Proposal | RunBlock)}
        only_repeats = bool(self.proposals)
        found: list[Proposal] = []
        segments: list[Segment] = []
        for segment in self._segments[self._part :]:
            for piece in split_blocks(segment, language) if isinstance(segment, str) else [segment]:
                if not isinstance(piece, CodeBlock):
                    segments.append(piece)
                elif piece.code.strip() in known:
                    continue  # it is shown already
                elif only_repeats:
                    segments.append(fenced(piece.code, language.lower()))
                else:
                    known.add(piece.code.strip())
                    found.append(self._numbered(piece.code, language))
                    segments.append(found[-1])
        self._segments[self._part :] = segments
        return found

    @property
    def cells(self) -> list[Proposal]:
        """The proposals that a cell can be made of."""
        return [proposal for proposal in self.proposals if not proposal.session]

    def _numbered(self, code: str, language: str, *, replaces: str = "", after: str = "", session: str = "") -> Proposal:
        proposal = Proposal(len(self.proposals) + 1, code.rstrip("\n"), language, replaces, after, session)
        self.proposals.append(proposal)
        return proposal

    def run(self, name: str, code: str, language: str) -> RunBlock:
        """The model wants something run."""
        block = RunBlock(name, code.rstrip("\n"), language)
        self._segments.append(block)
        return block

    def ask_back(self, question: str, choices: Sequence[str]) -> AskedBack:
        """The model asks the user."""
        asked = AskedBack(question, tuple(choices))
        self._segments.append(asked)
        return asked

    def begin_part(self, *, again: RunBlock | None = None) -> None:
        """What comes from here on is shown further below, apart from what is there already.

        Args:
            again: code that is shown there once more: where it was decided about.
        """
        self._part = len(self._segments)
        self._again = again
        self._readers = {}
        self.note = ""

    @property
    def answer(self) -> str:
        """The text and the code, as it is remembered for the next question."""
        return _joined(self._segments, lambda proposal: fenced(proposal.code, proposal.language))

    @property
    def text(self) -> str:
        """The text without the proposed cells."""
        return _joined([segment for segment in self._segments if isinstance(segment, str)], lambda _: "")

    def insert_hint(self, *, first_comes: bool) -> str:
        """How to get at the cells that do not come by themselves, in a line; empty if there are none.

        Args:
            first_comes: the client makes a cell of the first one.
        """
        if len(self.cells) > first_comes:
            return f"`%beaker insert N {self.number}` makes a cell of one of {'the others' if first_comes else 'these'}."
        return ""


def _joined(segments: Sequence[Segment], block: Callable[[Proposal], str]) -> str:
    def shown(segment: Segment) -> str:
        match segment:
            case str():
                return closed(segment.strip())  # what is left open must not swallow what stands behind it
            case Proposal():
                return block(segment)
            case AskedBack():
                return segment.remembered()
            case Step():
                return ""  # a model that reads such lines in its answers writes them, too
            case RunBlock(name=name, code=code, language=language, words=words):
                head = f"**{name}** {words}".rstrip()
                return f"{head}\n\n{fenced(code, language)}" if code else head

    return "\n\n".join(part for part in map(shown, segments) if part)


def cell_named(name: str) -> str:
    """A cell's name as a model may write it, without what stands around a number.

    >>> cell_named("In[3]"), cell_named(" [12] "), cell_named("cell 4"), cell_named("b2f1-9c")
    ('3', '12', '4', 'b2f1-9c')
    """
    name = " ".join(name.split())[:100]
    found = re.fullmatch(r"(?:in|out|cell)? ?\[? ?(\d{1,9}) ?\]?:?", name, re.IGNORECASE)
    return found[1] if found else name
