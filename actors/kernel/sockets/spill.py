"""A queue of messages that is bounded in memory; what goes beyond lies in a file that has no name.

One client that reads more slowly than it is sent has one of these. The file is unlinked as soon as it is
made, so that nothing of it survives this process, however it ends. Reads and writes go to the page cache and are done on the
loop: a thread would cost more than they do.
"""

import os
import struct
from collections import deque
from typing import BinaryIO

from actors.runtime.malloc import return_free_memory

MEMORY_BYTES = 4 * 1024 * 1024
"""Of messages that wait in memory: enough for the bursts of ordinary cells, little enough for several stopped clients."""
FRAME_COST_BYTES = 100
"""What a frame costs beside its bytes, in Python and in libzmq."""

FLOOD_BYTES = 16 * 1024 * 1024
"""After so much in the file, what the flood has left free is returned: smaller ones come and go too often."""
PIECES_LIMIT = 1000
"""Buffers in one write; POSIX allows 1024."""

_SIZE = struct.Struct("<I")


def cost_of(frames: list[bytes]) -> int:
    """What a message takes in memory, bytes, roughly."""
    return sum(map(len, frames)) + FRAME_COST_BYTES * len(frames)


class Spill:
    """First in, first out; frames come back byte for byte.

    Args:
        memory_bytes: how much waits in memory; at least one message does.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._near: deque[list[bytes]] = deque()
        """The oldest messages."""
        self._near_bytes = 0
        self._file: BinaryIO | None = None
        self._far = 0
        """How many messages lie in the file, all younger than those in memory."""
        self._read_at = 0
        self._write_at = 0
        self.size_bytes = 0
        """Of all that waits."""

    def __len__(self) -> int:
        return len(self._near) + self._far

    def append(self, frames: list[bytes]) -> None:
        """Put a message behind all others.

        Raises:
            OSError: there is no room on the disk; the message is not kept.
        """
        cost = cost_of(frames)
        if not self._far and (not self._near or self._near_bytes + cost <= self._memory_bytes):
            self._near.append(frames)
            self._near_bytes += cost
        else:
            self._write(frames)
        self.size_bytes += cost

    def popleft(self) -> list[bytes]:
        """Take the oldest message."""
        if not self._near:
            self._load()
        frames = self._near.popleft()
        cost = cost_of(frames)
        self._near_bytes -= cost
        self.size_bytes -= cost
        return frames

    def close(self) -> None:
        """Forget everything."""
        self._near.clear()
        self._near_bytes = self.size_bytes = self._far = 0
        self._end_file()

    def _write(self, frames: list[bytes]) -> None:
        if self._file is None:
            import tempfile  # costs 2 ms and is rarely needed

            self._file = tempfile.TemporaryFile(prefix="beaker-waiting-", buffering=0)  # noqa: SIM115 -- closed in `_end_file`
        sizes = b"".join(_SIZE.pack(len(frame)) for frame in frames)
        self._write_at += self._write_all([_SIZE.pack(len(frames)), sizes, *frames])
        self._far += 1

    def _write_all(self, pieces: list[bytes]) -> int:
        assert self._file is not None
        descriptor, size_bytes = self._file.fileno(), sum(map(len, pieces))
        written = 0
        if len(pieces) <= PIECES_LIMIT:
            written = os.pwritev(descriptor, pieces, self._write_at)  # nothing is copied before it is in the page cache
        rest = b"".join(pieces)[written:] if written < size_bytes else b""
        while rest:
            # Half a record that a full disk leaves behind is overwritten by the next one.
            count = os.pwrite(descriptor, rest, self._write_at + size_bytes - len(rest))
            rest = rest[count:]
        return size_bytes

    def _load(self) -> None:
        """Bring the oldest of the file into memory, half of what memory may hold."""
        assert self._file is not None
        self._file.seek(self._read_at)
        while self._far and (not self._near or self._near_bytes < self._memory_bytes // 2):
            (count,) = _SIZE.unpack(self._read(_SIZE.size))
            sizes = [size for (size,) in _SIZE.iter_unpack(self._read(count * _SIZE.size))]
            frames = [self._read(size) for size in sizes]
            self._near.append(frames)
            self._near_bytes += cost_of(frames)
            self._read_at += _SIZE.size * (1 + count) + sum(sizes)
            self._far -= 1
        if not self._far:
            self._end_file()

    def _read(self, size_bytes: int) -> bytes:
        assert self._file is not None
        found = self._file.read(size_bytes)
        while len(found) < size_bytes:
            more = self._file.read(size_bytes - len(found))
            if not more:
                raise OSError(f"the file of waiting messages ends {size_bytes - len(found)} bytes too early")
            found += more
        return found

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            if self._write_at > FLOOD_BYTES:
                return_free_memory()
        self._read_at = self._write_at = 0
