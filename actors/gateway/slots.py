"""The worker's shared memory: for each websocket the numbers of the last message that has left for it, and of the last that it has taken.

A kernel host reads it, also after this worker was killed, and so knows what each client has got. One file per worker in the
gateway's runtime folder, `seen-<pid>`: two 8-byte words for each in the order of the machine, which is little-endian wherever we run.
"""

import mmap
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

WORD: Final = 8
"""Bytes of a number: they begin at nanoseconds since the epoch, which need 61 bits."""
WORDS: Final = 2
"""Of a slot."""

REST_S: Final = 2.0
"""How long a slot that was given back is left alone: its host reads it when it hears that the websocket is gone."""


class Slots:
    """All slots of this worker.

    Args:
        path: of the file.
        count: how many there are.
        limit: how many may be taken at a time.
        now_s: monotonic seconds.
    """

    def __init__(self, path: str, count: int, *, limit: int, now_s: Callable[[], float]) -> None:
        self.path = path
        self.limit = min(count, limit)
        self.taken = 0
        """How many are, now."""
        self._now_s = now_s
        self._fresh = iter(range(count))
        self._resting: deque[tuple[float, int]] = deque()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, count * WORDS * WORD)
            self._memory = mmap.mmap(descriptor, count * WORDS * WORD)
        finally:
            os.close(descriptor)
        self._words = memoryview(self._memory).cast("Q")

    def take(self) -> int | None:
        """A slot that says nothing yet; None if there is none to spare."""
        if self.taken >= self.limit:
            return None
        # Fresh ones first, then the one that has rested longest: the later a slot is used again, the better.
        slot = next(self._fresh, None)
        if slot is None:
            if not self._resting or self._resting[0][0] > self._now_s():
                return None
            _, slot = self._resting.popleft()
        self._words[WORDS * slot] = self._words[WORDS * slot + 1] = 0
        self.taken += 1
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
        self.taken -= 1
        self._resting.append((self._now_s() + REST_S, slot))

    def close(self) -> None:
        """Let go of the memory and remove the file; a host that has it open reads on."""
        self._words.release()
        self._memory.close()
        Path(self.path).unlink(missing_ok=True)
