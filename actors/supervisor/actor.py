"""The Supervisor: keeps one subkernel alive, and ends it when it should end.

It owns the subkernel's process, its files, the care for their folder (`caretaker.py`), and the policy of which code by the model
may run (`consent_desk.py`). What it decides of a life is `beaker.subkernels.lifecycle`; here facts are gathered and actions performed. The
KernelActor of the kernel process is its owner and the only one it talks to; it is not on the data path. When it crashes, its
process ends and another Supervisor adopts what lives: that is tried all the time, while a second way of recovery inside the
process would be tried never.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, assert_never

from actors.runtime.actor import Actor, Asked, Down
from actors.runtime.link import Link
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace
from actors.supervisor.caretaker import Caretaker
from actors.supervisor.foreign import ForeignHost
from actors.supervisor.household import Household
from actors.supervisor.watcher import Watcher
from beaker.messages.consent import RunDecided, RunRedeemed, RunWanted, StandingEnded, StandingTold, StandingWanted
from beaker.messages.subkernel import (
    Attach,
    Died,
    GaveUp,
    Interrupt,
    Ping,
    Pong,
    Ready,
    Restart,
    Shutdown,
    Started,
    Starting,
    SubkernelEvent,
    SubkernelFailure,
    SupervisorMessage,
)
from beaker.subkernels.actions import Action, Clear, Forget, Launch, Leave, Record, Reply, Ring, Send, Tell
from beaker.subkernels.facts import Asking, Exited, Fact, OwnerLost
from beaker.subkernels.life_state import State
from beaker.subkernels.lifecycle import step

if TYPE_CHECKING:
    from actors.supervisor.consent_desk import ConsentDesk

Message: TypeAlias = SupervisorMessage | Fact


class Supervisor(Actor[Message]):
    """Performs the life of one subkernel.

    Args:
        household: the processes and files.
        state: the life so far: what happened before the loop ran.
        backlog: the actions of that time that needed the loop.
        watcher: held for as long as the actor lives.
        links: the kernel processes that are linked now, by pid; kept by whoever listens.
        on_left: called when all is done and the process may end.
        on_evicted: called when the folder was cleaned away: nobody finds this Supervisor any more.
        kernel_id: for the watcher's title.
    """

    def __init__(
        self,
        household: Household,
        state: State,
        backlog: list[Action],
        *,
        watcher: Watcher,
        links: Mapping[int, Link],
        on_left: Callable[[], None],
        on_evicted: Callable[[], None],
        kernel_id: str,
    ) -> None:
        self._household = household
        self._state = state
        self._backlog = backlog
        self._links = links
        self._on_left = on_left
        self._on_evicted = on_evicted
        self._kernel_id = kernel_id
        self._owner: Ref[SubkernelEvent] | None = None
        self._owner_links: dict[str, int] = {}
        self._asked: dict[int, Asked] = {}
        self._asks = 0
        self._foreign = ForeignHost(household)
        self._watcher = watcher
        self._caretaker: Caretaker | None = None
        self._watched: set[int] = set()
        self._desk: ConsentDesk | None = None
        self._restart_trace = ""
        """The request that wanted the restart under way: what follows, in whatever callback, belongs to it."""

    async def on_start(self) -> None:
        self._watch(self._state.generation)
        for action in self._backlog:
            self._perform(action)
        self._caretaker = Caretaker(
            self.context,
            self._household,
            self._watcher,
            kernel_id=self._kernel_id,
            lease_s=self._state.policy.lease_s,
            on_folder_gone=self._give_way,
        )
        self._caretaker.begin()

    def receive(self, message: Message, asked: Asked | None) -> None:
        match message:
            case StandingWanted() | StandingEnded() if self._desk is None:
                if asked is not None:
                    asked.answer(StandingTold(always=False, though_tainted=False))  # nobody was ever asked here
            case RunWanted() | RunDecided() | RunRedeemed() | StandingWanted() | StandingEnded():
                if asked is not None:
                    self._consent_desk().take(message, asked, generation=self._state.generation if self._state.phase == "up" else 0)
            case Ping():
                if asked is not None:
                    asked.answer(Pong())
            case Attach() | Restart() | Interrupt() | Shutdown():
                if asked is None:
                    self.context.log.warning("supervisor.told_instead_of_asked", message=type(message).__name__)
                    return
                if isinstance(message, Attach) and not self._take_owner(message.pid):
                    asked.fail(
                        SubkernelFailure(reason=f"Process {message.pid} has no link to this Supervisor, so it cannot own the kernel.")
                    )
                    return
                self.context.log.info("supervisor.asked", request=type(message).__name__, generation=self._state.generation)
                if isinstance(message, Restart):
                    self._restart_trace = current_trace.get()
                self._asks += 1
                self._asked[self._asks] = asked
                self._take(Asking(number=self._asks, request=message))
            case Ready():
                self._take(message)
            case _:
                self._take(message)

    def _consent_desk(self) -> "ConsentDesk":
        if self._desk is None:
            # Imported by the first who wants to run code by the model: the memory of a session without questions is measured.
            from actors.supervisor.consent_desk import ConsentDesk

            self._desk = ConsentDesk(self._kernel_id, clock=self.context.clock, log=self.context.log)
        return self._desk

    def on_down(self, down: Down) -> None:
        if (pid := self._owner_links.pop(down.name, None)) is not None:
            self.context.log.info("supervisor.owner_lost", pid=pid, reason=down.reason)
            self._take(OwnerLost(pid=pid, at=self.context.clock.wall()))

    async def on_stop(self) -> None:
        if self._caretaker is not None:
            self._caretaker.release()

    def _take(self, fact: Fact) -> None:
        """Step, then do what is to be done."""
        if self._restart_trace:
            current_trace.set(self._restart_trace)
        self._state, actions = step(self._state, fact)
        for action in actions:
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Launch(generation=generation):
                self.context.spawn(self._launch(generation), name="launch")
            case Send(generation=generation, signal=number):
                self._household.send(generation, number)
            case Forget(generation=generation):
                self._household.forget(generation)
            case Tell(event=event):
                self._log_event(event)
                if self._owner is not None:
                    self._owner.tell(event)
            case Reply(number=number, reply=reply):
                asked = self._asked.pop(number)
                (asked.fail if isinstance(reply, SubkernelFailure) else asked.answer)(reply)
            case Ring(after_s=after_s, alarm=alarm):
                self.context.call_later(after_s, alarm)
            case Record():
                if unwritten := self._household.write_down(self._state):
                    self.context.log.warning("record.unwritable", reason=unwritten)
            case Clear():
                self._household.clear()
            case Leave():
                self.context.stop()
                self._on_left()
            case _:
                assert_never(action)

    def _log_event(self, event: SubkernelEvent) -> None:
        log = self.context.log
        match event:
            case Starting(generation=generation):
                log.info("subkernel.starting", generation=generation)
            case Started(subkernel=subkernel):
                log.info("subkernel.started", generation=subkernel.generation, pid=subkernel.pid, adopted=subkernel.adopted)
                self._restart_trace = ""
            case Died(generation=generation, reason=reason, restarting=restarting):
                log.warning("subkernel.died", generation=generation, reason=reason, restarting=restarting)
            case GaveUp(generation=generation):
                log.error("subkernel.gave_up", generation=generation)  # its reason holds stderr, which may quote code
                self._restart_trace = ""

    async def _launch(self, generation: int) -> None:
        """Launch a life. In a task, so that what was told before is on its way first: a launch blocks for some milliseconds."""
        launched = self._household.launch(generation)
        if launched is None:
            launched = await self._foreign.launch(generation)
        self._watch(generation)
        self.context.ref.tell(launched)

    def _watch(self, generation: int) -> None:
        """Hear of the end of a life, and drain what it writes."""
        tenant = self._household.tenant(generation)
        if tenant is None or generation in self._watched:
            return
        self._watched.add(generation)
        if (stderr := self._household.stderr(generation)) is not None:
            stderr.attach(asyncio.get_running_loop())
        tenant.watch(partial(self._hear_exit, generation))

    def _hear_exit(self, generation: int) -> None:
        current_trace.set("")  # the loop calls this in the context of its launch, which this end does not follow from
        tenant = self._household.tenant(generation)
        if tenant is not None:
            tenant.end_remains()
        if self._state.phase == "up" and not self._state.answered and not self._household.is_ours:
            # It ended for want of a folder, which says nothing of its kernelspec: the next Supervisor has one, and starts it anew.
            self._on_evicted()
            if self._links:
                return
        status = tenant.status if tenant is not None else None
        clock = self.context.clock
        exited = Exited(
            generation=generation,
            status=status,
            stderr_tail=self._household.last_words(generation),
            now=clock.monotonic(),
            at=clock.wall(),
        )
        self.context.ref.tell(exited)

    def _take_owner(self, pid: int) -> bool:
        """From now on events go to this kernel process."""
        link = self._links.get(pid)
        if link is None:
            return False
        self._owner_links = {link.name: pid}
        self._owner = link.ref("kernel")
        self.context.monitor(link)
        return True

    def _give_way(self) -> None:
        """The folder was cleaned away."""
        if self._state.phase != "gone":
            self.context.log.warning("supervisor.folder_gone")
            self._on_evicted()
