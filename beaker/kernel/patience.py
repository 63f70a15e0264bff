"""How long a prompt stands open while the user goes on with other cells: PROTOCOL's "60 s with other cells queued".

The time counts in which cells came or stood behind the prompt, in parts: short cells that are over whenever it is looked count like a long
one, as in both cases somebody works on whom the prompt does not reach. What lies between them does not count, and takes nothing back.
"""

from dataclasses import dataclass

LOOKS = 4
"""Into so many parts the patience goes. A cell that came in a part makes all of it count."""


@dataclass(slots=True)
class Patience:
    """Of one prompt, looked at again and again, a part of its patience apart."""

    since: float
    """Monotonic time from which on cells stand behind the prompt; then that of the last look."""
    _disturbed: int = 0

    def look(self, *, unanswered: int, last_came: float, now: float) -> bool:
        """Look at the cells behind the prompt.

        Args:
            unanswered: how many there are.
            last_came: when the latest came, answered or not; monotonic, as `now`.

        Returns:
            Whether it is over.
        """
        self._disturbed += unanswered > 0 or last_came >= self.since
        self.since = now
        return self._disturbed >= LOOKS
