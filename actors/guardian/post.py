"""One place among the staff: a role that must always be filled, by a process that is replaced at once when it ends.

Knows the process that holds it and how often it was refilled lately; what all posts have in common (programs, orders, what to
do when one is given up) is the staff's.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from actors.runtime.log import Log
from actors.runtime.process import Child, NotReadyError
from actors.supervisor.stderr_pipe import StderrPipe
from beaker.errors import BeakerError
from beaker.subkernels.restart_intensity import RestartIntensity

RoleName = Literal["registry", "host", "worker", "agent-host"]

READY_TIMEOUT_S: Final = 60.0
"""For a process to say that it can be used; importing from a cold disk takes seconds, and a registry opens every kernel that lives."""

HURRIED_GRACE_S: Final = 0.5
"""Always: to leave takes no longer for one that need not wait for anybody."""

Start = Callable[[RoleName, int, int], Child]
"""Starts a process: the role, its number, and a descriptor for its stderr."""


class PostVacant(BeakerError):
    """Nobody can hold a post; the sentence says why, with the last words of the one who tried."""


class Post:
    """One role of one number.

    Args:
        folder: where a pipe for its stderr may lie.
        on_vacant: called once, with a sentence, when it was refilled too often.
    """

    def __init__(self, role: RoleName, number: int, folder: Path, *, start: Start, on_vacant: Callable[[str], None]) -> None:
        self.name = f"{role} {number}"
        self.role: RoleName = role
        self.number = number
        self._start = start
        self._on_vacant = on_vacant
        self._stderr = StderrPipe(folder / f"stderr-{role}-{number}")
        self._stderr.attach(asyncio.get_running_loop())
        self._keeping = os.open(folder / f"stderr-{role}-{number}", os.O_RDWR | os.O_CLOEXEC)
        """So that the pipe has a writer while a process is replaced."""
        self._intensity = RestartIntensity()
        self._child: Child | None = None
        self._watches: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        """Held by whoever is about to put another process there."""
        self._closing = False
        self._log = Log(actor="guardian", post=self.name)

    @property
    def pid(self) -> int | None:
        """Of the process that holds it."""
        return None if self._child is None else self._child.pid

    async def fill(self) -> None:
        """Start the first process and wait until it can be used.

        Raises:
            PostVacant: it cannot.
        """
        try:
            self._child = await self._ready_one()
        except (NotReadyError, OSError) as error:
            raise PostVacant(self._last_words(str(error))) from None
        self._watch(self._child)

    async def renew(self, grace_s: float) -> None:
        """Put a new process in the place of the one that works, which is told to end only when the new one can be used.

        Raises:
            PostVacant: the new one cannot be used; the old one stays.
        """
        async with self._changing:
            try:
                fresh = await self._ready_one()
            except (NotReadyError, OSError) as error:
                raise PostVacant(self._last_words(str(error))) from None
            former, self._child = self._child, fresh
            self._watch(fresh)
            self._log.info("post.renewed", pid=fresh.pid, former=former and former.pid)
        if former is not None:
            try:
                await former.end(grace_s)
            finally:
                former.send_signal(signal.SIGKILL)  # we were told to stop waiting

    async def end(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Nobody shall hold it any more: politely, then by force.

        Args:
            grace_s: in between.
            hurry: cuts that short.
        """
        self._closing = True
        child = self._child
        if child is not None and not child.exited.done():
            child.send_signal(signal.SIGTERM)
            await _first_of(child, hurry, grace_s)
            await asyncio.wait([child.exited], timeout=min(grace_s, HURRIED_GRACE_S))
            if not child.exited.done():
                self._log.warning("post.killed", pid=child.pid)
                child.send_signal(signal.SIGKILL)
            await child.exited
        for watch in [*self._watches]:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        # One that was starting meanwhile.
        if self._child is not None and self._child is not child:
            await self._child.end(0.0)
        self._stderr.drain()
        self._stderr.close()
        os.close(self._keeping)

    async def _ready_one(self) -> Child:
        child = self._start(self.role, self.number, self._keeping)
        _ = child.exited  # watched from now on, so that it is reaped whenever it ends
        try:
            await child.ready(READY_TIMEOUT_S)
        except asyncio.CancelledError:
            await child.end(0.0)
            raise
        self._log.info("post.filled", pid=child.pid)
        return child

    def _watch(self, child: Child) -> None:
        watch = asyncio.get_running_loop().create_task(self._refill_after(child))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _refill_after(self, child: Child) -> None:
        how = (await asyncio.shield(child.exited)).words
        async with self._changing:
            while child is self._child and not self._closing:
                self._log.warning("post.ended", pid=child.pid, how=how)
                allowed = self._intensity.after_restart(time.monotonic())
                if allowed is None:
                    self._give_up(how)
                    return
                self._intensity = allowed
                try:
                    self._child = await self._ready_one()
                except NotReadyError as error:
                    how = str(error)
                except OSError as error:
                    self._on_vacant(f"The {self.name} process cannot be started: {error.strerror}.")
                    return
                else:
                    self._watch(self._child)

    def _give_up(self, how: str) -> None:
        times, window_s = self._intensity.limit + 1, self._intensity.window_s
        self._log.error("post.given_up", times=times, how=how)
        self._on_vacant(f"The {self.name} process was lost {times} times in {window_s:g} s, and is given up: {self._last_words(how)}")

    def _last_words(self, how: str) -> str:
        tail = self._stderr.tail().strip()
        return f"{how}. Its last words:\n{tail}" if tail else f"{how}."


async def _first_of(child: Child, hurry: asyncio.Event, grace_s: float) -> None:
    """Wait for the end of a process, for a word to hurry, or so long."""
    hurried = asyncio.get_running_loop().create_task(hurry.wait())
    child.exited.add_done_callback(lambda _: hurried.cancel())
    await asyncio.wait([hurried], timeout=grace_s)
    hurried.cancel()
