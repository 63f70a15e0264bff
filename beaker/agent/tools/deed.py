"""What a tool does, in words for the user: while it is done, and in one line of the answer when it was.

The model chooses names and arguments and data gives the rest, so nothing here is more than text: whoever draws a line sees to that it
does nothing. It is short, since what was found is the user's own.
"""

from typing import NamedTuple

LINE_CHARS = 160
"""Of a line: on a usual screen it is one."""
NAME_CHARS = 60
"""Of a name in it, so that there is room for what came of it."""


class Deed(NamedTuple):
    """One use of a tool."""

    doing: str
    """While it goes on; empty where something else shows that."""
    done: str
    undone: str
    """How the line begins that tells why not."""


def named(name: str) -> str:
    """A name as it stands in a line: between backticks, none inside.

    >>> named("a`b\\nc")
    "`a'b c`"
    """
    return f"`{short(name.replace('`', chr(39)), NAME_CHARS) or ' '}`"


def short(text: str, limit_chars: int) -> str:
    """Text in one line, its end left out where it is too long.

    >>> short(" a  very\\nlong text", 8)
    'a very …'
    """
    text = " ".join(text[: 4 * limit_chars].split())
    return text if len(text) <= limit_chars else f"{text[: limit_chars - 2].rstrip()} …"


def line_of(begin: str, more: str) -> str:
    """A line: what was done, and what came of it."""
    more = short(more, LINE_CHARS)
    return f"{begin}: {more}" if more else begin


def refused_line(name: str, text: str) -> str:
    """Of a call that could not be made.

    >>> refused_line("plot", "There is no tool 'plot'. The tools are: a, b.")
    "Could not use `plot`: There is no tool 'plot'"
    """
    return line_of(f"Could not use {named(name)}", text.split(". ")[0].split(": {")[0])
