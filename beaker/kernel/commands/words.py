"""Texts in the two forms that frontends show: markdown, and plain text for consoles.

Values in them come from anywhere (paths, file names, a kernelspec's display name, lines of a settings file): in markdown they
stand as code spans or escaped, so that none of them can become markup.
"""

import re
from collections.abc import Sequence

import msgspec

from beaker.kernel.code_blocks import fenced

_INSTEAD = {"<": "&lt;", "\\": "<span>&#92;</span>", "$": "<span>&#36;</span>"}
"""For what a backslash would not do. Behind an address it belongs to that for JupyterLab and nbconvert, and what follows would be HTML.
Formulas JupyterLab looks for before it reads markdown, when a backslash begins one, and once more behind it, when the backslash is gone:
the first time it looks into no entity, the second time not beyond an element."""
_MARKUP = re.compile(r"[\\`*_\[\]>|~&$<]")
"""What CommonMark, its tables or math give a meaning in the middle of a line."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One text, twice."""

    plain: str
    """For consoles; no markup, lines of their own."""
    markdown: str
    """For notebooks."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of values."""

    columns: tuple[str, ...]
    """Headings; none in plain text."""
    rows: Sequence[tuple[str, ...]]
    """One value per column each."""
    code_columns: frozenset[int] = frozenset()
    """Columns whose values are code spans in markdown."""

    def plain(self) -> str:
        """Columns padded to their longest value; the last one runs free."""
        widths = [max((len(row[at]) for row in self.rows), default=0) for at in range(len(self.columns))]
        return "\n".join("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in self.rows)

    def markdown(self) -> str:
        """A table of GitHub's dialect, which all frontends know."""
        lines = [" | ".join(self.columns), " | ".join("---" for _ in self.columns)]
        for row in self.rows:
            cells = [code(value).replace("|", "\\|") if at in self.code_columns else escaped(value) for at, value in enumerate(row)]
            lines.append(" | ".join(cells))
        return "\n".join(f"| {line} |" for line in lines)


def code(text: str) -> str:
    """A code span on one line, whatever backticks the text has; nothing for nothing."""
    text = " ".join(text.split())
    if not text:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def escaped(text: str) -> str:
    """Text on one line that means itself in markdown; what stands between backticks stays a code span."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:  # an odd backtick opens nothing
        return _plain("`".join(parts))
    return "".join(_apart(parts[at - 1]) + code(part).replace("|", "\\|") if at % 2 else _plain(part) for at, part in enumerate(parts))


def _plain(text: str) -> str:
    return _MARKUP.sub(lambda found: _INSTEAD.get(found[0]) or f"\\{found[0]}", text)


def _apart(before: str) -> str:
    """A blank behind an address, to which the backtick of a code span would belong."""
    *_, last = before.split(" ")
    return " " if "://" in last or "www." in last else ""


def quoted(text: str) -> str:
    """Lines as they are: a code block, whatever backticks they have."""
    return fenced(text.rstrip(), "text")


def duration_words(seconds: float) -> str:
    """A duration in its two largest units.

    >>> duration_words(3.24), duration_words(200), duration_words(93_600)
    ('3.2 s', '3 min 20 s', '1 d 2 h')
    """
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{min(round(seconds), 59)} s"
    for name, size, below, small in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {name} {rest // small} {below}" if rest // small else f"{whole} {name}"
    raise AssertionError(seconds)


def size_words(count: int) -> str:
    """A number of bytes in units of 1000.

    >>> size_words(512), size_words(48_300_000)
    ('512 bytes', '48.3 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
