"""The Registry: all kernels and sessions of one gateway, and the Supervisor of each kernel.

It owns the register, whose decisions are `beaker.gateway.registering`, the journal, and a `Kept` per kernel. Workers ask it, hosts serve
what it gives them; clients' bytes pass between those two and never through here. When it crashes its process ends, and the next one
finds the kernels by the journal and their runtime folders: a second way of recovery would be tried never.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar, Final, TypeAlias, assert_never

import msgspec

from actors.registry.chronicle import Chronicle
from actors.registry.culling import Culling
from actors.registry.gathering import Peers
from actors.registry.hosts import Hosts
from actors.registry.keeping import Kept
from actors.registry.kernel_counts import KernelCounts
from actors.registry.lookup import Lookup
from actors.runtime.actor import Actor, Asked
from actors.runtime.failures import AskError, AskTimeout
from actors.runtime.link import Link
from actors.supervisor.order import Remembered
from beaker.gateway import register as facts
from beaker.gateway.register import Action, AllGone, End, Fact, HandOver, Kernel, Open, Register, Reply, Session, Strike, Write
from beaker.gateway.registering import step
from beaker.gateway.start_rate import StartRate, place_of
from beaker.messages.base import Event, Lane
from beaker.messages.figures import Figures, FiguresGathered, GatherFigures, Sample
from beaker.messages.host import Serve
from beaker.messages.registry import (
    AllEnded,
    ChangeSession,
    EndAll,
    HostHere,
    HostSaid,
    KernelEnded,
    Kernels,
    OpenSession,
    RegistryFailure,
    StartKernel,
    WorkerRequest,
)

RETRY_S: Final = 5.0
"""Between two attempts to write what could not be written: a full disk is made room on by people."""
START_LIMIT_S: Final = 60.0
"""From the launch of a subkernel until a host serves the kernel: a host that is replaced meanwhile is back within seconds."""
SERVE_AGAIN_S: Final = 5.0
"""Before a host is asked again to serve a kernel that it had refused: what stood in its way is not gone sooner."""


class RetryWriting(Event, frozen=True, kw_only=True, tag="registry.retry_writing"):
    """A timer's word: perhaps there is room now."""

    lane: ClassVar[Lane] = "control"


Message: TypeAlias = WorkerRequest | EndAll | HostSaid | facts.HostWent | RetryWriting


class Registry(Actor[Message]):
    """Performs what was decided about kernels and sessions.

    Args:
        register: empty, with the limits.
        chronicle: what the predecessor wrote down, and where we do.
        lookup: what has to be looked up.
        idle_timeout_s: after which kernels that do nothing are ended; 0: never.
        own_figures: gives the numbers of this process, with those that are passed, and those of the guardian.
        on_opened: called once every kernel that the predecessor had was opened, or could not be.
    """

    def __init__(
        self,
        register: Register,
        chronicle: Chronicle,
        lookup: Lookup,
        *,
        idle_timeout_s: float,
        own_figures: Callable[[Iterable[Sample]], list[Figures]],
        on_opened: Callable[[], None],
    ) -> None:
        self._register = register
        self._chronicle = chronicle
        self._lookup = lookup
        self._idle_timeout_s = idle_timeout_s
        self._on_opened = on_opened
        self._kept: dict[str, Kept] = {}
        self._asked: dict[int, Asked] = {}
        self._asks = 0
        self._retrying = False
        self._own_figures = own_figures
        self._counts = KernelCounts()

    async def on_start(self) -> None:
        self._starts = StartRate(self._register.max_kernels, self._register.starts_per_s, self.context.clock.monotonic)
        self._hosts = Hosts(self.context.log, on_went=lambda number: self.context.ref.tell(facts.HostWent(number=number)))
        self._peers = Peers(self.context.log)
        self._register = self._chronicle.restore(self._register)
        for kernel in self._register.kernels.values():
            self._keep(kernel)
        self.context.spawn(self._tell_when_opened([*self._kept.values()]), name="opened")
        self._retry_later()
        if self._idle_timeout_s:
            culling = Culling(self._hosts, self._idle_timeout_s, self.context.clock, self.context.log, on_idle=self._end_idle)
            self.context.spawn(culling.run(), name="culling")

    def linked(self, link: Link) -> None:
        """Somebody is linked; a host says which it is next."""
        self._peers.linked(link)
        if link.peer.role.startswith("host-"):
            self._hosts.linked(link)

    def receive(self, message: Message, asked: Asked | None) -> None:
        match message:
            case HostHere(number=number, pid=pid):
                if self._hosts.name(number, pid):
                    self._take(facts.HostCame(number=number))
            case KernelEnded(kernel_id=kernel_id):
                if (kept := self._kept.get(kernel_id)) is not None:
                    kept.seen_off = True
                self._take(facts.Ending(kernel_id=kernel_id))
            case RetryWriting():
                self._retrying = False
                self._chronicle.retry()
                self._retry_later()
            case facts.HostWent(number=number):
                if not self._hosts.has(number):  # else the next one is here already
                    self._take(message)
            case _ if asked is None:
                self.context.log.warning("registry.told_instead_of_asked", message=type(message).__name__)
            case GatherFigures():
                self.context.spawn(self._gather(asked), name="gather")
            case EndAll():
                self._take(facts.Closing(number=self._note(asked)))
            case StartKernel() | OpenSession() | ChangeSession():
                self.context.spawn(self._look_up(message, self._note(asked), place_of(self._register, message)), name="look-up")
            case _:
                self._take(facts.Asked(number=self._note(asked), request=message))

    async def on_stop(self) -> None:
        self._chronicle.close()

    async def _gather(self, asked: Asked) -> None:
        others = await self._peers.gather()
        mine = self._counts.samples(self._register, not_saving=self._chronicle.not_saving)
        asked.answer(FiguresGathered(processes=[*others, *self._own_figures(mine)]))

    def _note(self, asked: Asked) -> int:
        self._asks += 1
        self._asked[self._asks] = asked
        return self._asks

    async def _look_up(self, request: StartKernel | OpenSession | ChangeSession, number: int, path: str) -> None:
        if (refused := self._starts.refuses(self._register, request)) is None:
            offer = await self._lookup.offer(path, request.environment)
            if (refused := self._starts.refuses(self._register, request)) is None:  # others may have started theirs meanwhile
                self._take(facts.Asked(number=number, request=request, offer=offer))
                return
        self._asked.pop(number).fail(refused)

    def _take(self, fact: Fact) -> None:
        """Step, then do what is to be done."""
        self._register, actions = step(self._register, fact)
        for action in actions:
            self._perform(action)
        self._retry_later()

    def _perform(self, action: Action) -> None:
        match action:
            case Open(kernel=kernel):
                self._starts.take()
                self.context.log.info("kernel.starting", kernel=kernel.entry.kernel_id, spec=kernel.entry.spec_name, host=kernel.entry.host)
                self.context.spawn(self._bring_up(kernel, self._keep(kernel)), name="bring-up")
            case HandOver(kernel=kernel):
                self.context.spawn(self._serve(kernel, self._kept[kernel.entry.kernel_id]), name="hand-over")
            case End(kernel=kernel):
                self.context.spawn(self._end(kernel, self._kept[kernel.entry.kernel_id]), name="end")
            case Write(what=what):
                if isinstance(what, Session):
                    self._chronicle.write_session(what)
                else:
                    self._chronicle.write_kernel(what, self._lookup.runtime_folder(what.entry.kernel_id))
            case Strike(what=what):
                if isinstance(what, Session):
                    self._chronicle.strike_session(what.session_id)
                else:
                    self._strike(what)
            case Reply(number=number, reply=reply):
                if isinstance(reply, Kernels):
                    reply = msgspec.structs.replace(reply, not_saving=self._chronicle.not_saving)
                asked = self._asked.pop(number)
                (asked.fail if isinstance(reply, RegistryFailure) else asked.answer)(reply)
            case AllGone(number=number):
                self._asked.pop(number).answer(AllEnded())
            case _:
                assert_never(action)

    def _keep(self, kernel: Kernel) -> Kept:
        kernel_id = kernel.entry.kernel_id
        remembered = self._chronicle.remembered(kernel_id) if kernel.phase == "up" else None
        self._counts.begins(kernel_id, generation=0 if remembered is None else remembered.generation)
        kept = self._kept[kernel_id] = Kept(
            kernel_id,
            partial(self._lookup.order_for, kernel),
            log=self.context.log,
            clock=self.context.clock,
            remembered=remembered,
            on_known=partial(self._know, kernel_id),
        )
        self.context.spawn(self._keep_until_gone(kept), name=f"keep-{kernel_id}")
        return kept

    def _know(self, kernel_id: str, known: Remembered) -> None:
        self._counts.lives(kernel_id, known.generation)
        self._chronicle.write_life(kernel_id, known)
        self._retry_later()

    async def _keep_until_gone(self, kept: Kept) -> None:
        await kept.keep()
        self._take(facts.Gone(kernel_id=kept.kernel_id))

    async def _tell_when_opened(self, kept: list[Kept]) -> None:
        for each in kept:
            await each.settled()
        self._on_opened()

    async def _bring_up(self, kernel: Kernel, kept: Kept) -> None:
        """See to it that whoever waits for a kernel is answered."""
        await kept.settled()
        if kept.failure:
            self._not_started(kernel, RegistryFailure(kind="not_started", reason=kept.failure))
            return
        await self._serve(kernel, kept)
        await asyncio.sleep(START_LIMIT_S)
        # Nothing follows for one that is up, or gone.
        reason = f"No kernel host has taken up the kernel {kept.kernel_id} within {START_LIMIT_S:g} s."
        self._not_started(kernel, RegistryFailure(kind="busy", reason=reason))

    async def _serve(self, kernel: Kernel, kept: Kept) -> None:
        """Have its host serve a kernel. One that is lost meanwhile is followed by one that is given all kernels of its number."""
        host = kernel.entry.host
        log = self.context.log.bind(kernel=kept.kernel_id, host=host)
        request = Serve(
            kernel=kernel.entry,
            runtime_folder=self._lookup.runtime_folder(kept.kernel_id),
            secret=self._lookup.secret(kept.kernel_id),
            environment=await self._lookup.environment_of(kernel),
        )
        while await kept.can_be_served():
            try:
                refused = await self._hosts.serve(host, request)
            except AskError as error:
                log.warning("kernel.not_served", reason=str(error))
                if not isinstance(error, AskTimeout):
                    return  # it was lost; a host that only stands still is asked again
                refused = str(error)
            if not refused:
                self._take(facts.Served(kernel_id=kept.kernel_id))
                return
            log.error("kernel.refused", reason=refused)
            if kernel.phase == "starting":
                self._not_started(kernel, RegistryFailure(kind="not_started", reason=refused))
                return
            await asyncio.sleep(SERVE_AGAIN_S)

    def _end_idle(self, kernel_id: str) -> None:
        self._counts.idle(self._register.kernels.get(kernel_id))
        self._take(facts.Ending(kernel_id=kernel_id))

    def _not_started(self, kernel: Kernel, failure: RegistryFailure) -> None:
        self._take(facts.NotStarted(kernel_id=kernel.entry.kernel_id, failure=failure))

    async def _end(self, kernel: Kernel, kept: Kept) -> None:
        """End a kernel: by its host, which asks it politely; by its Supervisor where that does not work."""
        if kept.begin_to_end():
            try:
                await self._hosts.end(kernel.entry.host, kept.kernel_id)
            except AskError as error:
                self.context.log.info("kernel.ended_without_host", kernel=kept.kernel_id, reason=str(error))
                kept.leave()
        await kept.see_off()

    def _strike(self, kernel: Kernel) -> None:
        """A kernel is gone."""
        kernel_id = kernel.entry.kernel_id
        self.context.log.info("kernel.gone", kernel=kernel_id)
        self._counts.gone(kernel_id)
        self._chronicle.strike_kernel(kernel_id)
        if not self._kept.pop(kernel_id).seen_off:
            self.context.spawn(self._hosts.dismiss(kernel.entry.host, kernel_id), name="dismiss")

    def _retry_later(self) -> None:
        self._hosts.say_saving(self._chronicle.not_saving)
        if self._chronicle.not_saving and not self._retrying:
            self._retrying = True
            self.context.call_later(RETRY_S, RetryWriting())
