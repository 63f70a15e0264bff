"""One answer after the other: a question goes to the agent once those before it are over, or wait, parked, for the user.

The agent would answer them in order too, had it all of them at once, as of a notebook whose cells are all run. But what a question
says is composed when it goes there: only then does it hold what the ones before were answered, and what data the model has read for that.
"""

import asyncio
from collections.abc import Mapping

from actors.kernel.questions.turn import Turn
from beaker.messages.base import TurnId
from beaker.waiting_limit import TOO_MANY, WAITING_LIMIT


class OneByOne:
    """The line in which questions stand.

    Args:
        turns: those that are not over, oldest first; who holds them says by `moved` what has changed.
    """

    def __init__(self, turns: Mapping[TurnId, Turn]) -> None:
        self._turns = turns
        self._moved = asyncio.Event()

    @property
    def refusal(self) -> str:
        """Why the last one, which stands there already, is one too many behind the one that is answered; empty if it is not."""
        return TOO_MANY if sum(not turn.parked for turn in self._turns.values()) > 1 + WAITING_LIMIT else ""

    def moved(self) -> None:
        """A turn is over, parked, or without an agent."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def comes(self, number: TurnId) -> Turn | None:
        """Return a turn when its question may go to the agent; None if it is over before."""
        while (turn := self._turns.get(number)) is not None:
            before = self._before(number)
            turn.words("" if before is None else f"after question {before}")
            if before is None:
                return turn
            await self._moved.wait()
        return None

    def _before(self, number: TurnId) -> TurnId | None:
        in_front = [other for other, turn in self._turns.items() if other < number and not turn.parked and not turn.orphaned]
        return in_front[-1] if in_front else None
