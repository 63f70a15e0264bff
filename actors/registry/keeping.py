"""One kernel of the Registry, kept: its guard is opened, and opened again when its Supervisor crashes or its folder is cleaned away.

The subkernel lives meanwhile, and the next guard adopts it, as the next Supervisor's process does where a kernel has one of its own. How
often that is tried at once is limited; then it is tried on at long intervals, because cells run without a Supervisor.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec

from actors.runtime.clock import Clock
from actors.runtime.failures import RuntimeFault
from actors.runtime.log import Log
from actors.runtime.trace import current_trace
from actors.supervisor.guard import Guard
from actors.supervisor.order import LEFT, NOT_THE_FIRST, Order, Remembered
from beaker.errors import BeakerError
from beaker.subkernels.restart_intensity import RestartIntensity

if TYPE_CHECKING:
    import subprocess

REOPENINGS: Final = RestartIntensity(limit=5, window_s=30.0)
"""How often a guard is opened again at once: more than that is a bug or a full disk. Then the next waits for as long as the window."""

LEAVING_LIMIT_S: Final = 5.0
"""For a Supervisor that was told to end a subkernel at once; it kills it after a second."""

FIRST_PAUSE_S: Final = 0.05
"""Before a guard is opened again; for a lock that a process holds which is about to end."""


class Kept:
    """One kernel.

    Args:
        kernel_id: as clients see it.
        make_order: what a guard is told; made anew for each, as settings may have changed.
        remembered: what is known of the subkernel's life so far.
        on_known: called with what the next guard should know, whenever that changes.
    """

    def __init__(
        self,
        kernel_id: str,
        make_order: Callable[[], Awaitable[Order]],
        *,
        clock: Clock,
        log: Log,
        remembered: Remembered | None = None,
        on_known: Callable[[Remembered], None],
    ) -> None:
        self.kernel_id = kernel_id
        self.failure = ""
        """Why it has not come up, in sentences for the user; empty: it has, or may still."""
        self.seen_off = False
        """Its host knows of its end, or is being told."""
        self._ended_by = ""
        """The trace of the request that it ends for."""
        self._make_order = make_order
        self._clock = clock
        self._log = log.bind(kernel=kernel_id)
        self._remembered = remembered
        self._on_known = on_known
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._reopenings = REOPENINGS
        self._guard: Guard | None = None
        self._serving: asyncio.Task[int] | None = None
        self._leaving = False
        self._nothing_lives = remembered is None
        """Nothing was ever launched, as far as we know."""
        self._woken = asyncio.Event()
        self._can_be_served = asyncio.Event()
        self._settled = asyncio.Event()
        self._over = asyncio.Event()

    async def keep(self) -> None:
        """Guard the kernel until none of its processes is left. Cancelled, it lets them live."""
        current_trace.set("")  # who wanted the kernel has been answered long before it ends
        try:
            while not await self._guard_once() and not (self._leaving and self._nothing_lives):
                await self._pause()
        finally:
            current_trace.set(self._ended_by)
            for event in (self._over, self._settled, self._can_be_served):
                event.set()

    def begin_to_end(self) -> bool:
        """It is to end, for the request that is being met; returns whether its host has to be told."""
        self._ended_by = current_trace.get()
        tell, self.seen_off = not self.seen_off, True
        return tell

    async def settled(self) -> None:
        """Return once it is known whether it came up: its Supervisor listens, or `failure` says why not."""
        await self._settled.wait()

    async def can_be_served(self) -> bool:
        """Wait until its Supervisor listens, the next one if this one has crashed; False: it is over."""
        await self._can_be_served.wait()
        return not self._over.is_set()

    async def over(self) -> None:
        """Return once no process of it is left."""
        await self._over.wait()

    async def see_off(self) -> None:
        """Return once no process of it is left, and insist on that."""
        for insist in (self.leave, self.abandon):
            try:
                await asyncio.wait_for(self.over(), LEAVING_LIMIT_S)
            except TimeoutError:
                self._log.warning("kernel.not_ended", after_s=LEAVING_LIMIT_S)
                insist()

    def leave(self) -> None:
        """End its processes."""
        self._leaving = True
        self._woken.set()
        if self._guard is not None:
            self._guard.leave()

    def abandon(self) -> None:
        """Let it be: the watcher ends what is left of it after the lease."""
        self._leaving = True
        if self._serving is not None:
            self._serving.cancel()

    async def _guard_once(self) -> bool:
        """Open a guard and wait for its end; returns whether the kernel is over."""
        try:
            order = msgspec.structs.replace(await self._make_order(), remembered=self._remembered)
            guard = self._guard = Guard(order, children=self._children, on_known=self._know)
        except (OSError, BeakerError) as error:
            return self._not_opened(str(error))
        try:
            if (refused := guard.open()) is not None:
                words = "another process holds it" if refused == NOT_THE_FIRST else "its folder was cleaned away"
                return self._not_opened(words)
            self.failure = guard.failure
            self._nothing_lives = False
            self._serving = asyncio.ensure_future(guard.serve(on_listening=self._listens))
            status = await self._serving
        except (OSError, BeakerError, RuntimeFault) as error:
            guard.abandon()
            return self._not_opened(str(error))
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return True  # abandoned
        finally:
            self._serving = None
            self._can_be_served.clear()
            self._remembered = guard.remembered or self._remembered
            self._children = guard.children
            guard.close()
            self._guard = None
        if status != LEFT:
            self._log.warning("guard.lost", status=status)
        return status == LEFT

    def _not_opened(self, reason: str) -> bool:
        self._log.error("guard.not_opened", reason=reason)
        if not self._settled.is_set():
            self.failure = f"The kernel did not start: {reason}."
            self._settled.set()
        return False

    def _listens(self) -> None:
        self._can_be_served.set()
        self._settled.set()
        if self._leaving and self._guard is not None:
            self._guard.leave()

    def _know(self, known: Remembered) -> None:
        self._remembered = known
        self._on_known(known)

    async def _pause(self) -> None:
        following = self._reopenings.after_restart(self._clock.monotonic())
        # Twice as long each time: 1.5 s in all, in which a process that is about to end has ended.
        pause_s = REOPENINGS.window_s if following is None else FIRST_PAUSE_S * 2 ** (len(following.restarts) - 1)
        self._reopenings = following or REOPENINGS
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), pause_s)
        self._woken.clear()
