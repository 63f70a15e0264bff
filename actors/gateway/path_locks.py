"""Two writes of one path come one after the other, whichever workers they reach.

Files are put in place whole, so without this nothing would be torn; but a look at what is there and the write that depends on
it (a free name, a fingerprint) must not have another write between them. Within a worker that is a queue per path; between
workers a lock on one byte of a file that all of them have open, which the system takes back from a worker that dies.
Other programs know nothing of it: against them only the fingerprint helps.
"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from beaker.contents.failures import NotFree

BYTES: Final = 2**31
"""Of the file, which stays empty: a byte that is not there can be locked too. Two paths hardly ever share one, and could."""

LOOK_AGAIN_S: Final = 0.02
"""There is no way to be told that a lock of another process is free; a save takes about this long."""


class PathLocks:
    """The locks of one worker.

    Args:
        file: which all workers lock bytes of; made with the first write if it is not there.
        patience_s: how long one waits for others.
    """

    def __init__(self, file: str, *, patience_s: float = 10.0) -> None:
        self._file = file
        self._descriptor: int | None = None
        """One for the whole life: closing any would give back all locks of this process."""
        self._patience_s = patience_s
        self._queues: dict[int, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, *paths: str) -> AsyncGenerator[None]:
        """Keep others from writing these paths.

        Raises:
            NotFree: somebody held one for too long.
        """
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience_s):
                    # In one order everywhere, so that nobody waits for somebody who waits for them.
                    for place in sorted({_place(path) for path in paths}):
                        await held.enter_async_context(self._one(place))
            except TimeoutError:
                raise NotFree(f"{paths[0]!r} is being written by somebody else; try again") from None
            yield

    def close(self) -> None:
        """Give back whatever is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @asynccontextmanager
    async def _one(self, place: int) -> AsyncGenerator[None]:
        lock, waiting = self._queues.get(place, (asyncio.Lock(), 0))
        self._queues[place] = (lock, waiting + 1)
        try:
            async with lock:
                descriptor = await self._take(place)
                try:
                    yield
                finally:
                    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
        finally:
            lock, waiting = self._queues.pop(place)
            if waiting > 1:
                self._queues[place] = (lock, waiting - 1)

    async def _take(self, place: int) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):  # as the system has it
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                return self._descriptor


def _place(path: str) -> int:
    return int.from_bytes(hashlib.sha256(path.encode(errors="backslashreplace")).digest()[:8]) % BYTES
