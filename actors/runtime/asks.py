"""What happens between a question and its answer: every ask is answered exactly once.

There are two objects per ask. The `Obligation` belongs to the runtime, which holds every one that is open, so that it
can answer for an actor that stopped or crashed. The `Asked` belongs to the actor, which may keep it for as long as it
likes; when it lets go of it unanswered, the runtime answers `Unanswered`. One object could not tell the two apart.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from actors.runtime.clock import Clock
from actors.runtime.envelope import ANSWER, FAILED, UNANSWERED, Envelope, error_of
from actors.runtime.failures import AnsweredTwice, AskTimeout

Settle = Callable[[int, object], None]
"""Takes an outcome's kind and content to the asker."""


class Obligation:
    """One ask on the side of the actor that must answer it.

    Args:
        envelope: the question.
        settle: takes the outcome to the asker.
    """

    __slots__ = ("_settle", "envelope", "open_asks", "settled")

    def __init__(self, envelope: Envelope[Any], settle: Settle) -> None:  # Any: the actor's union, known to the actor
        self.envelope = envelope
        self.settled = False
        self.open_asks: set[Obligation] | None = None
        self._settle = settle

    def enter(self, open_asks: "set[Obligation]") -> None:
        """Stand in this set until settled."""
        self.open_asks = open_asks
        open_asks.add(self)

    def settle(self, kind: int, content: object) -> bool:
        """End the ask with an outcome of `envelope`; False if it was over already."""
        if self.settled:
            return False
        self.settled = True
        if self.open_asks is not None:
            self.open_asks.discard(self)
        self._settle(kind, content)
        return True


class Asked:
    """The duty to answer one ask, exactly once, now or later."""

    __slots__ = ("_answered", "_loop", "_obligation")

    def __init__(self, obligation: Obligation, loop: asyncio.AbstractEventLoop) -> None:
        self._obligation = obligation
        self._answered = False
        self._loop = loop

    @property
    def deadline(self) -> float:
        """When the asker gives up, in monotonic seconds of the clock."""
        return self._obligation.envelope.deadline

    @property
    def over(self) -> bool:
        """True once nobody waits for this answer any more; the runtime has answered in the actor's place."""
        return self._obligation.settled

    def answer(self, reply: object) -> None:
        """Give the answer; the ask returns it.

        Raises:
            AnsweredTwice: this ask was answered or failed before.
        """
        self._finish(ANSWER, reply)

    def fail(self, failure: object) -> None:
        """Refuse; the ask raises `AskFailed(failure)`.

        Raises:
            AnsweredTwice: this ask was answered or failed before.
        """
        self._finish(FAILED, failure)

    def _finish(self, kind: int, content: object) -> None:
        if self._answered:
            raise AnsweredTwice(f"{type(self._obligation.envelope.message).__name__} was answered before; answer each request once")
        self._answered = True
        self._obligation.settle(kind, content)

    def __del__(self) -> None:
        # The collector may run in any thread, so the answer is left to the loop's own.
        if not (self._answered or self._obligation.settled or self._loop.is_closed()):
            self._loop.call_soon_threadsafe(self._obligation.settle, UNANSWERED, None)


class Question:
    """One ask on the side of the asker: the future that it awaits.

    Args:
        target: name of the actor, for the words of an error.
    """

    __slots__ = ("_future", "_target")

    def __init__(self, target: str) -> None:
        self._target = target
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()  # Any: the reply is typed by the ask

    def settle(self, kind: int, content: object) -> None:
        """Hear the outcome; late ones are ignored."""
        if self._future.done():
            return
        if kind == ANSWER:
            self._future.set_result(content)
        else:
            self._future.set_exception(error_of(kind, content, self._target))

    async def answer(self, clock: Clock, timeout_s: float) -> Any:  # Any: as above
        """Wait for the outcome.

        Raises:
            AskError: the outcome was not an answer, or none came in time.
        """
        if self._future.done():
            return self._future.result()
        timer = clock.call_later(timeout_s, lambda: self._expire(timeout_s))
        try:
            return await self._future
        finally:
            timer.cancel()

    def _expire(self, timeout_s: float) -> None:
        if not self._future.done():
            self._future.set_exception(AskTimeout(f"no answer from {self._target!r} within {timeout_s:g} s"))
