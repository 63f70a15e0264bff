"""Frames on a link: 4 bytes of head (kind in the top byte, length in the lower 24 bits), then the payload.

Pure: bytes in, frames out. What is not a frame raises `JunkError`, and the link that fed it closes. The head of HELLO,
WELCOME and REFUSED is fixed for ever, so that two ages of this program can tell each other that they do not fit.
"""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from actors.runtime.failures import RuntimeFault, TooLarge

HELLO: Final = 1
WELCOME: Final = 2
REFUSED: Final = 3
ENVELOPES: Final = 4
"""A msgpack array of envelopes: what one turn of the loop had to say in one lane."""
NOTICE: Final = 5
"""What the two runtimes say to each other: monitors."""
BYTES: Final = 6
"""A chunk of bytes that no actor's message carries: Jupyter's."""

MESSAGE_LIMIT: Final = 1_000_000
"""The largest encoded envelope. More is bulk, which belongs into BYTES: it would hold up all other messages."""
CUT_AT: Final = 128 * 1024
"""A batch that has grown to this is closed and may be written: one read of the other side, and still in the L2 cache."""
CHUNK_LIMIT: Final = 256 * 1024
"""The largest chunk of bytes; at 2-3 GB/s it holds messages up for 0.1 ms."""
HELLO_LIMIT: Final = 4096
"""The largest of the three frames of a greeting: a few names and a secret."""

GREETING_LIMITS: Final = {HELLO: HELLO_LIMIT, WELCOME: HELLO_LIMIT, REFUSED: HELLO_LIMIT}
OPEN_LIMITS: Final = {ENVELOPES: CUT_AT + MESSAGE_LIMIT + 5, NOTICE: MESSAGE_LIMIT, BYTES: CHUNK_LIMIT}

_HEAD = struct.Struct("!I")
_BATCH_HEAD = struct.Struct("!IBI")
_ARRAY_32 = 0xDD
"""msgpack's type byte of an array with 4 bytes of length."""


class JunkError(RuntimeFault):
    """What a peer sent makes no sense; the link to it must close."""


JUNK: Final = (JunkError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading junk can raise: our own word, and msgspec's for wrong types, for wrong text and for too deep a nesting."""


class EncodeInto(Protocol):
    """`msgspec.msgpack.Encoder.encode_into`."""

    def __call__(self, obj: object, buffer: bytearray, offset: int, /) -> None:
        """Write at the offset and cut the buffer after it."""
        ...


def frame(kind: int, payload: bytes) -> bytes:
    """Put the head before a payload."""
    return _HEAD.pack(kind << 24 | len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes into frames.

    Args:
        limits: the largest length of each kind that may come; to be exchanged when the greeting is over.
    """

    def __init__(self, limits: dict[int, int]) -> None:
        self.limits = limits
        self._held = bytearray()
        self._wanted = 0

    def feed(self, data: bytes) -> "Iterator[tuple[int, memoryview]]":
        """Take what arrived; yield the frames (kind, payload) that are now complete. To be exhausted before the next call.

        Raises:
            JunkError: a kind that may not come now, or a length beyond its limit.
        """
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return
            view = memoryview(self._held)
            self._held = bytearray()
        else:
            view = memoryview(data)
        position, end = 0, len(view)
        self._wanted = 4
        while end - position >= 4:
            (head,) = _HEAD.unpack_from(view, position)
            kind, length = head >> 24, head & 0xFFFFFF
            limit = self.limits.get(kind)
            if limit is None or length > limit:
                raise JunkError(f"a frame of kind {kind} with {length} bytes; now may come (kind: at most): {self.limits}")
            if end - position < 4 + length:
                self._wanted = 4 + length
                break
            yield kind, view[position + 4 : position + 4 + length]
            position += 4 + length
        self._held += view[position:]


class Outbox:
    """Gathers the envelopes of one lane into as few frames as possible, encoded where they will be sent from.

    Args:
        encode_into: of the link's codec.
    """

    def __init__(self, encode_into: EncodeInto) -> None:
        self._encode_into = encode_into
        self._buffer = bytearray(_BATCH_HEAD.size)
        self._count = 0
        self._cut: deque[bytearray] = deque()
        self.cut_size = 0
        """Bytes that wait in closed batches: `size` to within CUT_AT, as a plain attribute for whoever asks per message."""

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self.cut_size + len(self._buffer) - _BATCH_HEAD.size

    def add(self, envelope: object) -> None:
        """Append one envelope.

        Raises:
            TooLarge: it has more than MESSAGE_LIMIT bytes; nothing was appended.
            TypeError, ValueError, OverflowError, RecursionError: it cannot be encoded; nothing was appended.
        """
        buffer = self._buffer
        start = len(buffer)
        try:
            self._encode_into(envelope, buffer, start)
        except (TypeError, ValueError, OverflowError, RecursionError):
            del buffer[start:]
            raise
        self._count += 1
        if len(buffer) >= CUT_AT:
            size = len(buffer) - start
            if size > MESSAGE_LIMIT:
                del buffer[start:]
                self._count -= 1
                raise TooLarge(f"a message of {size} bytes; the limit is {MESSAGE_LIMIT}: send bulk by send_bytes")
            self._close_batch()

    def next_frame(self) -> bytearray | None:
        """Take the oldest frame out; None when nothing waits."""
        if not self._cut:
            if not self._count:
                return None
            self._close_batch()
        taken = self._cut.popleft()
        self.cut_size -= len(taken)
        return taken

    def _close_batch(self) -> None:
        buffer = self._buffer
        _BATCH_HEAD.pack_into(buffer, 0, ENVELOPES << 24 | (len(buffer) - 4), _ARRAY_32, self._count)
        self._cut.append(buffer)
        self.cut_size += len(buffer)
        self._buffer = bytearray(_BATCH_HEAD.size)
        self._count = 0
