"""The time that one turn may take, without the time that it waits for the user or for its turn to call the model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actors.runtime.clock import Clock, Timer


class TurnClock:
    """Runs down while the turn works.

    Args:
        limit_s: what the turn may take.
        on_up: called once, when that is over.
    """

    def __init__(self, clock: Clock, limit_s: float, on_up: Callable[[], None]) -> None:
        self._clock = clock
        self._left_s = limit_s
        self._on_up = on_up
        self._timer: Timer | None = None
        self._since = 0.0

    def start(self) -> None:
        """Run from here on."""
        self._since = self._clock.monotonic()
        self._timer = self._clock.call_later(self._left_s, self._on_up)

    def stop(self) -> None:
        """Run no more, for now or for good."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left_s = max(self._left_s - (self._clock.monotonic() - self._since), 0.0)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Stand still meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()
