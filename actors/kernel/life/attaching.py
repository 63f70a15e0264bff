"""How the kernel comes to a Supervisor, at the start and whenever the last one was lost, and what it finds there.

A subkernel may live already: then this process takes over from one that was killed. It may have died while no Supervisor
lived, so that nobody could tell. The way itself is `supervisor_door.py`'s.
"""

import asyncio
import time
from collections.abc import Callable

from actors.kernel.life.inheritance import Inheritance
from actors.kernel.life.life import Life
from actors.kernel.life.supervisor_door import SupervisorDoor, SupervisorMissing
from actors.kernel.state.state import KernelState, Phase, TakenOver
from actors.runtime.actor import ActorContext
from actors.supervisor.order import Remembered
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Attached, Died, GaveUp

ATTACH_AGAIN_S = 5.0
"""Between two rounds of attempts: what has stopped all of one round, as a full disk, is not mended sooner."""


class Attaching:
    """Keeps the kernel attached.

    Args:
        on_attached: called whenever there is a Supervisor again.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        supervisor: SupervisorDoor,
        life: Life,
        inheritance: Inheritance,
        *,
        on_attached: Callable[[], None],
    ) -> None:
        self._state = state
        self._context = context
        self._supervisor = supervisor
        self._life = life
        self._inheritance = inheritance
        self._on_attached = on_attached
        self._without_supervisor = False

    @property
    def remembered(self) -> Remembered:
        """What a new Supervisor should know of the subkernel's life so far."""
        state = self._state
        return Remembered(
            generation=state.generation,
            subkernel=state.subkernel,
            start=state.subkernel_start,
            dead_reason=state.dead_reason if state.phase is Phase.DEAD and not self._without_supervisor else "",
            greeted=self._life.greeted,
        )

    def begin(self) -> None:
        """Find a Supervisor, in a task of its own."""
        self._context.spawn(self._attach(), name="attach")

    async def _attach(self) -> None:
        state = self._state
        while True:
            try:
                attached = await self._supervisor.attach(self._context)
            except SupervisorMissing as error:
                self._context.log.error("supervisor.missing", reason=str(error))
                if state.link is None and state.phase is not Phase.DEAD:
                    self._without_supervisor = True
                    self._life.gave_up(GaveUp(generation=state.generation, reason=str(error)))
            else:
                self._take_stock(attached)
                self._on_attached()
                return
            # A full disk or a missing folder may be mended by then; cells run on meanwhile.
            await asyncio.sleep(ATTACH_AGAIN_S)

    def _take_stock(self, attached: Attached) -> None:
        state = self._state
        state.supervisor_pid = self._supervisor.pid
        self._without_supervisor = False
        first_look = state.generation == 0
        if not first_look and attached.generation > state.generation:
            # It died while no Supervisor lived, so nobody could tell.
            self._life.died(Died(generation=state.generation, reason="it is gone", at=time.time(), stderr_tail="", restarting=True))
        lives = attached.subkernel is not None and (not attached.first_owner or attached.subkernel.adopted)
        takeover = first_look and not attached.session_lost and lives
        if first_look and not takeover:
            self._inheritance.answer_lost_session("the subkernel died while the front process was being replaced")
        kept = ""
        if takeover or (first_look and attached.session_lost):
            kept = state.keeping.go_on()
        elif first_look:
            state.keeping.begin_anew()
        if first_look and attached.session_lost and attached.state != "dead":
            lost = "front process replaced; the subkernel died meanwhile and was started anew: variables lost"
            state.notices.append(f"{lost}; {kept}" if kept else lost)
        if attached.subkernel is not None:
            if takeover:
                self._note_replacement(attached, kept)
            self._life.started(attached.subkernel, takeover=takeover)
        elif attached.state == "dead" and state.phase is not Phase.DEAD:
            self._life.gave_up(GaveUp(generation=max(attached.generation, state.generation), reason=attached.reason))

    def _note_replacement(self, attached: Attached, kept: str) -> None:
        """What users are told of a process that took over from one that was lost.

        Args:
            kept: of the conversation.
        """
        state = self._state
        kept = f"{kept}; " if kept else ""
        if not attached.used:
            state.notices.append(f"front process replaced while the session was starting: {kept}what waited for it was not run")
            return
        since = attached.owner_lost_at
        lost_from = time.strftime("%H:%M:%S", time.localtime(since)) if since is not None else "the end of the former process"
        lost_to = time.strftime("%H:%M:%S")
        lost = f"output between {lost_from} and {lost_to} was lost"
        state.take_over(
            TakenOver(
                notice=f"front process replaced, your variables were kept; {kept}{lost}; Restart gives a clean session",
                lost_words=f"outcome unknown; {lost}",
            )
        )
