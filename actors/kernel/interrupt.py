"""Interrupting the subkernel: by a signal through its Supervisor, or by message where its kernelspec wants that."""

import asyncio
import time

from actors.kernel.state import KernelState
from actors.kernel.supervisor_door import SupervisorDoor
from actors.runtime.failures import AskError, AskFailed
from beaker.messages.subkernel import Interrupt

TIMEOUT_S = 2.0
PATIENCE_S = 10.0
"""How long a cell waits for a Supervisor that can interrupt it; one is replaced in 0.2 s."""
PAUSE_S = 0.02


async def interrupt_subkernel(state: KernelState, supervisor: SupervisorDoor) -> None:
    """Interrupt the cell that runs now; nothing happens to one that begins later."""
    subkernel = state.subkernel
    if subkernel is None:
        return
    if subkernel.interrupt_mode == "message":
        if state.link is not None:
            state.link.send_control(state.private.message("interrupt_request", {}))
        return
    # The Supervisor may be being replaced at this very moment; the cell that is meant waits for it, another one does not.
    meant, deadline = state.requests.running(), time.monotonic() + PATIENCE_S
    while state.requests.running() is meant and time.monotonic() < deadline:
        try:
            if (ref := supervisor.ref) is not None:
                await ref.ask(Interrupt(generation=subkernel.generation), timeout_s=TIMEOUT_S)
                return
        except AskFailed:
            return  # that life is over
        except AskError as error:
            state.log.warning("interrupt.retried", reason=str(error))
        await asyncio.sleep(PAUSE_S)
