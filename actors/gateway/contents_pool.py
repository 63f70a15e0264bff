"""Where the disk is waited for: a few threads, so that a slow disk holds up neither other requests nor the messages of kernels.

Each thread has a `Contents` of its own, because Jupyter's store of trusted notebooks may be used by the thread alone that
opened it. A call that has begun is finished, though the client that wanted it has gone: half of a save is not a thing.
"""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from aiohttp import web
from nbformat.sign import NotebookNotary

from actors.gateway.path_locks import PathLocks
from actors.gateway.service import SERVICE
from beaker.contents.paths import Root
from beaker.contents.store import Contents

THREADS: Final = 4
"""Disks do a few things at a time; more would only hold more large files in memory at once."""

T = TypeVar("T")


class ContentsPool:
    """Does calls in threads.

    Args:
        make: makes a `Contents`; called once in each thread.
        locks: of paths; closed with the pool.
    """

    def __init__(self, make: Callable[[], Contents], locks: PathLocks) -> None:
        self._make = make
        self._locks = locks
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="contents")
        self._writes: set[asyncio.Task[object]] = set()

    async def read(self, call: Callable[[Contents], T]) -> T:
        """Do a call that changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(self._contents()))

    async def write(self, call: Callable[[Contents], T], *paths: str) -> T:
        """Do a call that changes these paths, after those that change one of them already.

        Raises:
            NotFree: these take too long.
        """
        task = asyncio.create_task(self._locked(call, paths))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what has begun; further calls fail."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        self._pool.shutdown()
        self._locks.close()

    async def _locked(self, call: Callable[[Contents], T], paths: tuple[str, ...]) -> T:
        async with self._locks.hold(*(path.strip("/") for path in paths)):
            return await self.read(call)

    def _contents(self) -> Contents:
        try:
            contents: Contents = self._own.contents
        except AttributeError:
            contents = self._own.contents = self._make()
        return contents


CONTENTS: web.AppKey[ContentsPool] = web.AppKey("contents", ContentsPool)
"""Where an application keeps it, from its start on."""


def pool_of(request: web.Request) -> ContentsPool:
    """The pool of the worker that got this request."""
    return request.app[CONTENTS]


async def open_contents(app: web.Application) -> AsyncGenerator[None]:
    """A pool for an application, as long as that runs."""
    order = app[SERVICE].order
    root = Root(order.settings.root_dir or os.getcwd())

    def make() -> Contents:
        return Contents(root, NotebookNotary())  # type: ignore[no-untyped-call]  # nbformat is untyped

    app[CONTENTS] = pool = ContentsPool(make, PathLocks(f"{order.folder}/contents.lock"))
    yield
    await pool.close()
