"""Limits that a standstill of our own does not use up.

When this process, or the whole machine, has stood still, a single timer is overdue at once, while what it limits lies in a socket that
nobody has had a turn to read. So the time goes into several timers, one after the other: a standstill uses up one of them, and the others
leave time to read. Whoever looks at the clock from time to time knows by a look that came late.

A count of time that stops with us would be exact; but no clock tells of a process that gets no turn.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from actors.runtime.clock import Timer

T = TypeVar("T")

PARTS = 4
"""Into so many timers the time goes."""

LATE_S = 1.0
"""A look that comes so much later than it should tells of a standstill: a loop at work is late by milliseconds."""


def call_after(limit_s: float, act: Callable[[T], object], about: T) -> Timer:
    """Call `act` with what it is about when the time is over; whether that is still called for, it knows itself."""
    return _Countdown(limit_s / PARTS, act, about)


@asynccontextmanager
async def within(limit_s: float) -> AsyncGenerator[None, None]:
    """Do something in a limited time.

    Raises:
        TimeoutError: on leaving, when the time was over; the body is cancelled before.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as scope:
        timer = call_after(limit_s, lambda scope: scope.reschedule(loop.time()), scope)
        try:
            yield
        finally:
            timer.cancel()


class _Countdown(Generic[T]):
    __slots__ = ("_about", "_act", "_part_s", "_timer")

    def __init__(self, part_s: float, act: Callable[[T], object], about: T) -> None:
        self._part_s = part_s
        self._act = act
        self._about = about
        self._begin_part(1)

    def cancel(self) -> None:
        self._timer.cancel()

    def _begin_part(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        if number < PARTS:
            self._timer = loop.call_later(self._part_s, self._begin_part, number + 1)
        else:
            self._timer = loop.call_later(self._part_s, self._act, self._about)
