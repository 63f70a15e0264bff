"""Interrupting the subkernel: by a signal through its Supervisor, or by message where its kernelspec wants that.

The Supervisor may be being replaced at this very moment, or stand still. An interrupt waits for it as long as what it is meant
for lasts, and hits nothing that begins later: it is sent to nobody who is known to be silent, and one that was not taken in time is
dropped on the other side, as all asks are.
"""

import asyncio
import time

from actors.kernel.life.supervisor_door import SupervisorDoor
from actors.kernel.state.state import KernelState
from actors.runtime.failures import AskError, AskFailed
from beaker.kernel.pending import Pending
from beaker.messages.subkernel import Interrupt, Subkernel
from beaker.subkernels.hang_words import waits_for_supervisor
from beaker.wire import compose

PAUSE_S = 0.02
"""Between two looks whether the Supervisor is there, or the cell over: nobody feels it between key and effect."""


class Interrupts:
    """Sends them, one at a time for one cell: of those that wait together only one is sent."""

    def __init__(self, state: KernelState, supervisor: SupervisorDoor) -> None:
        self._state = state
        self._supervisor = supervisor
        self._waiting_for: list[Pending | None] = []

    async def send(self) -> None:
        """Interrupt the cell that runs now; nothing happens to one that begins later."""
        state = self._state
        subkernel = state.subkernel
        if subkernel is None:
            return
        if subkernel.interrupt_mode == "message":
            if state.link is not None:
                state.link.send_control(state.private.message("interrupt_request", {}))
            return
        meant = state.requests.running()
        if any(each is meant for each in self._waiting_for):
            state.log.info("interrupt.joined")
            return
        self._waiting_for.append(meant)
        try:
            await self._send(subkernel, meant)
        finally:
            self._waiting_for.remove(meant)

    async def _send(self, subkernel: Subkernel, meant: Pending | None) -> None:
        log, began, told = self._state.log, time.monotonic(), False
        silence_s = self._state.settings.kernel.supervisor_silence_s
        while self._lasts(subkernel, meant):
            ref = self._supervisor.ref
            if ref is not None and not self._state.supervisor_trouble:
                try:
                    await ref.ask(Interrupt(generation=subkernel.generation), timeout_s=silence_s)
                except AskFailed as refused:
                    log.info("interrupt.refused", reason=str(refused))  # that life is over
                    return
                except AskError as error:
                    log.warning("interrupt.retried", reason=str(error))
                else:
                    log.info("interrupt.sent", waited_ms=round((time.monotonic() - began) * 1000, 1))
                    return
            if not told and time.monotonic() - began >= silence_s:
                told = True
                self._say(meant)
            await asyncio.sleep(PAUSE_S)
        log.info("interrupt.dropped", reason="what it was meant for is over", waited_ms=round((time.monotonic() - began) * 1000, 1))

    def _lasts(self, subkernel: Subkernel, meant: Pending | None) -> bool:
        """Whether what was to be interrupted goes on: a cell of the user's, or else whatever the subkernel was at."""
        state = self._state
        same_life = state.subkernel is not None and state.subkernel.generation == subkernel.generation
        return same_life and state.requests.running() is meant and (meant is not None or not state.requests.at_rest)

    def _say(self, meant: Pending | None) -> None:
        """Tell the user why the cell runs on, below it: what is said is no output of a cell that nobody wanted to stop."""
        words = waits_for_supervisor("the interrupt", self._supervisor.pid)
        self._state.log.warning("interrupt.waits", words=words)
        if meant is not None and meant.flags is not None and not meant.flags.silent:
            self._state.publisher.say("stream", compose.stream(f"beaker: {words}\n", name="stderr"), parent=meant.header)
