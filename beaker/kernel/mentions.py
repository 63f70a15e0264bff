"""What the text of a question refers to: `{name}`, `{In[n]}`, `{Out[n]}`, `{Err[n]}`, `@name`, `@file:path`.

Braces put a value into the text, where it is short, and are left alone where they hold anything that is no variable: a pasted
dictionary stays what it is. `{{name}}` stands for `{name}`. An `@` attaches a value or a file below the question, and
the user is told if there is none. Pure: what was found is read by `actors/kernel/looks/mentioning.py`.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from beaker.messages.look import Mentioned

Kind = Literal["braces", "variable", "file", "In", "Out", "Err"]

MENTIONS = 10
"""In one question; each may be a look at the session."""

INLINE_CHARS = 200
"""The longest value that is put into the text itself."""

NAME = r"[^\W\d]\w*"

_ESCAPED = r"\{\{(?P<escaped>[^{}\n]*)\}\}"
_CELL = r"\{(?P<what>In|Out|Err)\[(?P<count>[1-9]\d{0,8})\]\}"
_FILE = r"(?<![\w@])@file:(?:\"(?P<quoted>[^\"\n]+)\"|(?P<path>[^\s\"]+))"
_SENTENCE_END = ".,;:!?)]}'`*"
"""What stands behind a path without belonging to it."""

_CODE_BLOCK = r"(?ms)^(?P<fence>```+|~~~+).*?(?:^(?P=fence)|\Z)"
_DECORATOR = r"(?m)^[ \t]*@[\w.]+(?:\(.*\))?[ \t]*\n(?=[ \t]*(?:@|def\b|class\b|async\b))"


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """One reference."""

    kind: Kind
    label: str
    """As it stands in the text."""
    name: str
    """Of the variable, or the path, or the number of the cell."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it goes to the model, once all that it refers to was read."""

    prompt: str
    mentioned: list[Mentioned] = []
    missing: list[str] = []
    """Sentences for the user."""


def may_mention(prompt: str) -> bool:
    """Whether a question refers to anything at all; most do not, and need no look and no import."""
    return "@" in prompt or "{" in prompt


def find_mentions(prompt: str, *, name: str = NAME) -> list[Mention]:
    """All references of a question, in order, each once.

    Args:
        prompt: the question.
        name: a regular expression for names of the session's language.

    >>> [mention.label for mention in find_mentions("why is {x} in @df not {Out[3]}, see @file:a/b.csv.")]
    ['{x}', '@df', '{Out[3]}', '@file:a/b.csv']
    """
    found: dict[str, Mention] = {}
    text = re.sub(_DECORATOR, _blank, re.sub(_CODE_BLOCK, _blank, prompt))
    for match in re.finditer(_pattern(name), text):
        mention = _mention(match)
        if mention is not None:
            found.setdefault(mention.label, mention)
    return list(found.values())


def fill(prompt: str, values: Mapping[str, str], *, name: str = NAME) -> str:
    """Put values into the text and take escapes away.

    Args:
        prompt: the question.
        values: what stands for which label; a label without one stays as it is.
        name: as for `find_mentions`.

    >>> fill("{x}, {y}, {{x}}, {'a': 1}", {"{x}": "3"})
    "3, {y}, {x}, {'a': 1}"
    """
    blocks = [found.span() for found in re.finditer(_CODE_BLOCK, prompt)]

    def replaced(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in blocks):
            return match[0]
        if match["escaped"] is not None:
            return "{" + match["escaped"] + "}"
        return values.get(match[0], match[0])

    return re.sub(_pattern(name), replaced, prompt)


def _pattern(name: str) -> str:
    return rf"{_ESCAPED}|{_CELL}|\{{(?P<braces>{name})\}}|{_FILE}|(?<![\w@./:-])@(?!file:)(?P<at>{name})(?![\w@])"


def _mention(match: re.Match[str]) -> Mention | None:
    if match["count"] is not None:
        return Mention(kind=match["what"], label=match[0], name=match["count"])  # type: ignore[arg-type]  # the pattern's alternatives
    if match["braces"] is not None:
        return Mention(kind="braces", label=match[0], name=match["braces"])
    if match["quoted"] is not None:
        return Mention(kind="file", label=match[0], name=match["quoted"])
    if match["path"] is not None:
        path = match["path"].rstrip(_SENTENCE_END)
        return Mention(kind="file", label=f"@file:{path}", name=path) if path else None
    if match["at"] is not None:
        return Mention(kind="variable", label=match[0], name=match["at"])
    return None


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])
