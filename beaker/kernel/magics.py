"""Which cells are ours, and what they say.

A cell is ours if its first line that is not blank begins with `%%ai` or `%%ask`, or if the whole of it is one line that begins
with `%ai` or `%beaker`; every other cell is the subkernel's, untouched. `might_be_ours` answers for the undecoded bytes of a
request, `parse` for the text. Neither raises, whatever the cell holds: what cannot be done is a `Refused` with a sentence for
the user. Commands are read in `beaker.kernel.commands`, questions in `beaker.kernel.question`; completion and help in such cells are
in `beaker.kernel.commands.assistance`, the comment that stands for one in the subkernel in `beaker.languages.comments`.
"""

import re
from typing import Literal

import msgspec

from beaker.kernel.commands.command import Order
from beaker.kernel.commands.help import ShowHelp, read_order
from beaker.kernel.question import ASK_TOPIC, LINE_END, Ask, read_question

# Blank is what JSON and editors agree on; in JSON these stand as themselves or escaped, in whatever way a client chooses.
_BLANKS = " \t\n\r\f\v"
_BLANKS_LIMIT = 10_000
"""Blank characters that may stand in front of a cell of ours: no request may cost a walk over all of its bytes."""

_KEYS_LIMIT_BYTES = 65_536
"""How far behind the first key called `code` another one is looked for; clients send it first, or behind a few flags."""

_CODE_BEGINS = re.compile(rb'"code"\s*:\s*"(?: |\\[tnrf]|\\u00(?:09|0[a-dA-D]|20)){0,10000}(?:%|\\u0025)')
_HEAD = re.compile(r"(%%ai|%%ask|%ai|%beaker)(?=[\s?]|$)")

Ours = Ask | Order
"""What a cell of ours wants."""

Head = Literal["%%ai", "%%ask", "%ai", "%beaker"]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that is ours, by its outer form."""

    head: Head
    """How it begins."""
    start: int
    """Where that is, in code points."""
    rest: str
    """Everything behind it."""


def might_be_ours(content: bytes) -> bool:
    """Whether the content of a request may carry a cell of ours; only then is it worth decoding.

    True for all of ours, and for other cells that begin with `%`. Costs a search for `"code"`, not a look at the whole.
    """
    at = content.find(b'"code"')
    end = at + _KEYS_LIMIT_BYTES
    while at >= 0:
        if _CODE_BEGINS.match(content, at):
            return True
        at = content.find(b'"code"', at + 6, end)
    return False


def find_cell(code: str) -> Cell | None:
    """The outer form of a cell that is ours, None for every other."""
    start = len(code) - len(code.lstrip(_BLANKS))
    if start > _BLANKS_LIMIT or (start and code[start - 1] not in "\r\n"):
        return None  # or it is indented
    found = _HEAD.match(code, start)
    if found is None:
        return None
    head, rest = found[1], code[found.end() :]
    if not head.startswith("%%") and re.search(LINE_END, rest.rstrip()):
        return None
    return Cell(head=head, start=start, rest=rest)  # type: ignore[arg-type]  # the pattern's alternatives are the Literal's


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
