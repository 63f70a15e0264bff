"""The last word of a turn: it goes into the conversation, into the log, and to whoever asked.

Of a turn that the user stops while code of it runs, that comes a moment later: what interrupted code says of it is seen while its cell is
busy, and by many clients not afterwards.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from actors.kernel.questions.course import Course
from actors.kernel.questions.face import Outcome
from actors.kernel.questions.turn import Turn
from actors.kernel.state.state import KernelState
from beaker.messages.base import TurnId

INTERRUPT_S = 1.5
"""For code to end that is interrupted: an interrupt is answered within 2 s."""


class _Late(NamedTuple):
    """A turn that was stopped and waits for its code to end."""

    turn: Turn
    timer: asyncio.TimerHandle


class Closing:
    """Closes turns.

    Args:
        give_up: called with a turn whose code has not ended in time.
    """

    def __init__(self, state: KernelState, course: Course, give_up: Callable[[Turn], None]) -> None:
        self._state = state
        self._course = course
        self._give_up = give_up
        self._late: dict[TurnId, _Late] = {}
        self._settled = asyncio.Event()
        """Set while no turn waits for its code to end."""
        self._settled.set()

    def close(self, turn: Turn, status: Outcome, reason: str) -> None:
        """Now.

        Args:
            reason: for an error.
        """
        display = turn.display
        turn.closed = True
        if status == "ok":
            for proposal in display.adopt_blocks(self._state.language):
                turn.face.proposed(proposal)
        self._course.add(turn.talk(status, reason))
        self._state.log.info(
            "turn.ended",
            trace=turn.face.client.trace,
            turn=turn.number,
            status=status,
            proposals=len(display.proposals),
            answer_chars=len(display.answer),
            duration_s=round(time.monotonic() - turn.since, 3),
        )
        turn.face.close(status, reason)

    def stop_soon(self, turn: Turn) -> None:
        """It is stopped: close it when its code has ended, or has had its moment."""
        timer = asyncio.get_running_loop().call_later(INTERRUPT_S, self.code_over, turn)
        self._late[turn.number] = _Late(turn, timer)
        self._settled.clear()

    async def settled(self) -> None:
        """Return once all that was stopped is closed, and so stands in the conversation: in a moment at most."""
        await self._settled.wait()

    def code_over(self, turn: Turn) -> bool:
        """Its code has ended, or has had its moment; False if nothing waited for that."""
        late = self._late.pop(turn.number, None)
        if late is not None:
            late.timer.cancel()
            self._give_up(turn)
            self.close(turn, "stopped", "")
            if not self._late:
                self._settled.set()
        return late is not None

    def close_all(self) -> None:
        """Wait no longer."""
        for late in list(self._late.values()):
            self.code_over(late.turn)
