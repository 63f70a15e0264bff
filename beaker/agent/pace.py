"""How often the model may be called: no more than so many times in any stretch of time, whatever loops.

It counts calls and not tokens, for the endpoint's sake and the user's: a model that answers at once with ever another tool
call would otherwise be asked as fast as the machine can. Pure; whoever books a call waits as long as it is told.
"""

from collections import deque


class Pace:
    """One agent's, over all its questions.

    Five a second are five in any second, and not one every fifth of one: a turn begins with a few calls in a row, and
    none of them should wait. Half a one a second is one in any two.

    Args:
        per_s: calls in a second.
    """

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self._count = max(int(per_s), 1)
        self._stretch_s = self._count / per_s
        self._booked: deque[float] = deque(maxlen=self._count)

    def book(self, now: float) -> float:
        """Book the next call.

        Args:
            now: a time that never jumps, in seconds.

        Returns:
            How many seconds to wait before it is made.

        >>> pace = Pace(2.0)
        >>> [pace.book(now) for now in (10.0, 10.25, 10.25, 12.0)]
        [0.0, 0.0, 0.75, 0.0]
        """
        at = now
        if len(self._booked) == self._count:
            at = max(now, self._booked[0] + self._stretch_s)
        self._booked.append(at)
        return at - now
