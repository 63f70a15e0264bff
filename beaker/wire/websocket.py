"""A Jupyter message on a websocket: the two framings, and never a byte of what is inside them parsed without need.

One socket carries four channels, so each message names its own. `v1.kernel.websocket.jupyter.org` is binary and lays the
parts end to end: what came from ZeroMQ goes out as it is, and back. The older framing, which knows no name and is spoken
where no protocol was agreed on (JupyterLab's own server speaks it to a gateway), is one JSON document, or with buffers that
document and the buffers behind a table of offsets. There too the four documents are spliced in and cut out as bytes.

Offsets come from strangers: each is checked before anything is cut (eight bytes of 0xff for a count keep jupyter_server 2.21
in a loop for good). Source: jupyter_server documentation, "Websocket kernel wire protocols"; @jupyterlab/services 7.6,
`kernel/serialize.ts`.
"""

import json
import struct
from itertools import pairwise
from typing import Final, Literal, NamedTuple, cast, get_args

import msgspec

from beaker.wire.parts import CONTENT, HEADER, METADATA, PARENT, UNREADABLE, Parts, WireError, read_header

V1: Final = "v1.kernel.websocket.jupyter.org"
"""The subprotocol of the binary framing. A websocket without one speaks the older framing."""

WebsocketChannel = Literal["shell", "control", "stdin", "iopub"]
"""What a message on a websocket may be of."""

PIECES_LIMIT: Final = 16_384
"""The most pieces of one message: five, and one per buffer. As many as a link between processes takes."""

_CHANNELS: Final[frozenset[str]] = frozenset(get_args(WebsocketChannel))
_NAMES: Final = ("header", "parent_header", "metadata", "content")
_DOCUMENTS: Final = CONTENT + 1
"""Each message has four; behind them stand its buffers."""


class OnChannel(NamedTuple):
    """A message and the channel that it came by."""

    channel: WebsocketChannel
    parts: Parts


class _Table(NamedTuple):
    """How a framing writes the table in front of its pieces: a count, then where each begins."""

    order: Literal["<", ">"]
    code: Literal["Q", "I"]
    closed: bool
    """The end of the last piece stands in it too, and is counted."""

    @property
    def word(self) -> int:
        """Bytes of one number."""
        return struct.calcsize(f"{self.order}{self.code}")


_V1 = _Table("<", "Q", closed=True)
_LEGACY = _Table(">", "I", closed=False)


class _Document(msgspec.Struct):
    """The older framing's, as far as it is read; `msg_id` and `msg_type` in it repeat the header."""

    header: msgspec.Raw
    channel: str
    parent_header: msgspec.Raw = msgspec.Raw(b"{}")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    content: msgspec.Raw = msgspec.Raw(b"{}")


_document_decoder = msgspec.json.Decoder(_Document)
_json = msgspec.json.Encoder()


def encode_v1(channel: WebsocketChannel, parts: Parts) -> bytes:
    """A binary message of the `v1` framing."""
    return _lay_out([channel.encode(), *parts], _V1)


def decode_v1(data: bytes) -> OnChannel:
    """Take a binary message of the `v1` framing apart.

    Raises:
        WireError: a count or an offset that cannot be, fewer than five pieces, or a channel that there is not.
    """
    channel, *parts = _cut(data, _V1)
    if len(parts) < _DOCUMENTS:
        raise WireError(f"{len(parts) + 1} pieces; a channel and at least four documents are needed")
    return OnChannel(_channel(channel.decode(errors="replace")), parts)


def encode_legacy(channel: WebsocketChannel, parts: Parts) -> str | bytes:
    """A message of the older framing: text, or bytes if it has buffers.

    Raises:
        WireError: the header cannot be read, or a document is not UTF-8.
    """
    header = read_header(parts[HEADER])
    # Spliced, not encoded: what the kernel wrote arrives as it wrote it.
    document = b'{"channel":"%s","header":%s,"parent_header":%s,"metadata":%s,"content":%s,"buffers":[],"msg_id":%s,"msg_type":%s}' % (
        channel.encode(),
        parts[HEADER],
        parts[PARENT],
        parts[METADATA],
        parts[CONTENT],
        _json.encode(header.msg_id),
        _json.encode(header.msg_type),
    )
    if buffers := parts[_DOCUMENTS:]:
        return _lay_out([document, *buffers], _LEGACY)
    try:
        return document.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"not UTF-8: {error}") from None


def decode_legacy(data: str | bytes) -> OnChannel:
    """Take a message of the older framing apart.

    Raises:
        WireError: no JSON object with a header and a channel, or a count or an offset that cannot be.
    """
    buffers: list[bytes] = []
    document: str | bytes = data
    if isinstance(data, bytes):
        document, *buffers = _cut(data, _LEGACY)
    read: _Document | None
    try:
        read = _document_decoder.decode(document)
    except UNREADABLE as error:
        if (read := _read_by_json(document)) is None:
            raise WireError(f"unreadable message: {error}") from None
    documents = [bytes(raw) for raw in (read.header, read.parent_header, read.metadata, read.content)]
    for name, raw in zip(_NAMES, documents, strict=True):
        if not raw.startswith(b"{"):
            raise WireError(f"its {name} is no JSON object")
    return OnChannel(_channel(read.channel), [*documents, *buffers])


def _read_by_json(document: str | bytes) -> _Document | None:
    """A document that holds half a character, which clients in JavaScript write as its escape, and which whoever dropped the message
    would leave waiting: written anew, with what JSON has for it. None if it is none to Python's json either."""
    try:
        sent: object = json.loads(document if isinstance(document, str) else document.decode())
        if not isinstance(sent, dict):
            return None
        fields = cast("dict[str, object]", sent)
        written = {name: msgspec.Raw(json.dumps(fields[name]).encode()) for name in _NAMES if name in fields}
        channel = fields.get("channel")
    except (ValueError, RecursionError):
        return None
    return _Document(channel=channel, **written) if isinstance(channel, str) and "header" in written else None


def _lay_out(pieces: list[bytes], table: _Table) -> bytes:
    count = len(pieces) + table.closed
    offsets = [table.word * (count + 1)]
    for piece in pieces[: count - 1]:
        offsets.append(offsets[-1] + len(piece))
    return b"".join([struct.pack(f"{table.order}{count + 1}{table.code}", count, *offsets), *pieces])


def _cut(data: bytes, table: _Table) -> list[bytes]:
    word = table.word
    if len(data) < word:
        raise WireError(f"{len(data)} bytes; the count of its pieces alone has {word}")
    (count,) = struct.unpack_from(f"{table.order}{table.code}", data)
    if not 1 + table.closed <= count <= PIECES_LIMIT + table.closed or word * (count + 1) > len(data):
        raise WireError(f"a table of {count} offsets in {len(data)} bytes")
    offsets = list(struct.unpack_from(f"{table.order}{count}{table.code}", data, word))
    if not table.closed:
        offsets.append(len(data))
    if offsets[0] != word * (count + 1) or offsets[-1] != len(data) or any(end < start for start, end in pairwise(offsets)):
        raise WireError("its offsets do not lead from the end of their table, forward, to the end of the message")
    return [data[start:end] for start, end in pairwise(offsets)]


def _channel(name: str) -> WebsocketChannel:
    if name not in _CHANNELS:
        raise WireError(f"no channel {name[:20]!r}; there are {', '.join(get_args(WebsocketChannel))}")
    return name  # type: ignore[return-value]  # looked up above
