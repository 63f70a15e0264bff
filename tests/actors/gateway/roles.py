"""The Registry and the kernel hosts as a test plays them, over real unix sockets: small, and only by the contracts."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient

from actors.gateway.service import Service
from actors.guardian.order import REGISTRY, WORKER, GatewayOrder, host_role
from actors.runtime.actor import Actor, Asked
from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.messages.base import PROTOCOL
from beaker.messages.figures import Figures, FiguresGathered, GatherFigures
from beaker.messages.host import (
    HostFailure,
    HostRequest,
    InterruptKernel,
    KernelInterrupted,
    KernelRestarted,
    KernelStanding,
    ListStandings,
    RestartKernel,
    Standings,
)
from beaker.messages.registry import (
    ChangeSession,
    CloseSession,
    EndKernel,
    KernelEnded,
    KernelEntry,
    Kernels,
    KernelStarted,
    ListKernels,
    ListSessions,
    OpenSession,
    RegistryFailure,
    SessionClosed,
    SessionEntry,
    SessionOpened,
    Sessions,
    StartKernel,
    WorkerRequest,
)
from tests.actors.gateway.desk import make_order, make_service, serving
from tests.actors.gateway.journal_host import JournalHost


class ScriptedRegistry(Actor[WorkerRequest]):
    """Keeps kernels and sessions, starts nothing; every request is kept for the test to look at."""

    def __init__(self) -> None:
        self.kernels: dict[str, KernelEntry] = {}
        self.sessions: dict[str, SessionEntry] = {}
        self.seen: list[WorkerRequest] = []
        self.failure: RegistryFailure | None = None
        """Answers everything, if there is one."""
        self.host = 0
        """Of new kernels."""
        self.not_saving = ""
        """What it says of its journal."""
        self.processes: list[Figures] = []
        """That have told it their numbers."""
        self.is_mute = False
        """Answers nothing."""
        self.owed: list[Asked] = []

    def receive(self, message: WorkerRequest, asked: Asked | None) -> None:
        assert asked is not None
        self.seen.append(message)
        if self.is_mute:
            self.owed.append(asked)
            return
        answer = self.failure or self._answer(message)
        (asked.fail if isinstance(answer, RegistryFailure) else asked.answer)(answer)

    def answer_owed(self) -> None:
        """Whoever asked meanwhile is told which kernels there are, and everybody else is answered again."""
        self.is_mute = False
        for asked in self.owed:
            asked.answer(Kernels(kernels=list(self.kernels.values())))

    def add(self, kernel_id: str = "", spec_name: str = "", path: str = "") -> KernelEntry:
        """A kernel runs."""
        entry = KernelEntry(
            kernel_id=kernel_id or str(uuid.uuid4()),
            spec_name=spec_name or "beaker",
            subkernel="python3",
            host=self.host,
            folder=f"/{path}",
            started_at=1000.5,
        )
        self.kernels[entry.kernel_id] = entry
        return entry

    def _answer(self, message: WorkerRequest) -> Any:  # Any: one of the replies
        match message:
            case ListKernels():
                return Kernels(kernels=list(self.kernels.values()), not_saving=self.not_saving)
            case GatherFigures():
                return FiguresGathered(processes=self.processes)
            case ListSessions():
                return Sessions(sessions=list(self.sessions.values()))
            case StartKernel():
                return KernelStarted(kernel=self.add(message.kernel_id, message.spec_name, message.path))
            case EndKernel():
                if self.kernels.pop(message.kernel_id, None) is None:
                    return RegistryFailure(kind="unknown_kernel", reason="There is no such kernel.")
                return KernelEnded(kernel_id=message.kernel_id)
            case OpenSession():
                found = [session for session in self.sessions.values() if session.path == message.path]
                if found:
                    return SessionOpened(session=found[0])
                kernel = self.kernels[message.kernel_id] if message.kernel_id else self.add(spec_name=message.spec_name)
                session = SessionEntry(session_id=str(uuid.uuid4()), path=message.path, name=message.name, kind=message.kind, kernel=kernel)
                self.sessions[session.session_id] = session
                return SessionOpened(session=session, is_new=True)
            case ChangeSession():
                old = self.sessions[message.session_id]
                changed = {name: value for name in ("path", "name", "kind") if (value := getattr(message, name)) is not None}
                self.sessions[message.session_id] = new = msgspec.structs.replace(old, **changed)
                return SessionOpened(session=new)
            case CloseSession():
                if self.sessions.pop(message.session_id, None) is None:
                    return RegistryFailure(kind="unknown_session", reason="There is no such session.")
                return SessionClosed()


class ScriptedHost(Actor[HostRequest]):
    """Knows how its kernels are."""

    def __init__(self) -> None:
        self.standings: dict[str, KernelStanding] = {}
        self.seen: list[HostRequest] = []
        self.looks = 0
        """How often it was asked for the standings of its kernels."""
        self.unknown = 0
        """How many requests for a kernel are answered by not knowing it."""

    def receive(self, message: HostRequest, asked: Asked | None) -> None:
        assert asked is not None
        if not isinstance(message, ListStandings):
            self.seen.append(message)
            if self.unknown > 0:
                self.unknown -= 1
                asked.fail(HostFailure(kind="unknown_kernel", reason="It is not here."))
                return
        match message:
            case ListStandings():
                self.looks += 1
                asked.answer(Standings(kernels=list(self.standings.values())))
            case InterruptKernel():
                asked.answer(KernelInterrupted())
            case RestartKernel():
                asked.answer(KernelRestarted())
            case _:
                raise AssertionError(f"a worker does not send {message!r}")

    def stand(self, kernel_id: str, state: Any = "idle", connections: int = 0) -> None:  # Any: a Literal
        """A kernel is like this from now on."""
        self.standings[kernel_id] = KernelStanding(
            kernel_id=kernel_id, execution_state=state, last_activity=2000.25, connections=connections, at_work=False
        )


async def play(
    order: GatewayOrder, role: str, actor: str, factory: Callable[[], Actor[Any]], incoming: Any, on_link: Callable[[Link], None]
) -> Node:
    """Let a node play a role of the gateway until it is stopped; a host by its number, `host-0`."""
    node = Node(role, protocol=PROTOCOL)
    await node.spawn(actor, factory)
    path, secret = f"{order.folder}/{role}.sock", {WORKER: order.secret_between(WORKER, role)}
    await node.listen(path, codec=Codec(incoming), admit=lambda peer: None, secret=secret, on_link=on_link)
    return node


class Gateway:
    """A worker with the roles around it.

    Args:
        order: of the worker.
        clock: by which clients are looked at; None: the system's.
    """

    def __init__(self, order: GatewayOrder, clock: Clock | None = None) -> None:
        self.order = order
        self.service: Service = make_service(order)
        if clock is not None:
            self.service.clock = clock
        self.registry = ScriptedRegistry()
        self.hosts = [ScriptedHost() for _ in range(order.settings.workers)]
        self.journals = [JournalHost(order.folder) for _ in self.hosts]
        """What the hosts are to websockets."""
        self.client: TestClient[Any, Any]
        self.nodes: dict[str, Node] = {}

    async def play_registry(self) -> None:
        """It is there from now on."""
        self.nodes["registry"] = await play(self.order, REGISTRY, "registry", lambda: self.registry, WorkerRequest, lambda _: None)

    async def play_host(self, number: int) -> None:
        """It is there from now on."""
        self.nodes[f"host {number}"] = await play(
            self.order, host_role(number), "host", lambda: self.hosts[number], HostRequest, self.journals[number].add
        )

    async def lose(self, name: str) -> None:
        """`registry` or `host N` is gone."""
        await self.nodes.pop(name).stop()


@asynccontextmanager
async def gateway(folder: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Gateway]:
    """All of it, with a client; the worker has found the others."""
    made = Gateway(make_order(str(folder), **settings), clock)
    await made.play_registry()
    for number in range(made.order.settings.workers):
        await made.play_host(number)
    made.service.start()
    try:
        await made.service.linked(60)
        assert made.service.missing == []
        async with serving(made.service) as made.client:
            yield made
    finally:
        await made.service.stop()
        for node in made.nodes.values():
            await node.stop()
