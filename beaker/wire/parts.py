"""The Jupyter wire format, version 5.4: what stands in the frames of one message, and what we read of it.

A message on a ZeroMQ socket is `[ident, ..., b"<IDS|MSG>", signature, header, parent_header, metadata, content, buffer, ...]`
(jupyter_client documentation, "Messaging in Jupyter", section "The Wire Protocol"). From here on the *parts* of a message
are the frames behind the signature: four JSON documents and any number of binary buffers. A relay passes parts on as they
are; only the two headers are looked into, and only for the fields below, because decoding what nobody reads is the
largest avoidable cost of a proxy.
"""

from typing import NamedTuple

import msgspec

from beaker.errors import BeakerError

DELIMITER = b"<IDS|MSG>"

Parts = list[bytes]
"""Header, parent_header, metadata, content, then the buffers."""

HEADER, PARENT, METADATA, CONTENT, BUFFERS = 0, 1, 2, 3, 4


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a document that is not what was expected: no JSON, another shape, no UTF-8, nested too deep."""


class WireError(BeakerError):
    """A message that cannot be one: too short, unsigned, not JSON. It is dropped with a log line."""


class Header(msgspec.Struct, frozen=True):
    """What a relay reads of a header; other keys pass by unseen."""

    msg_id: str = ""
    msg_type: str = ""
    session: str = ""
    subshell_id: str | None = None


class Framed(NamedTuple):
    """The frames of one message, taken apart but not decoded."""

    idents: list[bytes]
    signature: bytes
    parts: Parts


_header_decoder = msgspec.json.Decoder(Header)
NO_HEADER = Header()


def split(frames: list[bytes]) -> Framed:
    """Take the frames of one ZeroMQ message apart.

    Raises:
        WireError: there is no delimiter, or fewer than the signature and four parts behind it.
    """
    try:
        at = frames.index(DELIMITER)
    except ValueError:
        raise WireError(f"no {DELIMITER.decode()} among its {len(frames)} frames") from None
    if len(frames) < at + 6:
        raise WireError(f"{len(frames) - at - 1} frames behind the delimiter, at least 5 are needed")
    return Framed(frames[:at], frames[at + 1], frames[at + 2 :])


def join(idents: list[bytes], signature: bytes, parts: Parts) -> list[bytes]:
    """The frames of one message, ready for `send_multipart`; the reverse of `split`."""
    return [*idents, DELIMITER, signature, *parts]


def read_header(document: bytes) -> Header:
    """Read a header or parent_header; an empty one (`{}`) gives empty fields.

    Raises:
        WireError: it is not a JSON object, or a field has the wrong type.
    """
    if document == b"{}":
        return NO_HEADER
    try:
        return _header_decoder.decode(document)
    except UNREADABLE as error:
        raise WireError(f"unreadable header: {error}") from None
