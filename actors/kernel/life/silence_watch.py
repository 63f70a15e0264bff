"""Watches whether an actor of another process answers, and finds words for it when it does not; it never acts.

The agent is watched for as long as a turn runs that does not wait for the user, and between questions nothing is asked; the
Supervisor all the time, once in a second, as anything may need it next. It is asked to say that it is there, again and again. An ask,
not a ping of the link's own: what is to be known is whether the actor takes messages, and a loop that something holds up does that
as little as a process that was stopped.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from actors.runtime.actor import ActorContext
from actors.runtime.failures import RuntimeFault
from actors.runtime.ref import Ref
from actors.runtime.standstill import within
from actors.runtime.trace import current_trace
from beaker.messages.kernel import KernelMessage

M = TypeVar("M")

OPEN_S = 604_800.0
"""How long an ask stays open: as good as for ever, since a link that breaks ends it."""


EVENTS = {
    "agent": ("agent.silent", "agent.answers_again"),
    "supervisor": ("supervisor.silent", "supervisor.answers_again"),
}
"""What the log says at the beginning and at the end of a silence."""


class SilenceWatch(Generic[M]):
    """One task while it is wanted, none otherwise.

    Args:
        who: the actor.
        question: that it answers at once where it takes messages.
        ref: where it can be reached now; None ends the watch.
        wanted: whether it should answer; False ends the watch.
        silence_s: after this long without an answer there are words.
        pause_s: from an answer to the next question.
        on_words: called when `words` have changed.
    """

    def __init__(
        self,
        context: ActorContext[KernelMessage],
        who: Literal["agent", "supervisor"],
        question: M,
        *,
        ref: Callable[[], Ref[M] | None],
        wanted: Callable[[], bool],
        silence_s: float,
        pause_s: float,
        on_words: Callable[[], None],
    ) -> None:
        self._context = context
        self._who = who
        self._question = question
        self._ref = ref
        self._wanted = wanted
        self._silence_s = silence_s
        self._pause_s = pause_s
        self._on_words = on_words
        self._task: asyncio.Task[object] | None = None
        self.words = ""
        """`not responding since 12:03:04`; empty when it answers."""

    def begin(self) -> None:
        """It can be reached and should answer: watch it until that is over."""
        if self._task is None or self._task.done():
            self._task = self._context.spawn(self._watch(), name=f"{self._who}-watch")

    async def _watch(self) -> None:
        current_trace.set("")  # it belongs to no single request
        log = self._context.log
        while self._wanted() and (ref := self._ref()) is not None:
            asked_at = self._context.clock.wall()
            asking = asyncio.ensure_future(ref.ask(self._question, timeout_s=OPEN_S))
            try:
                try:
                    async with within(self._silence_s):
                        await asyncio.wait({asking})
                except TimeoutError:
                    self._say(f"not responding since {time.strftime('%H:%M:%S', time.localtime(asked_at))}")
                await asking
                if self.words:
                    log.info(EVENTS[self._who][1])
            except RuntimeFault:
                pass  # it is gone, and whoever hears of broken links has the words for that
            finally:
                asking.cancel()
                self._say("")
            await asyncio.sleep(self._pause_s)

    def _say(self, words: str) -> None:
        if words == self.words:
            return
        if words:
            self._context.log.warning(EVENTS[self._who][0], words=words)
        self.words = words
        self._on_words()
