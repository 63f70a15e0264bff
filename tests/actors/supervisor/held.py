"""Time that stands still until a test lets it go on: for the event loop of a Supervisor, and for watchers while they wait for the lease.

A lease that is short by the machine's clock runs out before the owner has come, wherever a process is given no turn for a while.
Here it is as long as it is, and over when the test says so. What is told though no time goes by waits for no timer, which no
bound in seconds could tell of a busy machine.
"""

import asyncio
import mmap
import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from actors.supervisor import watcher
from tests.actors.supervisor.stage import LOOK_S, PATIENCE_S, until

STEP_S = 1.0
"""What passes between two looks of a test that lets time go by."""


class HeldTime:
    """The time of an event loop in processes that are forked from this one."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 8)  # shared with the forks

    def hold(self) -> None:
        """Called in a fork: loops know no other time from here on."""

        time: Any = lambda _: 1000.0 + self._passed_s()  # noqa: E731  # Any: a method's type names its parameter
        asyncio.BaseEventLoop.time = time  # type: ignore[method-assign]  # of the fork only

    def pass_by(self, seconds: float, *, pid: int) -> None:
        """Let time go by for a Supervisor that serves; timers that fall due before it hears anything else fire now."""
        self._page[:] = struct.pack("d", self._passed_s() + seconds)
        os.kill(pid, signal.SIGINT)  # it takes interrupts for nothing but a reason to look what is due

    def _passed_s(self) -> float:
        (passed_s,) = struct.unpack("d", self._page)
        return float(passed_s)

    async def pass_until(self, condition: Callable[[], object], *, pid: int) -> None:
        """Let time go by until something holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                with suppress(ProcessLookupError):  # it has left: what is waited for needs no more of its time
                    self.pass_by(STEP_S, pid=pid)
                await asyncio.sleep(LOOK_S)


@contextmanager
def time_standing_still() -> Iterator[None]:
    """No time goes by for the loop that runs here: what the block awaits has to come without a timer."""
    loop = asyncio.get_running_loop()
    at, true_time, over = loop.time(), loop.time, threading.Event()
    loop.time = lambda: true_time() if over.is_set() else at  # type: ignore[method-assign]  # of this one loop

    def go_on() -> None:
        over.set()
        loop.call_soon_threadsafe(lambda: None)

    patience = threading.Timer(PATIENCE_S, go_on)
    patience.start()
    try:
        yield
    finally:
        patience.cancel()
        loop.time = true_time  # type: ignore[method-assign]  # as it was
    assert not over.is_set(), f"nothing came within {PATIENCE_S:g} s without a timer"


class HeldCalls:
    """Watchers that wait, where they call a program, until they are let go.

    Args:
        folder: for the pipe by which they are.
        program: which one; the shell's own may be it too.
        then: what they do after that, as in `command mv "$@"`.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, program: str, then: str = ":") -> None:
        self._pipe = folder / f"held-{program}"
        self._waking: int | None = None
        os.mkfifo(self._pipe)
        monkeypatch.setattr(watcher, "SCRIPT", f"{program}() {{ read -r woken < '{self._pipe}'; {then}; }}\n{watcher.SCRIPT}")

    async def wait_begun(self) -> None:
        """Return once a watcher is held."""

        def is_held() -> bool:
            with suppress(OSError):  # nobody reads: nobody is
                self._waking = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            return self._waking is not None

        await until(is_held)

    async def let_go(self) -> None:
        """Have it go on, once one is held."""
        if self._waking is None:
            await self.wait_begun()
        assert self._waking is not None
        os.write(self._waking, b"\n")
        os.close(self._waking)
        self._waking = None


class HeldLeases(HeldCalls):
    """Watchers that sleep until they are woken, instead of for the lease."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch, "sleep")
        monkeypatch.setattr(watcher, "STEP_S", float("inf"))  # one sleep for the whole of a lease

    async def run_out(self) -> None:
        """Have that wait be over, once there is one."""
        await self.let_go()
