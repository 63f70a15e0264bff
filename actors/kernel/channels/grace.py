"""The moment that is left for what the subkernel may still say, before its part is said in its place.

A single timer would not do: when this process, or the whole machine, has stood still, it is overdue at once, while what it waits for
lies in a socket that nobody has had a turn to read.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PARTS = 4
"""Into so many timers, one after the other, the moment goes: a standstill uses up one of them, and the others leave time to read."""


def after_grace(grace_s: float, act: Callable[[T], object], about: T) -> None:
    """Call `act` with what it is about when the moment is over; whether that is still called for, it knows itself."""
    _wait(PARTS, grace_s / PARTS, act, about)


def _wait(parts: int, part_s: float, act: Callable[[T], object], about: T) -> None:
    if parts:
        asyncio.get_running_loop().call_later(part_s, _wait, parts - 1, part_s, act, about)
    else:
        act(about)
