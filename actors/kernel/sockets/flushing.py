"""The turns in which clients that had to wait are given more; one timer for all of a socket."""

import asyncio
from collections.abc import Callable, Iterable

from actors.kernel.sockets.lane import POLL_S, Lane

SLOW_POLL_S = 0.05
"""How often is looked whether a client takes more, while it does not."""


class Flushing:
    """Looks at lanes as long as one of them is behind.

    Args:
        lanes: those there are.
    """

    def __init__(self, lanes: Callable[[], Iterable[Lane]]) -> None:
        self._lanes = lanes
        self._loop = asyncio.get_running_loop()
        self._pause_s = POLL_S
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """A lane is behind."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause_s, self._flush)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._timer = None
        lanes = list(self._lanes())
        took = [lane.flush() for lane in lanes]
        self._pause_s = POLL_S if any(took) else min(2 * self._pause_s, SLOW_POLL_S)
        if any(lane.behind for lane in lanes):
            self.wake()
