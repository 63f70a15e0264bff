"""How often something may happen: so many at once, and so many more with time."""

from collections.abc import Callable


class Bucket:
    """So many at once, and so many more per second.

    Args:
        burst: how many at once.
        per_s: how many per second in the long run.
        now_s: monotonic seconds.
    """

    def __init__(self, burst: int, per_s: float, now_s: Callable[[], float]) -> None:
        self._burst = burst
        self._per_s = per_s
        self._now_s = now_s
        self._left = float(burst)
        self._at = now_s()

    @property
    def wait_s(self) -> float:
        """How long until there is room; 0 if there is now."""
        self._fill()
        return max(0.0, (1.0 - self._left) / self._per_s)

    def take(self) -> None:
        """One has happened."""
        self._fill()
        self._left = max(0.0, self._left - 1.0)

    def _fill(self) -> None:
        now = self._now_s()
        self._left = min(float(self._burst), self._left + (now - self._at) * self._per_s)
        self._at = now
