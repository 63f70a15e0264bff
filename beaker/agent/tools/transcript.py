"""Tools that read what passed by: cells, their outputs and errors, and the rest of an output that was cut."""

from typing import Annotated

import msgspec

from beaker.agent.cell_text import cell_text
from beaker.agent.tools.deed import Deed, named
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, Arguments, Asking, Tool
from beaker.messages.look import CellsRead, OutputRead, ReadCells, ReadOutput
from beaker.messages.turn import TurnRequest

NOTE_CHARS = 200
"""Room for the sentence below or above."""

NUMBERS_END = 1_000_000_000
"""Of cells and characters; larger ones are made up, and could not be sent."""


class ReadCellsArguments(Arguments, frozen=True, kw_only=True):
    """Read cells that the user ran, with outputs and errors, by their numbers. Without numbers: the latest ones."""

    from_: Annotated[int | None, msgspec.Meta(description="The first number.")] = msgspec.field(default=None, name="from")
    to: Annotated[int | None, msgspec.Meta(description="The last number, included.")] = None


class ReadCellsTool(Tool[ReadCellsArguments, CellsRead]):
    """`read_cells`."""

    name = "read_cells"
    arguments = ReadCellsArguments
    reply = CellsRead

    def problem(self, arguments: ReadCellsArguments, /) -> str | None:
        """Numbers the wrong way round find nothing."""
        first, last = arguments.from_, arguments.to
        for number in (first, last):
            if number is not None and not 0 <= number < NUMBERS_END:
                return f"read_cells got the number {str(number)[:20]}: cells have numbers from 1 on."
        if first is not None and last is not None and first > last:
            return f"read_cells got from={first} and to={last}: the first number has to come first."
        return None

    def request(self, arguments: ReadCellsArguments, asking: Asking, /) -> TurnRequest:
        """A look into the transcript."""
        return ReadCells(turn=asking.turn, first=arguments.from_, last=arguments.to)

    def describe(self, reply: CellsRead, /) -> str:
        """The newest that fit, oldest first."""
        written: list[str] = []
        size = NOTE_CHARS
        for cell in reversed(reply.cells):
            text = cell_text(cell)
            if written and size + len(text) + 2 > RESULT_LIMIT_CHARS:
                break
            written.append(text)
            size += len(text) + 2
        notes = [reply.note] if reply.note else []
        if missing := len(reply.cells) - len(written):
            notes.append(f"{missing} earlier cells did not fit; ask for them by from and to")
        head = [f"({'; '.join(notes)})"] if notes else []
        return "\n\n".join([*head, *reversed(written)]) or "No cells have run yet."

    def handle(self, reply: CellsRead, /) -> str:
        """Of several outputs that were cut, the newest."""
        return next((cell.handle for cell in reversed(reply.cells) if cell.handle), "")

    def deed(self, arguments: ReadCellsArguments, /) -> Deed:
        """The cells that are read."""
        first, last = arguments.from_, arguments.to
        one = first is not None and first == last
        which = f"cell {first}" if one else "the latest cells"
        if not one and (first is not None or last is not None):
            which = (
                f"the cells {first} to {last}"
                if None not in (first, last)
                else f"the cells from {first}"
                if last is None
                else f"the cells up to {last}"
            )
        return Deed(f"reading {which}", f"Read {which}", f"Could not read {which}")

    def found(self, reply: CellsRead, /) -> str:
        """Which."""
        numbers = [cell.execution_count for cell in reply.cells if cell.execution_count is not None]
        return f"[{numbers[0]}] to [{numbers[-1]}]" if len(numbers) > 1 else f"[{numbers[0]}]" if numbers else "none"


class ReadOutputArguments(Arguments, frozen=True, kw_only=True):
    """Read on in an output that was cut, by the handle that stands beside it."""

    handle: Annotated[str, msgspec.Meta(description="As it stands at the cell: output-7.")]
    offset: Annotated[int, msgspec.Meta(ge=0, lt=NUMBERS_END, description="Where to begin, in characters.")] = 0


class ReadOutputTool(Tool[ReadOutputArguments, OutputRead]):
    """`read_output`."""

    name = "read_output"
    arguments = ReadOutputArguments
    reply = OutputRead

    def request(self, arguments: ReadOutputArguments, asking: Asking, /) -> TurnRequest:
        """A look into the transcript."""
        return ReadOutput(turn=asking.turn, handle=arguments.handle, offset=arguments.offset)

    def describe(self, reply: OutputRead, /) -> str:
        """The text, and where it goes on."""
        end = reply.offset + len(reply.text)
        if not reply.text:
            return f"(the output has {reply.size} characters; there is nothing at {reply.offset})"
        rest = f"; go on with offset {end}" if end < reply.size else ""
        return f"(characters {reply.offset} to {end} of {reply.size}{rest})\n{reply.text}"

    def handle(self, reply: OutputRead, /) -> str:
        """The one that was read, unless this is all of it."""
        return reply.handle if len(reply.text) < reply.size else ""

    def deed(self, arguments: ReadOutputArguments, /) -> Deed:
        """The rest of it."""
        which = f"more of {named(arguments.handle)}"
        return Deed(f"reading {which}", f"Read {which}", f"Could not read {which}")

    def found(self, reply: OutputRead, /) -> str:
        """Which part."""
        return f"characters {reply.offset} to {reply.offset + len(reply.text)} of {reply.size}"
