"""Time as actors see it: a door, so that tests turn the clock by hand.

All durations are monotonic: a jump of the wall clock changes no timeout. `wall()` is for people to read, never for
arithmetic. The twin for tests is `actors.runtime.kit.ManualClock`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A pending call, to be cancelled."""

    def cancel(self) -> None:
        """Take the call back; after it was made or cancelled, nothing happens."""
        ...


class Clock(Protocol):
    """What tells the time and calls back later."""

    def monotonic(self) -> float:
        """Seconds that never jump; comparable between the processes of one machine."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, for people to read."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` once from the event loop, `delay_s` seconds from now."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Return after `delay_s` seconds."""
        ...


class SystemClock:
    """The machine's clock; timers run on the event loop that is running when they are set."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
