"""A restart that is wanted from outside of any cell, as by the gateway for a client of its REST interface.

The same as `%beaker restart`, without a cell to speak in: whoever asks waits until the fresh session answers. Those who ask while one
is under way wait for that one.
"""

import asyncio
import time

from actors.kernel.life.ending import LOOK_AGAIN_S, Ending
from actors.kernel.life.supervisor_door import SupervisorDoor, SupervisorMissing
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.actor import ActorContext
from beaker.messages.kernel import KernelMessage

ANSWERS_WITHIN_S = 10.0
"""Beyond the time in which a subkernel may start: the Supervisor gives up loudly before that, unless it is gone itself."""
SUPERVISOR_BACK_S = 10.0
"""For a Supervisor that is being replaced, which takes a second."""


class Renewal:
    """Restarts, one at a time."""

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], supervisor: SupervisorDoor, ending: Ending) -> None:
        self._state = state
        self._context = context
        self._supervisor = supervisor
        self._ending = ending
        self._running: asyncio.Future[str] | None = None
        """Becomes why it failed; empty: the fresh session answers."""
        self._answer: asyncio.Future[str] | None = None
        self._former = 0

    async def restart(self, *, aside: bool) -> None:
        """A fresh session; returns when it answers.

        Args:
            aside: a client asks for it beside its connection, which hears no `restarting` then, as from a Jupyter server.

        Raises:
            SupervisorMissing: it could not be done; the sentence says why.
        """
        if self._running is None:
            self._leave()
            self._state.asked_aside = aside
            self._running = asyncio.get_running_loop().create_future()
            self._context.spawn(self._run(self._running), name="renew")
        if failed := await asyncio.shield(self._running):
            raise SupervisorMissing(failed)

    def begin(self) -> None:
        """A fresh session, for which nobody waits: why it cannot be is told in the next cell."""
        self._leave()
        self._context.spawn(self._unattended(), name="renew-unattended")

    def _leave(self) -> None:
        """At once: what is asked behind the wish is for the fresh session."""
        if self._running is None and self._state.phase is Phase.READY:
            self._state.leave()

    async def _unattended(self) -> None:
        try:
            await self.restart(aside=False)
        except SupervisorMissing as error:
            self._state.notices.append(f"the restart failed: {error}")

    def ready(self, generation: int) -> None:
        """A subkernel answers."""
        if generation > self._former:
            self._settle("")

    def gave_up(self, reason: str) -> None:
        """There will be none."""
        self._settle(reason)

    def _settle(self, words: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(words)

    async def _run(self, done: "asyncio.Future[str]") -> None:
        failed = "the kernel is shutting down"
        try:
            failed = await self._renew()
        except SupervisorMissing as error:
            failed = str(error)
        finally:
            self._running = self._answer = None
            self._state.asked_aside = False
            done.set_result(failed)

    async def _supervisor_back(self) -> None:
        """One that is being replaced is waited for: whoever asked has no cell in which to read that it should be tried again."""
        deadline = time.monotonic() + SUPERVISOR_BACK_S
        while self._supervisor.ref is None and time.monotonic() < deadline:  # noqa: ASYNC110 -- as `supervisor_answers` does
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _renew(self) -> str:
        state = self._state
        await self._supervisor_back()
        await self._ending.supervisor_answers(lambda words: state.log.warning("restart.waits", reason=words))
        self._former = state.generation
        answer = self._answer = asyncio.get_running_loop().create_future()
        await self._ending.restart()
        limit_s = state.settings.subkernel.start_timeout_s + ANSWERS_WITHIN_S
        try:
            return await asyncio.wait_for(answer, limit_s)
        except TimeoutError:
            return f"the fresh session did not answer within {limit_s:g} s"
