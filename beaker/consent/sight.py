"""Code as a person can read it: what would not be seen of it on a screen is shown by marks, and told in a few words.

Code that asks to be run may hold the statement that matters ten thousand blanks to the right, or a thousand lines below, or be written
in signs that do not show or that turn the direction of text. So runs of blanks and lines that only repeat are drawn in, long lines are
broken, signs that hide are named. A mark stands between ⟨ and ⟩: where the code itself has these they are named, too, or it could say
that a line goes on which does not. What runs is the text without the marks.
"""

import re
from functools import lru_cache
from typing import NamedTuple

MOST_BLANKS = 80
"""In a row that are shown as they are: more is no indentation."""
LINE_CHARS = 200
"""Of a line that is shown in one piece."""
PIECE_CHARS = 160
MOST_REPEATED = 5
"""Lines of the same look that are shown in a row."""
MANY_LINES = 60
"""More than that is read in pieces, so how many there are is told."""
NAMED_LINES = 3
"""Of those that are told by their number."""

_BLANK = r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0\u115f\u1160]"
_BLANKS = re.compile(rf"{_BLANK}{{{MOST_BLANKS + 1},}}")
_ONLY_BLANKS = re.compile(rf"{_BLANK}*")
_HIDING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # controls, and what turns the direction of text
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f"  # what does not show
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\ud800-\udfff"
    "\u2329\u232a\u276c\u276d\u27e8\u27e9\u3008\u3009]"  # what stands around a mark, and what looks the same
)
_BRACKETS = frozenset("\u2329\u232a\u276c\u276d\u27e8\u27e9\u3008\u3009")
_PILED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]{5,}")
"""Marks above and below one letter, more than any script has: they cover the lines around."""


class Sight(NamedTuple):
    """Code as it is shown."""

    code: str
    """With marks, where there is something to be marked."""
    notes: str
    """What to know of it, as a sentence goes on; empty for code that reads as it is."""


@lru_cache(maxsize=64)  # an answer is drawn again and again, with all the code in it
def sight(code: str) -> Sight:
    """Make code readable.

    >>> sight("x = 1" + " " * 9000 + "; evil()").code
    'x = 1⟨9,000 blanks⟩; evil()'
    >>> sight("a\\n" + "\\n" * 500 + "evil()").code.split("\\n")
    ['a', '⟨500 blank lines⟩', 'evil()']
    """
    lines = code.replace("\r\n", "\n").split("\n")
    shown: list[str] = []
    long: list[int] = []
    hiding: dict[str, int] = {}
    marked = False
    at = 0
    while at < len(lines):
        count = _alike(lines, at)
        blank = _ONLY_BLANKS.fullmatch(lines[at]) is not None
        if blank and count > MOST_REPEATED:
            shown.append(f"⟨{count:,} blank lines⟩")
            marked = True
        else:
            for sign in _HIDING.findall(lines[at]):
                hiding.setdefault(sign, at + 1)
            text = _HIDING.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", lines[at])
            text = _PILED.sub(lambda found: f"⟨{len(found[0]):,} marks on one letter⟩", text)
            text = _BLANKS.sub(lambda found: f"⟨{len(found[0]):,} blanks⟩", text)
            if len(lines[at]) > LINE_CHARS:
                long.append(at + 1)
            pieces = _pieces(text)
            marked = marked or text != lines[at] or len(pieces) > 1
            shown += pieces * min(count, MOST_REPEATED)
            if count > MOST_REPEATED:
                shown.append(f"⟨this line {count - MOST_REPEATED:,} times more⟩")
                marked = True
        at += count
    return Sight("\n".join(shown), "; ".join(_notes(lines, long, hiding, marked=marked)))


def _alike(lines: list[str], at: int) -> int:
    """How many lines from there on look the same."""
    blank = _ONLY_BLANKS.fullmatch(lines[at]) is not None
    end = at + 1
    while end < len(lines) and (_ONLY_BLANKS.fullmatch(lines[end]) is not None if blank else lines[end] == lines[at]):
        end += 1
    return end - at


def _pieces(text: str) -> list[str]:
    if len(text) <= LINE_CHARS:
        return [text]
    pieces = [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]
    return [f"{piece}⟨goes on⟩" for piece in pieces[:-1]] + pieces[-1:]


def _notes(lines: list[str], long: list[int], hiding: dict[str, int], *, marked: bool) -> list[str]:
    notes = [f"{len(lines):,} lines"] if len(lines) > MANY_LINES else []
    notes += [f"line {number} has {len(lines[number - 1]):,} characters" for number in long[:NAMED_LINES]]
    notes += [f"{len(long) - NAMED_LINES:,} more lines are as long"] if len(long) > NAMED_LINES else []
    for sign, number in list(hiding.items())[:NAMED_LINES]:
        why = "looks like a mark of ours" if sign in _BRACKETS else "does not show or turns the direction of text"
        notes.append(f"line {number} holds U+{ord(sign):04X}, which {why}")
    notes += ["what stands between ⟨ and ⟩ is not in the code, and says what is there"] if marked else []
    return notes
