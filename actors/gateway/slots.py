"""The worker's shared memory: for each websocket the numbers of the last message that has left for it, and of the last that it has taken.

A kernel host reads it, also after this worker was killed, and so knows what each client has got. One file per worker in the
gateway's runtime folder, `seen-<pid>`, which goes with its worker, so that no later process of that pid passes for one: two 8-byte
words for each in the order of the machine, which is little-endian wherever we run.

All of it is written before any of it is mapped: a page that a full folder has no room for would end the process that touches it. Where the
runtime folder is full the file lies in the gateway's state folder instead, which hosts look into, too.

The last word says how many are taken, so that all workers together keep to one limit, whichever of them clients come to. Two that look
at the same moment may go beyond it by one: it is there against misuse.
"""

import errno
import mmap
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from beaker.places import FULL

WORD: Final = 8
"""Bytes of a number: they begin at nanoseconds since the epoch, which need 61 bits."""
WORDS: Final = 2
"""Of a slot."""

REST_S: Final = 2.0
"""How long a slot that was given back is left alone: its host reads it when it hears that the websocket is gone."""


class Slots:
    """All slots of this worker.

    Args:
        paths: of the file, the first of them where there is room.
        count: how many there are, and how many may be taken at a time in all workers, whose files lie beside this one.
        limit: how many of them here.
        now_s: monotonic seconds.

    Raises:
        OSError: there is room nowhere.
    """

    def __init__(self, paths: Sequence[str], count: int, *, limit: int, now_s: Callable[[], float]) -> None:
        self._folders = {Path(path).parent for path in paths}
        self.limit = min(count, limit)
        self._count = count
        self.taken = 0
        """How many are, now."""
        self._now_s = now_s
        self._fresh = iter(range(count))
        self._resting: deque[tuple[float, int]] = deque()
        self.path, self._memory = _map_first(paths, (count * WORDS + 1) * WORD)
        self._words = memoryview(self._memory).cast("Q")

    def take(self) -> int | None:
        """A slot that says nothing yet; None if there is none to spare."""
        if self.taken >= self.limit or self.everywhere >= self._count:
            return None
        # Fresh ones first, then the one that has rested longest: the later a slot is used again, the better.
        slot = next(self._fresh, None)
        if slot is None:
            if not self._resting or self._resting[0][0] > self._now_s():
                return None
            _, slot = self._resting.popleft()
        self._words[WORDS * slot] = self._words[WORDS * slot + 1] = 0
        self._take(1)
        return slot

    def left(self, slot: int, number: int) -> None:
        """This message has left this process."""
        self._words[WORDS * slot] = number

    def took(self, slot: int, number: int) -> None:
        """The other side has this message."""
        self._words[WORDS * slot + 1] = number

    def read(self, slot: int) -> tuple[int, int]:
        """What stands there."""
        return self._words[WORDS * slot], self._words[WORDS * slot + 1]

    def give_back(self, slot: int) -> None:
        """The websocket is gone; what stands in its slot stays for a while."""
        self._take(-1)
        self._resting.append((self._now_s() + REST_S, slot))

    @property
    def everywhere(self) -> int:
        """How many are taken in all workers that live."""
        own = Path(self.path)
        return self.taken + sum(_taken_in(path) for folder in self._folders for path in folder.glob("seen-*") if path != own)

    def _take(self, more: int) -> None:
        self.taken += more
        self._words[WORDS * self._count] = self.taken

    def close(self) -> None:
        """Let go of the memory and remove the file; a host that has it open reads on."""
        self._words.release()
        self._memory.close()
        Path(self.path).unlink(missing_ok=True)


def _map_first(paths: Sequence[str], size: int) -> tuple[str, mmap.mmap]:
    for path in paths[:-1]:
        try:
            return path, _map_new(path, size)
        except OSError as error:
            if error.errno not in FULL:
                raise
    return paths[-1], _map_new(paths[-1], size)


def _map_new(path: str, size: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if os.pwrite(descriptor, bytes(size), 0) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return mmap.mmap(descriptor, size)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def _taken_in(path: Path) -> int:
    """How many another worker has; none, where it has gone."""
    try:
        os.kill(int(path.name.rpartition("-")[2]), 0)
        with path.open("rb") as file:
            file.seek(-WORD, os.SEEK_END)
            return int.from_bytes(file.read(WORD), sys.byteorder)
    except (OSError, ValueError):
        return 0
