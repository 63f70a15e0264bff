"""What passed by: the session's cells and outputs, kept undecoded under a byte budget until somebody asks.

The agent's context is made from this, so no hidden execution is needed to know what the user did and saw. Outputs are kept
whole as long as the budget allows; of a flood the first and the last part. Each cell has a handle, by which the whole of an
output is found that was cut where it was shown.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from beaker.kernel.cutting import cut_bytes
from beaker.kernel.output_text import data_text, ends_of_text, error_text, read_output, text_of, without_pictures
from beaker.messages.look import SeenCell
from beaker.wire.parts import UNREADABLE

Status = Literal["ok", "error", "aborted", "running"]

CELL_SHARE = 4
"""The part of the budget that one cell may take; a flood leaves room for what the user did before."""

CODE_BYTES = 8_000
"""Of a cell's code: some two hundred lines."""

CELL_COST_BYTES, OUTPUT_COST_BYTES = 600, 60
"""What a cell and each of its outputs cost beside their content, which for most small ones is less."""

LARGE_BYTES = 65_536
"""Of an output of data, most are pictures: what nobody can read as text is not kept, only named."""

HUGE_BYTES = 8 * 1024 * 1024
"""An output this large is not decoded as a whole: that would hold up the session's other messages."""

ENDS_BYTES = 65_536
"""Of each end of such a text; more than anybody is shown of it at once."""

RECORDED = frozenset({"stream", "execute_result", "display_data", "error"})
"""Message types that are outputs."""


Show = Callable[[str, int, int], str]
"""What of a piece of a text is shown: `show(text, start, stop)`."""


class _Input(msgspec.Struct, frozen=True):
    code: str = ""
    execution_count: int | None = None


_input_decoder = msgspec.json.Decoder(_Input)


class Part(NamedTuple):
    """A piece of a cell's output."""

    text: str
    size: int
    """Of the whole, in characters."""


@dataclass(slots=True)
class _Cell:
    number: int
    """Counts the cells of this kernel; unlike the execution count it never repeats."""
    input: bytes
    limit_bytes: int
    """Of its outputs: half of it for their beginning, half for their end."""
    status: Status = "running"
    former: bool = False
    head: list[bytes] = field(default_factory=list[bytes])
    head_bytes: int = 0
    tail: deque[bytes] | None = None
    """Made for the few that need it: an empty one is larger than most cells."""
    tail_bytes: int = 0
    dropped_bytes: int = 0

    @property
    def size(self) -> int:
        return CELL_COST_BYTES + len(self.input) + self.head_bytes + self.tail_bytes

    @property
    def handle(self) -> str:
        return f"output-{self.number}"

    def add(self, content: bytes) -> None:
        size = len(content) + OUTPUT_COST_BYTES
        if not self.tail and self.head_bytes + size <= self.limit_bytes // 2:
            self.head.append(content)
            self.head_bytes += size
            return
        if size > self.limit_bytes // 2:
            self.dropped_bytes += len(content)
            return
        if self.tail is None:
            self.tail = deque()
        self.tail.append(content)
        self.tail_bytes += size
        while self.tail_bytes > self.limit_bytes // 2:
            gone = len(self.tail.popleft())
            self.tail_bytes -= gone + OUTPUT_COST_BYTES
            self.dropped_bytes += gone

    def source(self) -> _Input:
        try:
            return _input_decoder.decode(self.input)
        except UNREADABLE:
            return _Input(code="(unreadable)")

    def outputs(self) -> Iterator[bytes]:
        yield from self.head
        yield from self.tail or ()

    def text(self) -> str:
        text = "".join(map(text_of, self.head))
        if self.dropped_bytes:
            text += f"\n... {self.dropped_bytes} bytes left out ...\n"
        return text + "".join(map(text_of, self.tail or ()))

    def seen(self, output_chars: int, show: Show) -> SeenCell:
        source, text = self.source(), self.text()
        size, handle = len(text), ""
        if size > output_chars:
            half, handle = output_chars // 2, self.handle
            text = f"{show(text, 0, half)}\n... {size - output_chars} characters left out ...\n{show(text, size - half, size)}"
        else:
            text = show(text, 0, size)
        code = cut_bytes(show(source.code, 0, len(source.code)), CODE_BYTES)
        return SeenCell(
            execution_count=source.execution_count, code=code, output=text, status=self.status, handle=handle, former=self.former
        )


@dataclass(slots=True)
class Transcript:
    """The cells of the session, oldest first.

    Args:
        budget_bytes: the oldest cells go when all together are larger.
    """

    budget_bytes: int
    show: Show = lambda text, start, stop: text[start:stop]
    """What of codes and outputs is shown to the agent; whoever reads by number reads all: then the user has asked for it."""
    _cells: OrderedDict[str, _Cell] = field(default_factory=OrderedDict[str, _Cell])
    _bytes: int = 0
    _last: int = 0

    def begin(self, msg_id: str, content: bytes) -> None:
        """An execute_input passed by."""
        self._last += 1
        self._cells[msg_id] = cell = _Cell(self._last, content, self.budget_bytes // CELL_SHARE)
        self._bytes += cell.size
        self._make_room()

    def output(self, msg_id: str, content: bytes) -> None:
        """An output of that cell passed by."""
        cell = self._cells.get(msg_id)
        if cell is None:
            return
        if len(content) > LARGE_BYTES:
            content = _readable_part(content)
        before = cell.size
        cell.add(content)
        self._bytes += cell.size - before
        if self._bytes > self.budget_bytes:
            self._make_room()

    def end(self, msg_id: str, status: str) -> None:
        """The reply to that cell passed by."""
        if (cell := self._cells.get(msg_id)) is not None:
            cell.status = "ok" if status == "ok" else "aborted" if status == "aborted" else "error"

    def session_over(self) -> None:
        """What ran so far is all that there is of its session."""
        for cell in self._cells.values():
            cell.former = True

    def find(self, msg_id: str, *, output_chars: int) -> SeenCell | None:
        """One cell; None if it never began, or was dropped."""
        cell = self._cells.get(msg_id)
        return None if cell is None else cell.seen(output_chars, self.show)

    def recent(self, cells: int, *, output_chars: int) -> list[SeenCell]:
        """The last cells, oldest first, their outputs as text of at most so many characters."""
        return [cell.seen(output_chars, self.show) for cell in list(self._cells.values())[-cells:]]

    def between(self, first: int | None, last: int | None, *, cells: int, output_chars: int) -> tuple[list[SeenCell], int]:
        """The newest cells whose numbers lie between two, oldest first, and how many more there are.

        A number may stand for several cells, when the subkernel was restarted between them.
        """

        def wanted(cell: _Cell) -> bool:
            count = cell.source().execution_count
            if first is None and last is None:
                return True
            return count is not None and (first is None or count >= first) and (last is None or count <= last)

        found = [cell for cell in self._cells.values() if wanted(cell)]
        return [cell.seen(output_chars, self.show) for cell in found[-cells:]], max(len(found) - cells, 0)

    def part(self, handle: str, offset: int, *, chars: int) -> Part | None:
        """A piece of the output with that handle, None if there is none (any more)."""
        cell = next((cell for cell in self._cells.values() if cell.handle == handle), None)
        if cell is None:
            return None
        text = cell.text()
        return Part(self.show(text, offset, min(offset + chars, len(text))), len(text))

    def handles(self) -> list[str]:
        """Of all cells that printed something, oldest first."""
        return [cell.handle for cell in self._cells.values() if cell.head or cell.tail]

    def code(self, count: int) -> str | None:
        """`In[count]`."""
        cell = self._numbered(count)
        return None if cell is None else cell.source().code

    def result(self, count: int) -> str | None:
        """`Out[count]` as text; None if that cell had none."""
        for cell in self._all_numbered(count):
            for content in cell.outputs():
                output = read_output(content)
                if output is not None and output.data and output.execution_count is not None:
                    return data_text(output).rstrip("\n")
        return None

    def error(self, count: int) -> str | None:
        """The error of cell `count` with its traceback; None if it had none."""
        for cell in self._all_numbered(count):
            for content in cell.outputs():
                output = read_output(content)
                if output is not None and output.ename:
                    return error_text(output).rstrip("\n")
        return None

    def codes(self) -> list[str]:
        """The code of all cells, oldest first."""
        return [cell.source().code for cell in self._cells.values()]

    def numbers(self) -> list[int]:
        """Of all cells that have one, the newest first, each once."""
        counts = (cell.source().execution_count for cell in reversed(self._cells.values()))
        return list(dict.fromkeys(count for count in counts if count is not None))

    def _numbered(self, count: int) -> _Cell | None:
        return next(self._all_numbered(count), None)

    def _all_numbered(self, count: int) -> Iterator[_Cell]:
        """The newest first."""
        return (cell for cell in reversed(self._cells.values()) if cell.source().execution_count == count)

    def _make_room(self) -> None:
        while self._bytes > self.budget_bytes and len(self._cells) > 1:
            _, oldest = self._cells.popitem(last=False)
            self._bytes -= oldest.size


def _readable_part(content: bytes) -> bytes:
    if len(content) > HUGE_BYTES:
        if (ends := ends_of_text(content, ENDS_BYTES)) is not None:
            return msgspec.json.encode({"text": ends})
        return msgspec.json.encode({"text": f"(an output of {len(content)} bytes)\n"})
    # A long text is kept as it is; decoding it here would cost more than it saves.
    return without_pictures(content) if re.match(rb'\s*\{\s*"(data|metadata|transient|output_type)"', content) else content
