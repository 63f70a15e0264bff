"""The KernelHost: many kernels in one process, each with its KernelActor.

Which kernels are here the Registry says, and says it again to a host that comes after one that was killed: each of those takes its session
over. What clients send does not come by this actor's mailbox, but as bytes on the workers' links (`workers.py`). A crash of this actor
ends the process, and the next host takes over: that is tried all the time, while a second way of recovery would be tried never.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, assert_never

from actors.guardian.order import REGISTRY, GatewayOrder, host_role
from actors.guardian.own_figures import own_figures
from actors.host.agents import Agents
from actors.host.feed import Feed
from actors.host.hosted import Hosted
from actors.host.workers import Workers
from actors.kernel.life.supervisor_door import SupervisorMissing
from actors.runtime.actor import Actor, Asked
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from beaker.gateway.idling import is_unused
from beaker.gateway.quota import Quota
from beaker.messages.figures import Figures, FiguresTold, Sample, TellFigures
from beaker.messages.host import (
    End,
    EndBegun,
    EndUnused,
    HostEnded,
    HostFailure,
    HostRequest,
    InterruptKernel,
    KernelInterrupted,
    KernelRestarted,
    ListStandings,
    RestartKernel,
    SavingChanged,
    Serve,
    Served,
    Standings,
)
from beaker.messages.registry import HostHere, HostSaid, KernelEnded

CODEC = Codec(HostRequest)
"""What may come from the Registry."""
WORKER_CODEC = Codec(InterruptKernel | RestartKernel | ListStandings)
"""What may come from a worker, beside clients' bytes: which kernels are here is not its business."""
STATES: Final = ("starting", "idle", "busy", "restarting", "dead")
"""How a kernel may be: a number for each, also where it is 0, so that sums over time have no holes."""
CONNECT_TIMEOUT_S = 5.0
"""For a Registry that listens to greet us, which takes a millisecond."""
KNOCK_S = 0.05
"""Between two attempts to reach the Registry: cells run meanwhile, and one that is replaced is back within a second."""
TRIM_EVERY_S = 60.0
"""A look at what is kept for clients that have gone: they are remembered for an hour."""


class KernelHost(Actor[HostRequest]):
    """All kernels of this process.

    Args:
        node: of this process, for the link to the Registry.
        key: the descriptor behind which the model's key is sealed.
    """

    def __init__(self, order: GatewayOrder, node: Node, *, key: int | None) -> None:
        self._order = order
        self._node = node
        self._key = key
        self._quota = Quota(order.settings.replay_total_bytes // order.settings.workers)
        agent_host = order.agent_host_of(order.number)
        self._agents = None if agent_host is None else Agents(order, node, agent_host)
        self._kernels: dict[str, Hosted] = {}
        self._starting: dict[str, asyncio.Future[str]] = {}
        """Kernels whose clients are about to be let in; becomes why they were not."""
        self._registry: Ref[HostSaid] | None = None
        self._not_saving = ""
        self._dropped_before = 0
        """Messages that kernels which have ended since could not keep."""
        self._dead_letters_before = 0
        """Messages that reached none of their actors."""
        self._unsaid: list[KernelEnded] = []
        """News for a Registry that is being replaced."""

    async def on_start(self) -> None:
        self.workers = Workers((self._order.folder, self._order.state), self._feed, self.context.log)
        self.context.spawn(self._keep_registry(), name="registry")
        self.context.spawn(self._trim(), name="trim")

    def receive(self, message: HostRequest, asked: Asked | None) -> None:
        if isinstance(message, SavingChanged):
            self._not_saving = message.not_saving
            return
        if asked is None:
            self.context.log.warning("host.told_instead_of_asked", message=type(message).__name__)
            return
        match message:
            case Serve():
                self.context.spawn(self._serve(message, asked), name="serve")
            case ListStandings():
                asked.answer(Standings(kernels=[hosted.standing for hosted in self._kernels.values()]))
            case TellFigures():
                self.context.spawn(self._tell_figures(asked), name="figures")
            case End():
                self._with(message.kernel_id, asked, lambda hosted: self.context.spawn(self._end(hosted, asked), name="end"))
            case EndUnused():
                self._with(message.kernel_id, asked, lambda hosted: self._end_unused(hosted, message, asked))
            case InterruptKernel():
                self._with(message.kernel_id, asked, lambda hosted: self._interrupt(hosted, asked))
            case RestartKernel():
                self._with(message.kernel_id, asked, lambda hosted: self.context.spawn(self._restart(hosted, asked), name="restart"))
            case _:
                assert_never(message)

    async def _tell_figures(self, asked: Asked) -> None:
        others = [] if self._agents is None else await self._agents.figures()
        asked.answer(FiguresTold(figures=self._figures(), others=others))

    def _figures(self) -> Figures:
        dead_letters = self._dead_letters_before + sum(hosted.dead_letters for hosted in self._kernels.values())
        return own_figures("host", self._order, self._node, self._samples(), dead_letters=dead_letters)

    def _samples(self) -> Iterator[Sample]:
        """What is added to the numbers that every process has."""
        kernels = list(self._kernels.values())
        standings = [hosted.standing for hosted in kernels]
        states = Counter(standing.execution_state for standing in standings)
        waiting: Counter[str] = Counter()
        for hosted in kernels:
            waiting.update(hosted.waiting)
        yield from (Sample(name="beaker_host_kernels", value=states[state], labels={"state": state}) for state in STATES)
        yield Sample(name="beaker_host_connections", value=sum(standing.connections for standing in standings))
        yield Sample(name="beaker_kept_bytes", value=sum(hosted.feed.kept_bytes for hosted in kernels))
        dropped = self._dropped_before + sum(hosted.feed.dropped for hosted in kernels)
        yield Sample(name="beaker_messages_dropped_total", value=dropped)
        yield from (Sample(name="beaker_mailbox_messages", value=count, labels={"actor": name}) for name, count in waiting.items())

    def _why_not_saving(self) -> str:
        return self._not_saving

    def _feed(self, kernel_id: str) -> Feed | None:
        hosted = self._kernels.get(kernel_id)
        return None if hosted is None or kernel_id in self._starting else hosted.feed

    def _with(self, kernel_id: str, asked: Asked, do: Callable[[Hosted], object]) -> None:
        hosted = self._kernels.get(kernel_id)
        if hosted is None:
            asked.fail(HostFailure(kind="unknown_kernel", reason=f"There is no kernel {kernel_id} here."))
        else:
            do(hosted)

    def _interrupt(self, hosted: Hosted, asked: Asked) -> None:
        hosted.interrupt()
        asked.answer(KernelInterrupted())

    async def _restart(self, hosted: Hosted, asked: Asked) -> None:
        try:
            await hosted.restart()
        except SupervisorMissing as error:
            asked.fail(HostFailure(kind="not_done", reason=f"The kernel was not restarted: {error}."))
        else:
            asked.answer(KernelRestarted())

    async def _end(self, hosted: Hosted, asked: Asked) -> None:
        await hosted.end()
        asked.answer(HostEnded())

    def _end_unused(self, hosted: Hosted, message: EndUnused, asked: Asked) -> None:
        """In one go: what comes behind the look finds a kernel that ends."""
        standing = hosted.standing
        if not is_unused(standing) or standing.last_activity != message.last_activity:
            asked.fail(HostFailure(kind="in_use", reason=f"The kernel {message.kernel_id} is used."))
            return
        hosted.begin_to_end()
        asked.answer(EndBegun())

    async def _serve(self, message: Serve, asked: Asked) -> None:
        """Let clients of a kernel in; a Registry that was replaced asks for one that is here already."""
        kernel_id = message.kernel.kernel_id
        failed = ""
        if (starting := self._starting.get(kernel_id)) is not None:
            failed = await asyncio.shield(starting)
        elif kernel_id not in self._kernels:
            failed = await self._start(message)
        if failed:
            asked.fail(HostFailure(kind="not_done", reason=f"The kernel cannot be served: {failed}."))
        else:
            asked.answer(Served())

    async def _start(self, message: Serve) -> str:
        kernel_id = message.kernel.kernel_id
        done = self._starting[kernel_id] = asyncio.get_running_loop().create_future()
        failed = "this host is ending"
        hosted: Hosted | None = None
        try:
            hosted = self._kernels[kernel_id] = Hosted(
                message,
                self._order,
                key=self._key,
                agents=self._agents,
                quota=self._quota,
                not_saving=self._why_not_saving,
                on_ended=self._ended,
            )
            await hosted.start()
            failed = ""
        except Exception as error:  # whatever is wrong with one kernel, the others of this process must not end for it
            failed = str(error) or type(error).__name__
            self.context.log.exception("kernel.not_served", kernel=kernel_id)
            self._kernels.pop(kernel_id, None)
            if hosted is not None:
                await hosted.abandon()
                self._remember(hosted)
        finally:
            del self._starting[kernel_id]
            done.set_result(failed)
        if not failed:
            self.workers.served(kernel_id)
        return failed

    def _ended(self, hosted: Hosted) -> None:
        if self._kernels.get(hosted.kernel_id) is hosted:
            del self._kernels[hosted.kernel_id]
            self._remember(hosted)
        self.workers.gone(hosted.kernel_id, hosted.feed)
        if not hosted.wanted_end:
            self._say_ended(KernelEnded(kernel_id=hosted.kernel_id))

    def _remember(self, hosted: Hosted) -> None:
        """A kernel is here no more; what was counted of it stays."""
        self._dropped_before += hosted.feed.dropped
        self._dead_letters_before += hosted.dead_letters

    def _say_ended(self, event: KernelEnded) -> None:
        if self._registry is not None:
            self._registry.tell(event)
        else:
            self._unsaid.append(event)

    async def _trim(self) -> None:
        """Forget clients that have been gone for long, also of a kernel that says nothing."""
        while True:
            await self.context.clock.sleep(TRIM_EVERY_S)
            for hosted in self._kernels.values():
                hosted.feed.trim()

    async def _keep_registry(self) -> None:
        """Be linked to the Registry, whichever process it is."""
        role = host_role(self._order.number)
        while True:
            try:
                link = await self._node.connect(
                    self._order.registry_socket,
                    codec=CODEC,
                    secret=self._order.secret_between(role, REGISTRY),
                    timeout_s=CONNECT_TIMEOUT_S,
                    role=role,
                )
            except RuntimeFault:
                await asyncio.sleep(KNOCK_S)
                continue
            await self._while_linked(link)

    async def _while_linked(self, link: Link) -> None:
        registry: Ref[HostSaid] = link.ref("registry")
        unsaid, self._unsaid = self._unsaid, []
        for event in unsaid:
            registry.tell(event)
        registry.tell(HostHere(number=self._order.number, pid=os.getpid()))
        self._registry = registry
        self.context.log.info("registry.linked", pid=link.peer.pid)
        reason = await asyncio.shield(link.closed)
        self._registry = None
        self.context.log.warning("registry.lost", reason=reason)
