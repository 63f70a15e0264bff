"""Markdown by a model as it may be shown: what it would load or hide by itself is text there.

A model that was taken over by what it read could otherwise send away what it saw in the address of a picture, which frontends load
unasked, or hide the code that the user is asked about behind the beginning of a comment. HTML becomes text, pictures become links, control
characters become visible, code blocks get fences that nothing in them can close. Renderers differ, so a code span is left as it is
only where all of them see one; elsewhere a sign too many is changed, which costs a wrong character in a rare line.

Source: CommonMark 0.31; what JupyterLab, VS Code and nbconvert make of mathematics, tables and addresses.
"""

import re

from beaker.kernel.code_blocks import Fence, open_fence

_TAG = r"<(?!https?://[^\s<>`$]*>)(?=[A-Za-z/!?])"
"""The beginning of HTML; an address in such brackets is a link that nobody follows unasked."""
_PICTURE = r"!\["
_TICKS = r"\\.|`+"
_BLOCK = r"[ \t]*+((?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+)"
"""What may stand before a fence: blanks, and marks of lists."""
_CONTROLS = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
_LINE_END = r"\r\n?"


def visible(text: str) -> str:
    """Text with control characters as their pictures: on a terminal they would move the cursor, or more.

    >>> visible("a\\x1b[2Kb\\tc\\n")
    'a␛[2Kb\\tc\\n'
    """
    text = re.sub(_LINE_END, "\n", text)
    return re.sub(_CONTROLS, lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd", text)


def closed(text: str) -> str:
    """Markdown whose last code block does not go on in what stands behind it."""
    fence: Fence | None = None
    for line in text.split("\n"):
        fence = open_fence(line) if fence is None else None if fence.closes(line) else fence
    return text if fence is None else f"{text.rstrip()}\n{fence.marks}"


def harmless(text: str) -> str:
    """Markdown that loads nothing and hides nothing.

    >>> harmless("![x](http://evil.test/?q=1) if a <b or `<i>`: <!-- gone")
    '! [x](http://evil.test/?q=1) if a &lt;b or `<i>`: &lt;!-- gone'
    """
    lines: list[str] = []
    block: list[str] = []
    fence: Fence | None = None
    above: list[str] = []
    mathematics = False
    for line in visible(text).split("\n"):
        if fence is not None:
            inner = line.removeprefix(" " * fence.indent) if line[: fence.indent].isspace() else line.lstrip(" ")
            if fence.closes(inner):
                block = [_inert(each, []) for each in block] if mathematics else block
                lines += _block(block, fence, below=lines)
                fence = None
            else:
                block.append(inner)
            continue
        if (found := re.match(_BLOCK, line)) is not None and (fence := open_fence(line[found.end() :])) is not None:
            if found[1]:
                lines.append(f"{found[0].rstrip()}")
            fence = Fence(found.end(), fence.marks, fence.name)
            block, above = [], []
            continue
        lines.append(_inert(line, _sure_spans(line, above)) if "<" in line or "![" in line else line)
        if line.strip():
            above.append(line)
        else:
            above = []
        mathematics ^= bool(line.count("$$") % 2)  # for some renderers it goes on to the next pair of signs, whatever comes
    if fence is not None:
        block = [_inert(each, []) for each in block] if mathematics else block
        lines += _block(block, fence, below=lines)
    return "\n".join(lines)


def _block(code: list[str], fence: Fence, *, below: list[str]) -> list[str]:
    """A code block that nothing in it can close, and that stands in no list and in no mathematics: renderers differ there."""
    longest = max((len(run) for line in code for run in re.findall("`+", line)), default=0)
    marks = "`" * max(3, longest + 1)
    return [*([""] if below and below[-1].strip() else []), marks + fence.name, *code, marks]


def _sure_spans(line: str, above: list[str]) -> list[tuple[int, int]]:
    """Where every renderer sees code spans.

    Args:
        above: the lines of the same paragraph, in which a span may have begun; shortened to what counts.
    """
    spans, left_open = _spans(line)
    open_above = any(_spans(each)[1] for each in above)
    above[:] = ["`"] if open_above else []  # not looked through again
    return [] if open_above or left_open or "$" in line or "\\(" in line or "\\[" in line else spans


def _spans(line: str) -> tuple[list[tuple[int, int]], bool]:
    """Where code spans lie in a line, and whether one may go on in the next."""
    spans: list[tuple[int, int]] = []
    ticks = [found for found in re.finditer(_TICKS, line) if found[0][0] == "`"]
    at = 0
    while at < len(ticks):
        run = ticks[at][0]
        # Inside a span a backslash is a backslash, so its end is looked for in the line itself.
        end = re.compile(rf"(?<!`)`{{{len(run)}}}(?!`)").search(line, ticks[at].end())
        if end is None:
            return spans, True
        if "|" not in line[ticks[at].start() : end.end()]:  # else it may be two cells of a table
            spans.append((ticks[at].start(), end.end()))
        at += 1
        while at < len(ticks) and ticks[at].start() < end.end():
            at += 1
    return spans, False


def _inert(line: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in [*spans, (len(line), len(line))]:
        outside = re.sub(_PICTURE, "! [", re.sub(_TAG, "&lt;", line[done:start]))
        parts += [outside, line[start:end]]
        done = end
    return "".join(parts)
