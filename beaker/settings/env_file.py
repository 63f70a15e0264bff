"""Reading `.env` files: NAME=VALUE lines, as people write them for a shell, docker or python-dotenv.

Taken: blank lines, comments, `export`, blanks around `=`, single and double quotes (both may span lines), a comment behind a
value, Windows line ends, a repeated name (the last one holds). In double quotes the escapes \\n \\r \\t \\" \\\\ \\$ count; elsewhere
a backslash is itself. `${NAME}` is not expanded: a key may contain a dollar sign. Why not python-dotenv: this is read before
anything else may be imported, and a hundred lines are less than a dependency.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple, TypeVar

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_Character = TypeVar("_Character", str, int)
"""Of a text, or a byte of a file that was not decoded."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_BLANKS = " \t"


class BadLine(NamedTuple):
    """A line that gives nothing."""

    number: int
    """From 1."""
    name: str
    """The name it was about to set, as far as one can be seen; else empty."""
    reason: str
    """Ends a sentence that began with the line's number; never contains the value."""


class EnvFile(NamedTuple):
    """What stands in the file."""

    values: dict[str, str]
    problems: list[BadLine]


def parse_env(text: str) -> EnvFile:
    r"""Take a `.env` file apart; what cannot be read is named and the rest counts.

    >>> parse_env("export A = 'x y'  # why\nB=two words # c\nC=\"1\\n2\"").values
    {'A': 'x y', 'B': 'two words', 'C': '1\n2'}
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    problems: list[BadLine] = []
    at = 0
    begin = 0
    number = 1
    while at < len(text):
        number += text.count("\n", begin, at)
        begin, end = at, _line_end(text, at)
        line, at = text[begin:end], end + 1
        if not line.strip(_BLANKS) or line.lstrip(_BLANKS).startswith("#"):
            continue
        left, equals, right = line.partition("=")
        name = _without_export(left)
        if not name or name[0].isdigit() or not _NAME_CHARACTERS.issuperset(name):
            problems.append(BadLine(number, "", "it has no NAME=VALUE that a shell would take"))
            continue
        if not equals:
            continue  # docker's way to pass a variable through: nothing is set here
        value = right.lstrip(_BLANKS)
        if value[:1] not in {"'", '"'}:
            values[name] = _unquoted(value)
            continue
        opening = begin + len(line) - len(value)
        closing = _closing_quote(text, opening, escape="\\" if value[0] == '"' else None)
        if closing is None:
            problems.append(BadLine(number, name, f"the {value[0]} that opens its value is never closed"))
            continue
        end = _line_end(text, closing)
        tail, at = text[closing + 1 : end].strip(_BLANKS), end + 1
        if tail and not tail.startswith("#"):
            problems.append(BadLine(number, name, "something stands behind the closing quote"))
            continue
        inner = text[opening + 1 : closing]
        values[name] = inner if value[0] == "'" else _unescaped(inner)
    return EnvFile(values, problems)


def hide_values(content: memoryview, names: Container[str]) -> None:
    r"""Overwrite the values of these names where they stand, in comments too; the rest, line numbers included, stays.

    Args:
        content: the bytes of a file, which no copy was made of.
        names: whose values this process must not keep.

    >>> content = memoryview(bytearray(b"A=1\nKEY='se\ncret'\n#KEY=old"))
    >>> hide_values(content, {"KEY"})
    >>> bytes(content)
    b"A=1\nKEY='**\n****'\n#KEY=***"
    """
    at, size = 0, len(content)
    while at < size:
        end = _first_of(content, b"\r\n", at)
        equals = _first_of(content[:end], b"=", at)
        name = bytes(content[at:equals]).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        if equals < end and _without_export(name.strip(_BLANKS).lstrip("#")) in names:
            value = equals + 1
            while value < end and content[value] in b" \t":
                value += 1
            if content[value:end] and content[value] in b"'\"":
                closing = _closing_quote(content, value, escape=ord("\\") if content[value] == ord('"') else None)
                value, end = value + 1, end if closing is None else closing
            for position in range(value, end):
                if content[position] not in b"\r\n":
                    content[position] = ord("*")
            end = _first_of(content, b"\r\n", end)
        at = end + 1


def _first_of(content: memoryview, wanted: bytes, at: int) -> int:
    return next((position for position in range(at, len(content)) if content[position] in wanted), len(content))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _without_export(left: str) -> str:
    words = left.strip(_BLANKS)
    if words.startswith(("export ", "export\t")):
        return words[len("export") :].strip(_BLANKS)
    return words


def _unquoted(value: str) -> str:
    """The value up to a comment, which needs a blank before it: `a#b` is one word."""
    for at, character in enumerate(value):
        if character == "#" and (at == 0 or value[at - 1] in _BLANKS):
            return value[:at].strip(_BLANKS)
    return value.strip(_BLANKS)


def _closing_quote(content: Sequence[_Character], opening: int, *, escape: _Character | None) -> int | None:
    quote, at = content[opening], opening + 1
    while at < len(content):
        if content[at] == quote:
            return at
        at += 2 if content[at] == escape else 1
    return None


def _unescaped(inner: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(inner):
        escaped = _ESCAPES.get(inner[at + 1 : at + 2]) if inner[at] == "\\" else None
        out.append(inner[at] if escaped is None else escaped)
        at += 1 if escaped is None else 2
    return "".join(out)
