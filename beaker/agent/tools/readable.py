"""Whether text that a user decides about reads on her screen as it is: nothing in it moves the cursor or turns its direction."""

import re

_HIDING = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # controls, and what changes the direction of text
    "|\r(?!\n)"  # Python ends a line there; a terminal writes the next one over it
)


def is_readable(text: str) -> bool:
    """Whether it reads as it is.

    >>> is_readable("x = 1\\r\\n\\ty = 'naïve'"), is_readable("evil()\\rprint(1)"), is_readable("\\x1b[2K")
    (True, False, False)
    """
    return _HIDING.search(text) is None
