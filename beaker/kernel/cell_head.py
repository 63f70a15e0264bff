"""The outer form of a cell that is ours: how it begins.

It is looked at for every cell that anybody runs or completes, so it stands apart from what such cells say (`magics.py`), which the kernel
process imports for the first of them. `might_be_ours` answers for the undecoded bytes of a request, `find_cell` for the text.
"""

import re
from typing import Literal

import msgspec

# Blank is what JSON and editors agree on; in JSON these stand as themselves or escaped, in whatever way a client chooses.
_BLANKS = " \t\n\r\f\v"
_BLANKS_LIMIT = 10_000
"""Blank characters that may stand in front of a cell of ours: no request may cost a walk over all of its bytes."""

_KEYS_LIMIT_BYTES = 65_536
"""How far behind the first key called `code` another one is looked for; clients send it first, or behind a few flags."""

_CODE_BEGINS = re.compile(rb'"code"\s*:\s*"(?: |\\[tnrf]|\\u00(?:09|0[a-dA-D]|20)){0,10000}(?:%|\\u0025)')
_HEAD = re.compile(r"(%%ai|%%ask|%ai|%beaker)(?=[\s?]|$)")

LINE_END = r"\r\n|\n|\r"
"""A pattern as text, which `re` compiles when the first cell of ours needs it: the kernel's start is measured."""

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
