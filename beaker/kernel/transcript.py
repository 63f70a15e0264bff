"""What passed by: the session's cells and outputs, kept undecoded under a byte budget until somebody asks.

The agent's context is made from this, so no hidden execution is needed to know what the user did and saw. Of a cell's
outputs the first and the last part are kept; a flood costs no more than the budget.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from beaker.kernel.cutting import cut_bytes
from beaker.messages.turn import SeenCell
from beaker.wire.parts import UNREADABLE

Status = Literal["ok", "error", "aborted", "running"]

HEAD_BYTES = 32_768
TAIL_BYTES = 32_768
"""Per cell: enough for a traceback and a table; what models are shown is cut further, to 2-8 kB."""

CODE_BYTES = 8_000
"""Of a cell's code: some two hundred lines."""

RECORDED = frozenset({"stream", "execute_result", "display_data", "error"})
"""Message types that are outputs."""


class _Output(msgspec.Struct, frozen=True):
    """The text of any output message."""

    text: str = ""
    data: dict[str, msgspec.Raw] = {}
    traceback: list[str] = []
    ename: str = ""
    evalue: str = ""


class _Input(msgspec.Struct, frozen=True):
    code: str = ""
    execution_count: int | None = None


_output_decoder = msgspec.json.Decoder(_Output)
_input_decoder = msgspec.json.Decoder(_Input)


@dataclass(slots=True)
class _Cell:
    input: bytes
    status: Status = "running"
    head: list[bytes] = field(default_factory=list[bytes])
    head_bytes: int = 0
    tail: deque[bytes] = field(default_factory=deque[bytes])
    tail_bytes: int = 0
    dropped_bytes: int = 0

    @property
    def size(self) -> int:
        return len(self.input) + self.head_bytes + self.tail_bytes

    def add(self, content: bytes) -> None:
        size = len(content)
        if not self.tail and self.head_bytes + size <= HEAD_BYTES:
            self.head.append(content)
            self.head_bytes += size
            return
        if size > TAIL_BYTES:
            self.dropped_bytes += size
            return
        self.tail.append(content)
        self.tail_bytes += size
        while self.tail_bytes > TAIL_BYTES:
            gone = len(self.tail.popleft())
            self.tail_bytes -= gone
            self.dropped_bytes += gone


@dataclass(slots=True)
class Transcript:
    """The cells of the session, oldest first.

    Args:
        budget_bytes: the oldest cells go when all together are larger.
    """

    budget_bytes: int
    _cells: OrderedDict[str, _Cell] = field(default_factory=OrderedDict[str, _Cell])
    _bytes: int = 0

    def begin(self, msg_id: str, content: bytes) -> None:
        """An execute_input passed by."""
        self._cells[msg_id] = cell = _Cell(content)
        self._bytes += cell.size
        while self._bytes > self.budget_bytes and len(self._cells) > 1:
            _, oldest = self._cells.popitem(last=False)
            self._bytes -= oldest.size

    def output(self, msg_id: str, content: bytes) -> None:
        """An output of that cell passed by."""
        if (cell := self._cells.get(msg_id)) is not None:
            before = cell.size
            cell.add(content)
            self._bytes += cell.size - before

    def end(self, msg_id: str, status: str) -> None:
        """The reply to that cell passed by."""
        if (cell := self._cells.get(msg_id)) is not None:
            cell.status = "ok" if status == "ok" else "aborted" if status == "aborted" else "error"

    def recent(self, cells: int, *, output_chars: int) -> list[SeenCell]:
        """The last cells, oldest first, their outputs as text of at most so many characters."""
        return [_seen(cell, output_chars) for cell in list(self._cells.values())[-cells:]]


def _seen(cell: _Cell, output_chars: int) -> SeenCell:
    try:
        source = _input_decoder.decode(cell.input)
    except UNREADABLE:
        source = _Input(code="(unreadable)")
    text = "".join(map(_text_of, cell.head))
    if cell.dropped_bytes:
        text += f"\n... {cell.dropped_bytes} bytes left out ...\n"
    text += "".join(map(_text_of, cell.tail))
    if len(text) > output_chars:
        half = output_chars // 2
        text = f"{text[:half]}\n... {len(text) - output_chars} characters left out ...\n{text[-half:]}"
    return SeenCell(
        execution_count=source.execution_count,
        code=cut_bytes(source.code, CODE_BYTES),
        output=text,
        status=cell.status,
    )


def _text_of(content: bytes) -> str:
    try:
        output = _output_decoder.decode(content)
    except UNREADABLE:
        return ""
    if output.ename:
        return f"{output.ename}: {output.evalue}\n"
    if output.text:
        return output.text
    plain = output.data.get("text/plain")
    if plain is None:
        return f"({', '.join(output.data)})\n" if output.data else ""
    pictures = [kind for kind in output.data if kind.startswith("image/")]
    suffix = f" ({', '.join(pictures)})" if pictures else ""
    try:
        return f"{msgspec.json.decode(plain)}{suffix}\n"
    except UNREADABLE:
        return f"(unreadable){suffix}\n"
