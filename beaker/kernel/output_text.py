"""Output messages as text: what a console would show of them, with pictures named and not shown.

The contents come as their bytes passed by; one that cannot be read is no trouble, it reads as nothing.
"""

import re

import msgspec

from beaker.kernel.commands.words import size_words
from beaker.wire.parts import UNREADABLE

_COLOURS = "\x1b\\[[0-9;]*[A-Za-z]"


class Output(msgspec.Struct, frozen=True):
    """Any output message."""

    text: str = ""
    data: dict[str, msgspec.Raw] = {}
    traceback: list[str] = []
    ename: str = ""
    evalue: str = ""
    execution_count: int | None = None
    """Only a result has one."""


_decoder = msgspec.json.Decoder(Output)


def read_output(content: bytes) -> Output | None:
    """The fields of an output message, None if it is none."""
    try:
        return _decoder.decode(content)
    except UNREADABLE:
        return None


def text_of(content: bytes) -> str:
    """The text of an output message; ends with a line break unless the program left its line open."""
    output = read_output(content)
    if output is None:
        return ""
    if output.ename:
        return error_text(output)
    return output.text or data_text(output)


def error_text(output: Output) -> str:
    """The traceback without colours; its last line names the error."""
    last = f"{output.ename}: {output.evalue}"
    traceback = re.sub(_COLOURS, "", "\n".join(output.traceback)).strip()
    if not traceback:
        return f"{last}\n"
    return f"{traceback}\n" if traceback.endswith(last.rstrip()) else f"{traceback}\n{last}\n"


def data_text(output: Output) -> str:
    """The plain text of a display or result, and what else it holds: `<Axes> (image/png, 12.3 kB)`."""
    if not output.data:
        return ""
    others = [_named(kind, value) for kind, value in output.data.items() if not kind.startswith("text/")]
    plain = _string(output.data.get("text/plain"))
    if plain is None:
        return f"({', '.join(others or output.data)})\n"
    return f"{plain} ({', '.join(others)})\n" if others else f"{plain}\n"


def without_pictures(content: bytes) -> bytes:
    """A display or result whose large parts are left out and named in its text instead."""
    output = read_output(content)
    if output is None or output.data.keys() <= {"text/plain"}:
        return content  # also a long text alone: to make it anew costs a tenth of what all of a host does with it
    return msgspec.json.encode({"data": {"text/plain": data_text(output).rstrip("\n")}, "execution_count": output.execution_count})


def ends_of_text(content: bytes, keep_bytes: int) -> str | None:
    """The beginning and the end of the text of a stream message, which is not decoded as a whole; None where they cannot be told.

    >>> ends_of_text(b'{"name": "stdout", "text": "one two ' + b"x " * 100 + b'three four"}', 20)
    'one two x x x x x x\\n... 180 bytes left out ...\\nx x x x three four'
    """
    begun = re.match(rb'\s*\{\s*(?:"name"\s*:\s*"\w*"\s*,\s*)?"text"\s*:\s*"', content)
    ended = re.search(rb'(?<!\\)"\s*(?:,\s*"name"\s*:\s*"\w*"\s*)?\}\s*\Z', content[-200:])
    if begun is None or ended is None:
        return None
    first, last = begun.end(), len(content) - min(200, len(content)) + ended.start()
    # A blank is never a part of an escape or of a character of several bytes.
    head_end = content.rfind(b" ", first, first + keep_bytes)
    tail_start = content.find(b" ", last - keep_bytes, last)
    if not first < head_end < tail_start:
        return None
    try:
        head, tail = (msgspec.json.decode(b'"%b"' % part, type=str) for part in (content[first:head_end], content[tail_start + 1 : last]))
    except UNREADABLE:
        return None
    return f"{head}\n... {tail_start - head_end} bytes left out ...\n{tail}"


def _named(kind: str, value: msgspec.Raw) -> str:
    size = len(bytes(value))
    return f"{kind}, {size_words(size * 3 // 4 if kind.startswith('image/') and kind != 'image/svg+xml' else size)}"  # base64


def _string(value: msgspec.Raw | None) -> str | None:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=str)
    except UNREADABLE:
        return "(unreadable)"
