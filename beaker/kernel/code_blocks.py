"""Code blocks in the text of an answer: a model that calls no tools, or forgets to, writes the cell into its text.

A block counts if it is closed and marked with the session's language. Others (output, a shell command, a snippet without a mark) are
text, and so is a block that is not closed: it was cut.

Source: CommonMark 0.31, "Fenced code blocks".
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^( {0,3})(?:(`{3,}+)(?=[^`\n]*+$)|(~{3,}+))[ \t]*+([^\s`{]*+)")
"""Nothing in it is tried twice: a model may write a line of any length."""
_NAMES = {"py": "python", "ipython": "python", "sh": "bash", "shell": "bash", "jl": "julia"}
"""What models write for a language; R and the rest are written as they are called."""


LANGUAGE_CHARS = 30
"""Of a language's name, as a model wrote it."""

DRAWN = frozenset({"mermaid", "geojson", "topojson", "stl", "dot", "graphviz", "plantuml", "vega", "vega-lite"})
"""What some frontend draws, with all that it loads, in place of showing it: JupyterLab and VS Code do so with Mermaid."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The line that opens a block."""

    indent: int
    marks: str
    """Its backticks or tildes."""
    name: str
    """Of the language; empty: none is named."""

    def closes(self, line: str) -> bool:
        """Whether a line ends the block."""
        found = _FENCE.match(line.rstrip("\r\n"))
        return found is not None and (found[2] or found[3]).startswith(self.marks) and line.strip(" \t\r\n") == (found[2] or found[3])


def open_fence(line: str) -> Fence | None:
    """The fence that a line outside of blocks is; None if it is none."""
    found = _FENCE.match(line.rstrip("\r\n"))
    return None if found is None else Fence(len(found[1]), found[2] or found[3], found[4])


def block_name(language: str) -> str:
    """What may stand behind a fence for a language as a model wrote it; empty where a frontend would draw the block.

    >>> block_name("Python 3"), block_name("Mermaid"), block_name("py\\n<b>")
    ('Python 3', '', 'pyb')
    """
    name = re.sub(r"[^\w +.#-]", "", language)[:LANGUAGE_CHARS]
    return "" if DRAWN & set(name.lower().split()) else name


def fence_around(text: str) -> str:
    """The marks of a fence that nothing in a text can close: longer than any run of backticks in it."""
    return "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)


def fenced(code: str, language: str) -> str:
    """Code as a markdown block whose fence nothing in it can close."""
    fence = fence_around(code)
    return f"{fence}{block_name(language)}\n{code}\n{fence}"


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One block."""

    code: str


def split_blocks(text: str, language: str) -> list[str | CodeBlock]:
    """Take the blocks of a language out of a text; both in their order.

    Args:
        text: markdown.
        language: as kernelspecs name it, in any case.

    >>> split_blocks("Run\\n```py\\nx = 1\\n```\\nthen this.", "python")
    ['Run\\n', CodeBlock(code='x = 1'), 'then this.']
    """
    wanted = common_name(language)
    parts: list[str | CodeBlock] = []
    outside: list[str] = []
    inside: list[str] = []
    fence: Fence | None = None
    counts, opening = False, ""
    for line in text.splitlines(keepends=True):
        if fence is None:
            fence = open_fence(line)
            if fence is None:
                outside.append(line)
                continue
            counts, opening = common_name(fence.name) == wanted, line
            inside = []
        elif fence.closes(line):
            code = "".join(inside).rstrip("\n")
            if counts and code.strip():
                parts += ["".join(outside), CodeBlock(code)]
                outside = []
            else:
                outside += [opening, *inside, line]
            fence = None
        else:
            inside.append(re.sub(rf"^ {{0,{fence.indent}}}", "", line) if counts else line)
    if fence is not None:
        outside += [opening, *inside]
    parts.append("".join(outside))
    return [part for part in parts if part]


def common_name(language: str) -> str:
    """The one name of a language that goes by several, and by versions.

    >>> common_name("ipython3"), common_name("Python 3.12"), common_name("sh"), common_name("R")
    ('python', 'python', 'bash', 'r')
    """
    name = language.strip().rstrip("0123456789. ").lower()
    return _NAMES.get(name, name)
