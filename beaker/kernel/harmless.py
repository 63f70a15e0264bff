"""Markdown by a model as it may be shown: what it would load, start or hide by itself is text there.

A model that was taken over by what it read could otherwise send away what it saw in the address of a picture, which frontends load
unasked, or hide what stands behind its text. HTML becomes text, pictures become links, links lead to the web or nowhere, control characters
become visible, code blocks get fences that nothing in them can close, and none is drawn as a diagram, which may hold pictures.
Formulas draw no boxes and nothing outside of their place, and change no others: in JupyterLab one could draw the frame around
what beaker vouches for, or cover the code that asks to be run.

Renderers differ in what code and formulas are, and JupyterLab passes on all that a kernel sends. So a code span is left as it is only
where all of them see one. Elsewhere a `<` gets a blank behind it, which no HTML has, and which changes no formula and little code; where
neither is in sight it becomes an entity, which shows as it was written.

Source: CommonMark 0.31; what JupyterLab, VS Code and nbconvert make of mathematics, tables and addresses.
"""

import html
import re

from beaker.kernel.code_blocks import Fence, block_name, fence_around, open_fence

_DRAWING = "bbox|boxed|fbox|framebox|fcolorbox|colorbox|Aboxed|enclose|rule|Rule|hdashline"
_PLACING = "raise|lower|raisebox|moveleft|moveright|smash|uproot|leftroot|overbracket|underbracket|Space|mmlToken"
_STYLING = "style|class|cssId|href|unicode|toggle|texttip|mathtip|html[A-Z][a-z]+|includegraphics|url"
_DEFINING = (
    "[gex]?def|let|futurelet|global|csname|(?:new|renew|provide)(?:command|environment|tagform)|newcolumntype|Declare[A-Za-z]+|Newextarrow|"
    "definecolor|require|setOptions|mathtoolsset"
)
_ACTS = re.compile(
    r"<(?!https?://[^\s<>`$]*>)(?=[A-Za-z/!?])|!(?=\[)|\](?=[(:])"
    r"|\\boxed(?=\s*\{)|\\hline(?![A-Za-z])"
    rf"|\\(?=(?:{_DRAWING}|{_PLACING}|{_STYLING}|{_DEFINING})(?![A-Za-z]))"
    r"|&(?=#[xX]0*(?:5[cC]|[46][1-9a-fA-F]|[57][0-9aA])(?![0-9a-fA-F])|#0*(?:92|6[5-9]|[78]\d|90|9[7-9]|1[01]\d|12[0-2])(?!\d)|bsol;)"
)
"""The beginnings of HTML, of a picture, of where a link leads; of what a formula must not do, and of the letters and the backslash as
entities, which could write that. An address in angle brackets is a link that nobody follows unasked."""
_TAMED = {r"\boxed": r"\mathbf", r"\hline": " "}
"""What models often write, and what stands in its place."""
_ENTITIES = {"<": "&lt;", "&": "&amp;"}
_TICKS = re.compile(r"\\.|`+")
_ADDRESSES = ("://", "www.")
_FORMULA = re.compile(r"\$|\\[(\[]|\\begin")
_DISPLAYED = re.compile(r"\$\$|\\[(\[)\]]|\\begin|\\end")
"""The beginnings and the ends of formulas that some renderers let reach over lines."""
_BLOCK = re.compile(r"[ \t]*+((?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+)")
"""What may stand before a fence: blanks, and marks of lists."""
_INDENTED = ("    ", "\t")
"""How a line begins that may be code without a fence."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r\n?")

_ADDRESS = re.compile(r"[ \t]*<?([^\s>]*)")
_SCHEME = re.compile(r"([^:/?#]+):")
_PATH = re.compile(r"[/?#]")
SCHEMES = frozenset({"http", "https", "mailto"})
"""Where a click may lead; an address without a scheme is a file beside the notebook."""
ADDRESS_CHARS = 500
"""Of an address that are looked at: a scheme that is written with an entity for each letter is shorter."""


ADDRESSES = 500
"""Of a line that are looked at, a few milliseconds: the line that grows is read again with each of its draws. More lead nowhere."""


def visible(text: str) -> str:
    """Text with control characters as their pictures: on a terminal they would move the cursor, or more.

    >>> visible("a\\x1b[2Kb\\tc\\n")
    'a␛[2Kb\\tc\\n'
    """
    text = _LINE_END.sub("\n", text)
    return _CONTROLS.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd", text)


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
    >>> harmless("$a<b$ [y](javascript:z)")
    '$a< b$ [y] (javascript:z)'
    """
    reader = _Reader()
    for line in visible(text).split("\n"):
        reader.read(line)
    return "\n".join(reader.ended())


class Growing:
    """Makes a text harmless that grows at its end, in time that what is new takes: an answer is drawn again with every piece of it."""

    def __init__(self) -> None:
        self._reader = _Reader()
        self._read = ""
        """What of the text the reader has: whole lines."""
        self._text = ""
        self._made = ""

    def of(self, text: str) -> str:
        """The text as it may be shown; as a rule it begins with what it was before."""
        if text == self._text:
            return self._made
        if not text.startswith(self._read):
            self._reader, self._read = _Reader(), ""
        lines, end, last = text[len(self._read) :].rpartition("\n")
        if end:
            for line in visible(lines + end).split("\n")[:-1]:
                self._reader.read(line)
            self._read = text.removesuffix(last)
        self._text = text
        self._made = "\n".join(self._reader.ended(*visible(last).split("\n")))
        return self._made


class _Reader:
    """Reads line by line.

    What it knows of the lines above is only ever used so that less counts as code, never more.
    """

    def __init__(self) -> None:
        self._made: list[str] = []
        self._fence: Fence | None = None
        self._block: list[str] = []
        """Lines of a code block that is not over."""
        self._ticks_open = False
        """A code span may have begun above in this paragraph."""
        self._formula = False
        """And a formula."""
        self._displayed = False
        """A formula may have begun anywhere above: for some renderers it goes on to its end sign, even into a code block."""

    def read(self, line: str) -> None:
        """Take the next line, which holds no line end."""
        if (fence := self._fence) is not None:
            inner = line.removeprefix(" " * fence.indent) if line[: fence.indent].isspace() else line.lstrip(" ")
            if fence.closes(inner):
                self._made += self._finished(fence)
                self._fence = None
            else:
                self._block.append(inner)
            return
        found = _BLOCK.match(line)
        if found is not None and (fence := open_fence(line[found.end() :])) is not None:
            if found[1]:
                self._made.append(found[0].rstrip())
            self._fence = Fence(found.end(), fence.marks, fence.name)
            self._block = []
            self._ticks_open = self._formula = False
            return
        if not line.strip():
            self._ticks_open = self._formula = False
            self._made.append(line)
            return
        spans, left_open = _spans(line)
        self._ticks_open = self._ticks_open or left_open
        formula = _FORMULA.search(line)
        if self._ticks_open or self._formula or _is_address_with_ticks(line):
            spans = []
        elif formula is not None:
            spans = [span for span in spans if span[1] <= formula.start()]  # from there on a backtick may be a sign of the formula
        self._formula = self._formula or formula is not None
        self._displayed = self._displayed or _DISPLAYED.search(line) is not None
        as_code = self._ticks_open or self._formula or line.startswith(_INDENTED)
        self._made.append(_inert(line, spans, as_code=as_code))

    def ended(self, *rest: str) -> list[str]:
        """All lines if the text ended with these; more can be read all the same."""
        if not rest:
            return self._made if self._fence is None else [*self._made, *self._finished(self._fence)]
        ahead = _Reader()
        ahead._made, ahead._block = list(self._made), list(self._block)
        ahead._fence, ahead._ticks_open = self._fence, self._ticks_open
        ahead._formula, ahead._displayed = self._formula, self._displayed
        for line in rest:
            ahead.read(line)
        return ahead.ended()

    def _finished(self, fence: Fence) -> list[str]:
        """A code block that nothing in it can close, and that stands in no list and in no formula: renderers differ there."""
        code = self._block
        if self._displayed and any(_DISPLAYED.search(line) is not None for line in code):
            code = [_inert(line, [], as_code=True) for line in code]
        marks = fence_around("\n".join(code))
        apart = [""] if self._made and self._made[-1].strip() else []
        return [*apart, f"{marks}{block_name(fence.name)}", *code, marks]


def _spans(line: str) -> tuple[list[tuple[int, int]], bool]:
    """Where code spans lie in a line, and whether one may go on in the next."""
    spans: list[tuple[int, int]] = []
    ticks = [found for found in _TICKS.finditer(line) if found[0][0] == "`"]
    at = 0
    while at < len(ticks):
        run = ticks[at][0]
        # Inside a span a backslash is a backslash, so its end is looked for in the line itself.
        end = re.compile(rf"(?<!`)`{{{len(run)}}}(?!`)").search(line, ticks[at].end())
        if end is None:
            return spans, True
        inside = line[ticks[at].start() : end.end()]
        if "|" not in inside and "]" not in inside:  # else it may be two cells of a table, or the end of a link's text
            spans.append((ticks[at].start(), end.end()))
        at += 1
        while at < len(ticks) and ticks[at].start() < end.end():
            at += 1
    return spans, False


def _is_address_with_ticks(line: str) -> bool:
    """Whether a backtick stands in an address without brackets: for some renderers it is a part of that, and begins no code."""
    return any("`" in word[word.find(sign) :] for sign in _ADDRESSES if sign in line for word in line.split() if sign in word)


def _inert(line: str, spans: list[tuple[int, int]], *, as_code: bool) -> str:
    """A line in which nothing acts outside of its code spans.

    Args:
        as_code: it may be code, or a formula, in which an entity would be no sign.
    """
    parts: list[str] = []
    done = looked = 0
    inside = iter([*spans, (len(line), len(line))])
    start, end = next(inside)
    for found in _ACTS.finditer(line):
        while found.start() >= end:
            start, end = next(inside)
        if found.start() >= start:
            continue
        sign = found[0]
        if sign in _TAMED:
            sign = _TAMED[sign]
        elif sign in _ENTITIES and not as_code:
            sign = _ENTITIES[sign]
        elif sign != "]":
            sign += " "
        else:
            looked += 1
            if looked > ADDRESSES or _leads_astray(line[found.end() + 1 : found.end() + 1 + ADDRESS_CHARS]):
                sign += " "
        parts += [line[done : found.start()], sign]
        done = found.end()
    return "".join([*parts, line[done:]])


def _leads_astray(address: str) -> bool:
    """Whether an address as it is written behind a link's text leads anywhere but to the web or beside the notebook, or may do so.

    Args:
        address: with what stands behind it; ADDRESS_CHARS of it. Nothing: it stands in the next line.
    """
    found = _ADDRESS.match(address)
    written = "" if found is None else found[1]
    plain = re.sub(r"[\\\x00-\x20]", "", html.unescape(written))
    if (scheme := _SCHEME.match(plain)) is not None:
        return scheme[1].lower() not in SCHEMES
    return not plain or (len(address) == ADDRESS_CHARS and _PATH.search(plain) is None)
