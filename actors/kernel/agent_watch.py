"""Watches whether the agent answers while questions are being answered, and finds words for it; it never acts.

The agent is asked to say that it is there, again and again, for as long as a turn runs that does not wait for the user; between
questions nothing is asked. An ask, not a ping of the link's own: what is to be known is whether the actor takes messages, and a
loop that a context's tool holds up does that as little as a process that was stopped.
"""

import asyncio
import time
from collections.abc import Callable

from actors.kernel.agent_door import AgentDoor
from actors.kernel.state import KernelState
from actors.runtime.actor import ActorContext
from actors.runtime.failures import RuntimeFault
from actors.runtime.trace import current_trace
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Ping

LOOKS = 4
"""Into so many waits the silence is parted. While this process itself stood still the answer has come all the same, and is read
between two of them: a single wait would be over before."""
OPEN_S = 604_800.0
"""How long an ask stays open: as good as for ever, since a link that breaks ends it."""


class AgentWatch:
    """One task while there is work, none otherwise.

    Args:
        at_work: whether a turn runs for which the agent should answer.
        on_words: called when `words` have changed.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        agent: AgentDoor,
        *,
        at_work: Callable[[], bool],
        on_words: Callable[[], None],
    ) -> None:
        self._state = state
        self._context = context
        self._agent = agent
        self._at_work = at_work
        self._on_words = on_words
        self._task: asyncio.Task[object] | None = None
        self.words = ""
        """`not responding since 12:03:04`; empty when it answers."""

    def begin(self) -> None:
        """There is work for the agent that runs now: watch it until there is none."""
        if self._task is None or self._task.done():
            self._task = self._context.spawn(self._watch(), name="agent-watch")

    async def _watch(self) -> None:
        current_trace.set("")  # it belongs to no single question
        pause_s = self._state.settings.kernel.agent_silence_s / LOOKS
        while self._at_work() and (ref := self._agent.ref_now()) is not None:
            asked_at = self._context.clock.wall()
            asking = asyncio.ensure_future(ref.ask(Ping(), timeout_s=OPEN_S))
            try:
                for _ in range(LOOKS):
                    if (await asyncio.wait({asking}, timeout=pause_s))[0]:
                        break
                else:
                    self._say(f"not responding since {time.strftime('%H:%M:%S', time.localtime(asked_at))}")
                await asking
                if self.words:
                    self._state.log.info("agent.answers_again")
            except RuntimeFault:
                pass  # it is gone, and whoever hears of broken links has the words for that
            finally:
                asking.cancel()
                self._say("")
            await asyncio.sleep(pause_s)

    def _say(self, words: str) -> None:
        if words == self.words:
            return
        if words:
            self._state.log.warning("agent.silent", words=words)
        self.words = words
        self._on_words()
