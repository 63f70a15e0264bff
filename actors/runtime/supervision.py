"""When a crashed actor is started again, and when not: the decision alone, without a clock or a task.

one_for_one as in OTP: the crash of one actor restarts that actor only. Its restart intensity (5 in 30 s unless said
otherwise) tells an accident from a loop; beyond it the runtime gives up and says so.
"""

from collections import deque

import msgspec


class RestartPolicy(msgspec.Struct, frozen=True):
    """How often an actor may be restarted: `limit` times within any `window_s` seconds. 0 means never."""

    limit: int = 5
    window_s: float = 30.0


class RestartCounter:
    """Counts the restarts of one actor against its policy.

    Example:
        >>> counter = RestartCounter(RestartPolicy(limit=1, window_s=10.0))
        >>> [counter.may_restart(now) for now in (0.0, 5.0, 20.0)]
        [True, False, True]
    """

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._times: deque[float] = deque()

    def may_restart(self, now: float) -> bool:
        """Decide about a crash at `now` (monotonic seconds), and count the restart if it is allowed."""
        while self._times and now - self._times[0] > self._policy.window_s:
            self._times.popleft()
        if len(self._times) >= self._policy.limit:
            return False
        self._times.append(now)
        return True
