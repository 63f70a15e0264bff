"""The KernelActor's way to its Supervisor, which may be restarted under it.

The composition says how a Supervisor is reached (`connect`: take the living one, or start one). Here it is held: when the link breaks, the
next one is made, with restart intensity; meanwhile cells run on, because the Supervisor is not on the data path.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

from actors.runtime.actor import ActorContext
from actors.runtime.failures import AskError
from actors.runtime.link import Link
from actors.runtime.ref import Ref
from beaker.errors import BeakerError
from beaker.messages.base import KernelId
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Attach, Attached, SupervisorMessage

Connect = Callable[[], Awaitable[Link]]
"""Returns a link to a living Supervisor; starts one if there is none. Raises SupervisorMissing."""

ATTACH_TIMEOUT_S = 10.0
"""For an answer that takes a millisecond; only a machine that stands still needs more."""
ATTEMPTS = 5
"""Within one loss of the link; then the user is told."""
FIRST_PAUSE_S = 0.05
"""It doubles, so that the last attempt is 0.75 s behind the first."""


class SupervisorMissing(BeakerError):
    """No Supervisor could be started; the sentence says why."""


class SupervisorDoor:
    """Holds the link to the Supervisor."""

    def __init__(self, kernel_id: KernelId, connect: Connect) -> None:
        self._kernel_id = kernel_id
        self._connect = connect
        self._ref: Ref[SupervisorMessage] | None = None
        self._pid: int | None = None
        self.link_name = ""
        """Name of the link, by which a `Down` is recognised."""

    @property
    def pid(self) -> int | None:
        """Of the Supervisor's process."""
        return self._pid if self._ref is not None else None

    @property
    def ref(self) -> Ref[SupervisorMessage] | None:
        """Where to tell and ask; None while there is no Supervisor."""
        return self._ref

    async def attach(self, context: ActorContext[KernelMessage]) -> Attached:
        """Reach a Supervisor and say that this process owns the kernel now.

        Raises:
            SupervisorMissing: none could be reached or started.
        """
        self._ref = None
        pause_s, reason = FIRST_PAUSE_S, ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                link = await self._connect()
                ref: Ref[SupervisorMessage] = link.ref("supervisor")
                attached = await ref.ask(Attach(kernel_id=self._kernel_id, pid=os.getpid()), timeout_s=ATTACH_TIMEOUT_S)
            except (AskError, SupervisorMissing, OSError) as error:
                reason = str(error)
                context.log.warning("supervisor.unreachable", attempt=attempt, reason=reason)
                await asyncio.sleep(pause_s)
                pause_s *= 2
                continue
            self._ref = ref
            self._pid = link.peer.pid
            self.link_name = link.name
            context.monitor(link)
            context.log.info("supervisor.attached", state=attached.state, generation=attached.generation)
            return attached
        raise SupervisorMissing(f"the process that watches the subkernel cannot be started: {reason}")
