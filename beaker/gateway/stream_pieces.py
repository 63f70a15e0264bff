"""A stream output that is too large for one websocket message, in pieces that are not.

One `print` of 100 MB is one message of ipykernel's. As one message it would take three times its size in a worker, and some clients
close a websocket that brings so much: Tornado's, with which a JupyterLab on `--gateway-url` connects, at 10 MiB. What a stream
prints may come in any number of messages (jupyter_client documentation, "Streams"), so clients show the same.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from beaker.wire.parts import BUFFERS, CONTENT, HEADER, METADATA, PARENT, Parts

PIECE_BYTES: Final = 1024 * 1024
"""Of a piece's text, as JSON."""

_STREAM: Final = b'"stream"'
"""In the header of a stream output; most messages of that size have another type."""
_ESCAPE_BYTES: Final = 6
"""Of the longest escape of JSON, `\\uXXXX`."""
_HIGH_SURROGATE: Final = re.compile(rb"\\u[dD][89abAB]..")


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    name: msgspec.Raw
    text: msgspec.Raw


_content_decoder = msgspec.json.Decoder(_Content)
_header_decoder = msgspec.json.Decoder(dict[str, Any])  # Any: JSON
_encoder = msgspec.json.Encoder()


def in_pieces(parts: Parts, piece_bytes: int = PIECE_BYTES) -> Iterator[Parts]:
    """The messages in the place of an output: itself, unless it is a stream's with more text than `piece_bytes`.

    The first piece has the message's id, the others ids of their own; all have its parent. A message that is no stream as the
    specification has it, or has buffers, is left as it is.
    """
    if len(parts[CONTENT]) <= piece_bytes or _STREAM not in parts[HEADER] or len(parts) > BUFFERS:
        yield parts
        return
    try:
        content = _content_decoder.decode(parts[CONTENT])
        header = _header_decoder.decode(parts[HEADER])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield parts
        return
    name, text = bytes(content.name), memoryview(content.text)
    if header.get("msg_type") != "stream" or not isinstance(header.get("msg_id"), str) or text[0] != ord('"'):
        yield parts
        return
    end, at, number = len(text) - 1, 1, 1
    while at < end:
        to = end if end - at <= piece_bytes else _end_of_piece(text, at, at + piece_bytes)
        piece_header = parts[HEADER] if number == 1 else _encoder.encode({**header, "msg_id": f"{header['msg_id']}-{number}"})
        yield [piece_header, parts[PARENT], parts[METADATA], b'{"name":%b,"text":"%b"}' % (name, bytes(text[at:to]))]
        at, number = to, number + 1


def _end_of_piece(text: memoryview, begin: int, near: int) -> int:
    """The last place up to `near` where the text of a JSON string may be parted: in no escape, no character, no pair of surrogates."""
    at = near
    while text[at] & 0xC0 == 0x80:  # within a character of UTF-8
        at -= 1
    at = _out_of_escape(text, begin, at)
    before = at - _ESCAPE_BYTES
    if before > begin and _HIGH_SURROGATE.fullmatch(text[before:at]) and _out_of_escape(text, begin, before + 1) == before:
        return before
    return at


def _out_of_escape(text: memoryview, begin: int, at: int) -> int:
    """The place itself, or the beginning of the escape that it is within."""
    for backslash in range(at - 1, max(begin, at - _ESCAPE_BYTES) - 1, -1):
        if text[backslash] != 0x5C:
            continue
        first = backslash
        while first > begin and text[first - 1] == 0x5C:
            first -= 1
        if (backslash - first) % 2:  # the second of a pair: whole escapes up to here
            return at
        length = _ESCAPE_BYTES if text[backslash + 1] == ord("u") else 2
        return backslash if backslash + length > at else at
    return at
