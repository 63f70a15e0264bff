"""How long an agent may say nothing before a question is given up: the last word of a turn can be lost like any other.

The agent ends a turn by itself at its own limit of time. This clock runs behind that one, for all turns together, and stands still
for a turn that waits for the user. A silent agent has words for it long before: see `silence_watch.py`.
"""

import asyncio
import time
from collections.abc import Callable

from actors.kernel.questions.turn import Turn
from actors.kernel.state.state import KernelState

OVERDUE_S = 30.0
"""Of silence beyond the agent's own time limit for an answer."""


class Overdue:
    """The time since the agent last said anything."""

    def __init__(self, state: KernelState) -> None:
        self._state = state
        self._heard_at = 0.0
        """Monotonic."""

    @property
    def limit_s(self) -> float:
        """How long it may say nothing."""
        return self._state.settings.agent.turn_time_limit_s + OVERDUE_S

    def heard(self) -> None:
        """It was asked, said something, or got what it waited for: the time begins anew."""
        self._heard_at = time.monotonic()

    async def over(self, turn: Callable[[], Turn | None]) -> None:
        """Return when it has said nothing for too long, or when the turn is no more.

        Args:
            turn: the turn that waits for it; None when it is over.
        """
        limit_s = self.limit_s
        while (waiting := turn()) is not None:
            left_s = self._heard_at + limit_s - time.monotonic()
            if left_s <= 0 and not waiting.busy_with_user:
                return
            await asyncio.sleep(max(left_s, limit_s / 10))
