"""Jupyter's bytes on a link: lists of frames up to 128 MB, cut into chunks that let actor messages pass between.

Pure: `BulkSender` makes chunks one at a time, the streams taking turns; `BulkReader` puts them together. A stream is a
number that the two ends agree on in their messages; what is sent on one stream arrives in order.

Chunk: stream (4 bytes), flags (1 byte: 1 first, 2 last); the first chunk goes on with the number of frames and the
length of each (4 bytes each); then bytes of the frames laid end to end. All numbers are big-endian.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from actors.runtime.failures import TooLarge
from actors.runtime.frames import BYTES, CHUNK_LIMIT, JunkError, frame

BULK_LIMIT: Final = 128 * 1024 * 1024
"""The largest list of frames, as on the ZeroMQ side."""
FRAMES_LIMIT: Final = 16_384
"""The most frames of one list: their lengths must fit into the first chunk. Jupyter's are 6 and one per buffer."""
STREAMS_LIMIT: Final = 4096
"""The most lists a peer may have begun and not ended: one per stream of a busy gateway, and room."""

_CHUNK_HEAD = struct.Struct("!IB")
_COUNT = struct.Struct("!I")
_FIRST: Final = 1
_LAST: Final = 2

SMALL_BYTES: Final = 16 * 1024
"""A list up to here is laid out when it is sent: a copy costs less than to keep the pieces apart."""
SMALL_COUNT: Final = 32
"""Frames of such a list; `struct` keeps a hundred formats ready."""

_BYTES: Final = frozenset({bytes})

Piece = bytes | bytearray | memoryview


class BulkSender:
    """Holds what is to be sent, and cuts it."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that wait."""
        self._streams: deque[_Stream] = deque()
        self._by_number: dict[int, _Stream] = {}

    def add(self, stream: int, frames: Sequence[Piece], sent: "asyncio.Future[None]") -> None:
        """Queue a list of frames; `sent` is told when its last chunk was taken.

        Raises:
            TooLarge: more than BULK_LIMIT bytes or FRAMES_LIMIT frames.
        """
        count = len(frames)
        size = sum(map(len, frames))
        if size <= SMALL_BYTES and count <= SMALL_COUNT and _BYTES.issuperset(map(type, frames)):
            chunks = iter(((_single(stream, frames), True),))
        else:
            views = [memoryview(piece).cast("B") for piece in frames]
            size = sum(map(len, views))
            if size > BULK_LIMIT or count > FRAMES_LIMIT:
                raise TooLarge(f"{count} frames of {size} bytes; a link takes {FRAMES_LIMIT} frames of {BULK_LIMIT} bytes at once")
            chunks = _chunks(stream, views)
        waiting = self._by_number.get(stream)
        if waiting is None:
            waiting = self._by_number[stream] = _Stream(stream)
            self._streams.append(waiting)
        waiting.lists.append(_List(chunks, size, sent))
        self.size += size

    def next_frame(self) -> bytes | None:
        """Take the next chunk out, of the stream whose turn it is; None when nothing waits."""
        if not self._streams:
            return None
        stream = self._streams[0]
        self._streams.rotate(-1)
        current = stream.lists[0]
        chunk, last = next(current.chunks)
        if last:
            self.size -= current.size
            stream.lists.popleft()
            if not stream.lists:
                self._streams.remove(stream)
                del self._by_number[stream.number]
            if not current.sent.done():
                current.sent.set_result(None)
        return frame(BYTES, chunk)

    def fail(self, error: Exception) -> None:
        """Tell all who wait that nothing more will be sent."""
        for stream in self._streams:
            for waiting in stream.lists:
                if not waiting.sent.done():
                    waiting.sent.set_exception(error)
                    waiting.sent.exception()  # looked at: whoever did not wait needs no complaint from asyncio
        self._streams.clear()
        self._by_number.clear()
        self.size = 0


class _List:
    """One list of frames on its way out."""

    __slots__ = ("chunks", "sent", "size")

    def __init__(self, chunks: Iterator[tuple[bytes, bool]], size: int, sent: "asyncio.Future[None]") -> None:
        self.chunks = chunks
        self.size = size
        self.sent = sent


class _Stream:
    """The lists that wait on one stream."""

    __slots__ = ("lists", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.lists: deque[_List] = deque()


def _single(stream: int, frames: Sequence[Piece]) -> bytes:
    """The one chunk of a list that is small: what most are, so in few steps."""
    table = struct.pack(f"!IB{len(frames) + 1}I", stream, _FIRST | _LAST, len(frames), *map(len, frames))
    return b"".join([table, *frames])


def _chunks(stream: int, frames: list[memoryview]) -> Iterator[tuple[bytes, bool]]:
    """Cut a list of frames; yields (chunk, is it the last)."""
    table = b"".join([_COUNT.pack(len(frames)), *(_COUNT.pack(len(piece)) for piece in frames)])
    left = sum(map(len, frames))
    waiting = deque(frames)
    flags = _FIRST
    while True:
        room = CHUNK_LIMIT - _CHUNK_HEAD.size - len(table)
        pieces: list[memoryview] = []
        while room and waiting:
            piece = waiting.popleft()
            if len(piece) > room:
                waiting.appendleft(piece[room:])
                piece = piece[:room]
            pieces.append(piece)
            room -= len(piece)
            left -= len(piece)
        last = left == 0
        yield b"".join([_CHUNK_HEAD.pack(stream, flags | (_LAST if last else 0)), table, *pieces]), last
        if last:
            return
        flags, table = 0, b""


class BulkReader:
    """Puts chunks together."""

    def __init__(self) -> None:
        self._begun: dict[int, tuple[tuple[int, ...], bytearray]] = {}

    def feed(self, chunk: memoryview) -> "tuple[int, list[memoryview]] | None":
        """Take one chunk; return (stream, frames) when it ends a list.

        Raises:
            JunkError: not a chunk, or one that does not fit to what came before.
        """
        if len(chunk) < _CHUNK_HEAD.size:
            raise JunkError(f"a chunk of {len(chunk)} bytes")
        stream, flags = _CHUNK_HEAD.unpack_from(chunk)
        body = chunk[_CHUNK_HEAD.size :]
        if flags & _FIRST:
            if stream in self._begun or len(self._begun) >= STREAMS_LIMIT:
                raise JunkError(f"stream {stream} was begun twice, or too many are")
            lengths, body = _read_table(body)
            if flags & _LAST and sum(lengths) == len(body):
                return stream, _cut(memoryview(bytes(body)), lengths)
            self._begun[stream] = (lengths, bytearray())
        begun = self._begun.get(stream)
        if begun is None:
            raise JunkError(f"a chunk of stream {stream}, where nothing was begun")
        lengths, gathered = begun
        gathered += body
        missing = sum(lengths) - len(gathered)
        if missing < 0 or (missing == 0) != bool(flags & _LAST):
            raise JunkError(f"stream {stream} is {-missing} bytes longer than announced")
        if missing:
            return None
        del self._begun[stream]
        return stream, _cut(memoryview(gathered), lengths)


def _read_table(body: memoryview) -> tuple[tuple[int, ...], memoryview]:
    """The lengths of the frames that a first chunk announces, and what is behind them."""
    if len(body) < _COUNT.size:
        raise JunkError("a first chunk without a count")
    (count,) = _COUNT.unpack_from(body)
    begin = _COUNT.size * (count + 1)
    if count > FRAMES_LIMIT or len(body) < begin:
        raise JunkError(f"{count} frames, but {len(body) - _COUNT.size} bytes for their lengths and all else")
    lengths: tuple[int, ...] = struct.unpack_from(f"!{count}I", body, _COUNT.size)
    if sum(lengths) > BULK_LIMIT:
        raise JunkError(f"{sum(lengths)} bytes on one stream; the limit is {BULK_LIMIT}")
    return lengths, body[begin:]


def _cut(whole: memoryview, lengths: Sequence[int]) -> list[memoryview]:
    frames: list[memoryview] = []
    position = 0
    for length in lengths:
        frames.append(whole[position : position + length])
        position += length
    return frames
