"""Which cells are ours, and what they say.

A cell is ours if its first line that is not blank begins with `%%ai` or `%%ask`, or if the whole of it is one line that begins
with `%ai` or `%beaker` (`cell_head.py`); every other cell is the subkernel's, untouched. `parse` never raises, whatever the cell
holds: what cannot be done is a `Refused` with a sentence for the user. Commands are read in `beaker.kernel.commands`, questions in
`beaker.kernel.question`; completion and help in such cells are in `beaker.kernel.commands.assistance`, the comment that stands for
one in the subkernel in `beaker.languages.comments`.
"""

import re
from typing import Literal

from beaker.kernel.cell_head import LINE_END, Cell, find_cell
from beaker.kernel.commands.command import Order
from beaker.kernel.commands.help import ShowHelp, read_order
from beaker.kernel.question import ASK_TOPIC, Ask, read_question

Ours = Ask | Order
"""What a cell of ours wants."""


def parse(code: str) -> Ours | None:
    """What a cell wants of us; None if it is not ours."""
    cell = find_cell(code)
    if cell is None:
        return None
    if _wants_help(cell):
        return ShowHelp(topic="" if cell.head == "%beaker" else ASK_TOPIC)
    if cell.head == "%beaker":
        return read_order(cell.rest.strip())
    return read_question(cell.rest) or ShowHelp(topic=ASK_TOPIC)


def is_complete(code: str) -> Literal["complete", "incomplete"] | None:
    """Whether a console should run a cell when Enter is pressed; None if it is not ours.

    A line magic is complete. A question goes on until its last line is blank, as the bodies of IPython's cell magics do; while
    there is none it takes a second blank line, so that one is free to begin below.
    """
    cell = find_cell(code)
    if cell is None:
        return None
    if not cell.head.startswith("%%") or _wants_help(cell):
        return "complete"
    blank_lines = len(re.findall(LINE_END, cell.rest[len(cell.rest.rstrip()) :]))
    needed = 1 if cell.rest.strip() else 2
    return "complete" if blank_lines >= needed else "incomplete"


def _wants_help(cell: Cell) -> bool:
    return cell.rest.rstrip().lstrip(" \t") in {"?", "??"}
