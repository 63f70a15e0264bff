"""Text for a terminal: colours where they are wanted, no foreign control characters, and no line longer than it may be.

What stands in a log came from clients, models and kernels: an escape sequence in it must not reach the terminal.
"""

import re
from typing import Final, Literal

Colour = Literal["plain", "bold", "dim", "red", "yellow", "cyan", "green"]

_CODES: Final[dict[Colour, str]] = {"bold": "1", "dim": "2", "red": "31;1", "yellow": "33", "cyan": "36", "green": "32"}
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(rf"[\x00-\x1f]|{_CONTROL_IN_JSON.pattern}")
"""Besides the controls those that reverse the direction of text, by which a line could read as another."""


class Ink:
    """Colours text, or leaves it.

    >>> Ink(coloured=True).paint("no", "red"), Ink(coloured=False).paint("no", "red")
    ('\\x1b[31;1mno\\x1b[0m', 'no')
    """

    def __init__(self, *, coloured: bool) -> None:
        self._coloured = coloured

    def paint(self, text: str, colour: Colour) -> str:
        """The text in this colour."""
        if not self._coloured or colour == "plain" or not text:
            return text
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def make_safe(text: str) -> str:
    """Write control characters out.

    >>> make_safe("a\\x1b[2Jb\\n")
    'a\\\\x1b[2Jb\\\\n'
    """
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def escape(text: str) -> str:
    r"""The same for a line of JSON, in whose strings the first 32 are written out already: it stays the same JSON.

    >>> escape('{"a": "b\u009b2J"}')
    '{"a": "b\\u009b2J"}'
    """
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def fit(text: str, width: int) -> str:
    """Cut a text that is too long, and say so.

    >>> fit("abcdef", 4), fit("abc", 4), fit("abc", 0)
    ('abc…', 'abc', '')
    """
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""
