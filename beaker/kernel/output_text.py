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
    if output is None or not output.data:
        return content
    return msgspec.json.encode({"data": {"text/plain": data_text(output).rstrip("\n")}, "execution_count": output.execution_count})


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
