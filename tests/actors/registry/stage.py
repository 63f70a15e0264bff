"""A stage for tests with a Registry: its folders, in this process or as one of its own, and whoever plays hosts, workers and the guardian.

This process is the guardian: it starts the registry where that is a process of its own, which therefore lets in every role that it
plays. Subkernels are real; most are `sleep`, which starts in a millisecond and is a kernel that never answers.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient

from actors.guardian.order import GUARDIAN, OPTION, REGISTRY, WORKER, GatewayOrder, host_role, seal_order
from actors.registry.role import serve
from actors.runtime.actor import Actor, Asked
from actors.runtime.codec import Codec
from actors.runtime.fingerprint import fingerprint
from actors.runtime.kit import Probe
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.process import Child, start
from actors.runtime.ref import Ref
from actors.supervisor import watcher
from beaker.messages.base import PROTOCOL, KernelId
from beaker.messages.figures import Figures, FiguresTold, TellFigures
from beaker.messages.host import (
    End,
    EndBegun,
    EndUnused,
    HostEnded,
    HostFailure,
    HostRequest,
    KernelStanding,
    ListStandings,
    SavingChanged,
    Serve,
    Served,
    Standings,
)
from beaker.messages.registry import (
    EndAll,
    GuardianReply,
    HostHere,
    KernelEntry,
    Kernels,
    KernelStarted,
    ListKernels,
    ListSessions,
    RegistryReply,
    StartKernel,
)
from beaker.messages.subkernel import Attach, Attached, Ready, Shutdown, SubkernelEvent, SupervisorReply
from beaker.places import KernelFolder
from beaker.settings.gateway import GatewaySettings
from beaker.settings.schema import LogSettings
from tests.actors.supervisor.stage import install_spec, run_code, until_ready

PATIENCE_S = 30.0

LEASE_S = 8.0
"""How long a subkernel lives without a registry: longer than its replacement takes on a busy machine, shorter than the tests' end waits."""


class ScriptedHost(Actor[HostRequest]):
    """A kernel host as far as the Registry sees it: it owns the subkernels of the kernels that it serves."""

    def __init__(self) -> None:
        self.served: dict[str, Serve] = {}
        self.attached: dict[str, Attached] = {}
        self.supervisors: dict[str, Ref[Any]] = {}  # Any: a Supervisor understands more than is said here
        self.refusal = ""
        """Why it serves nobody."""
        self.ended: list[str] = []
        self.in_use: list[str] = []
        """Kernels that somebody has begun to use since they were looked at: until the Registry has heard that."""
        self.standings: list[KernelStanding] = []
        self.looked_at = asyncio.Event()
        self.waits_for: asyncio.Event | None = None
        """Before it says how its kernels are."""
        self.others: list[Figures] = []
        """What it has asked its agent host."""
        self.heard_of_saving: list[str] = []
        self.news = asyncio.Event()
        self._nodes: list[Node] = []
        self._watchers: dict[str, watcher.Watcher] = {}

    def receive(self, message: HostRequest, asked: Asked | None) -> None:
        if isinstance(message, SavingChanged):
            self.heard_of_saving.append(message.not_saving)
            return
        assert asked is not None
        if isinstance(message, TellFigures):
            asked.answer(FiguresTold(figures=Figures(role="host", number=0, started_at=1.0, samples=[]), others=self.others))
            return
        if isinstance(message, Serve):
            self.context.spawn(self._serve(message, asked), name="serve")
        elif isinstance(message, ListStandings):
            self.context.spawn(self._tell_standings(asked), name="standings")
        elif isinstance(message, EndUnused):
            if self.in_use:
                self.in_use.remove(message.kernel_id)
                asked.fail(HostFailure(kind="in_use", reason="somebody came"))
            else:
                asked.answer(EndBegun())
        elif isinstance(message, End):
            self.context.spawn(self._end(message.kernel_id, asked), name="end")

    async def on_stop(self) -> None:
        for held in self._watchers.values():
            held.release()
        for node in self._nodes:
            await node.stop()

    async def _tell_standings(self, asked: Asked) -> None:
        self.looked_at.set()
        if self.waits_for is not None:
            await self.waits_for.wait()
            self.waits_for.clear()
        asked.answer(Standings(kernels=self.standings))

    async def _serve(self, message: Serve, asked: Asked) -> None:
        if self.refusal:
            asked.fail(HostFailure(kind="not_done", reason=self.refusal))
            return
        node = Node("kernel", protocol=PROTOCOL)
        self._nodes.append(node)
        probe: Probe[SubkernelEvent] = Probe()
        await node.spawn("kernel", lambda: probe)
        path = f"{message.runtime_folder}/supervisor.sock"
        link = await node.connect(path, codec=Codec(SubkernelEvent | SupervisorReply), secret=message.secret, timeout_s=PATIENCE_S)
        kernel_id = message.kernel.kernel_id
        if (held := watcher.hold(KernelFolder(Path(message.runtime_folder)))) is not None:
            self._watchers[kernel_id] = held
        supervisor = self.supervisors[kernel_id] = link.ref("supervisor")
        self.attached[kernel_id] = await supervisor.ask(Attach(kernel_id=KernelId("k"), pid=os.getpid()), timeout_s=PATIENCE_S)
        self.served[kernel_id] = message
        self.news.set()
        asked.answer(Served())

    async def _end(self, kernel_id: str, asked: Asked) -> None:
        if kernel_id not in self.served:
            asked.fail(HostFailure(kind="unknown_kernel", reason="it is not here"))
            return
        with suppress(Exception):  # it may have gone by itself, which is why we are told
            await self.supervisors[kernel_id].ask(Shutdown(grace_s=0), timeout_s=PATIENCE_S)
        if (held := self._watchers.pop(kernel_id, None)) is not None:
            held.release()
        self.ended.append(kernel_id)
        self.news.set()
        asked.answer(HostEnded())

    async def serves(self, *kernel_ids: str) -> None:
        """Return once it serves these kernels."""
        async with asyncio.timeout(PATIENCE_S):
            while not set(kernel_ids) <= self.served.keys():
                self.news.clear()
                await self.news.wait()


class Host:
    """A ScriptedHost with its node and its link to the Registry."""

    def __init__(self) -> None:
        self.actor = ScriptedHost()
        self.node = Node("host", protocol=PROTOCOL)
        self.registry: Ref[Any] | None = None  # Any: whatever hosts say

    async def connect(self, order: GatewayOrder, number: int, *, pid: int) -> None:
        """Say to the Registry that this host is there."""
        await self.node.spawn("host", lambda: self.actor)
        role = host_role(number)
        secret = order.secret_between(role, REGISTRY)
        link = await self.node.connect(order.registry_socket, codec=Codec(HostRequest), secret=secret, timeout_s=PATIENCE_S, role=role)
        self.registry = link.ref("registry")
        self.registry.tell(HostHere(number=number, pid=pid))


class Stage:
    """One gateway without workers.

    Args:
        settings: of the gateway, beyond those of the stage.
    """

    def __init__(self, root: Path, **settings: object) -> None:
        self.root = root
        self.work = root / "work"
        for folder in (self.work, root / "gw", root / "run"):
            folder.mkdir(mode=0o700)
        base = GatewaySettings(root_dir=str(self.work), orphan_timeout_s=LEASE_S, max_kernels=5)
        self.order = GatewayOrder(
            number=0,
            folder=str(root / "gw"),
            state=str(root / "state"),
            settings=msgspec.structs.replace(base, **settings),
            logs=LogSettings(),
            link_secret=b"l" * 32,
            kernel_secret=b"k" * 32,
            token=None,
            token_print=fingerprint("a-token-of-the-test"),
            key_print=fingerprint("sk-of-the-test"),
            cookie_secret=b"c" * 32,
        )
        self.hosts: list[Host] = []
        self.node: Node | None = None
        """Of a registry in this process."""
        self.child: Child | None = None
        """A registry of its own."""
        self._workers: list[Node] = []

    async def open(self) -> None:
        """Have a registry in this process, which lets everybody in."""
        self.node = Node("registry", protocol=PROTOCOL)
        await serve(self.node, self.order, admit=lambda peer: None)

    async def close(self) -> None:
        """End the registry of this process, as one that is told to leave."""
        if self.node is not None:
            await self.node.stop()
            self.node = None

    async def launch(self) -> Child:
        """Have a registry as a process of its own."""
        sealed = seal_order(self.order)
        command = [sys.executable, "-P", "-m", "beaker_kernel", "--role", "registry", "--number", "0", f"{OPTION}{sealed}"]
        try:
            self.child = start(command, role="registry", secret=b"", inherit=[sealed])
        finally:
            os.close(sealed)
        await self.child.ready(PATIENCE_S)
        return self.child

    async def host(self, number: int = 0, *, pid: int = 0) -> ScriptedHost:
        """A host that is linked."""
        host = Host()
        self.hosts.append(host)
        await host.connect(self.order, number, pid=pid)
        return host.actor

    async def worker(self) -> Ref[Any]:
        """The Registry, as a worker sees it."""
        node = Node("worker", protocol=PROTOCOL)
        self._workers.append(node)
        link = await node.connect(
            self.order.registry_socket,
            codec=Codec(RegistryReply | TellFigures),
            secret=self.order.secret_between(WORKER, REGISTRY),
            timeout_s=PATIENCE_S,
        )
        return link.ref("registry")

    async def start(self, registry: Ref[Any], request: StartKernel | None = None) -> KernelEntry:
        """A kernel that is up."""
        started = await registry.ask(request or StartKernel(spec_name="idle"), timeout_s=PATIENCE_S)
        assert isinstance(started, KernelStarted)
        return started.kernel

    async def kernels(self, registry: Ref[Any]) -> list[str]:
        """The ids of those that are listed."""
        listed = await registry.ask(ListKernels(), timeout_s=PATIENCE_S)
        assert isinstance(listed, Kernels)
        return [kernel.kernel_id for kernel in listed.kernels]

    async def until_listed(self, registry: Ref[Any], *kernel_ids: str) -> None:
        """Return once just these are listed: one that has ended leaves the list a moment after its host was told."""
        async with asyncio.timeout(PATIENCE_S):
            while (listed := await self.kernels(registry)) != [*kernel_ids]:
                assert {*kernel_ids} <= {*listed}, f"too few are listed: {listed}"

    async def paths(self, registry: Ref[Any]) -> list[str]:
        """The documents of the sessions that are listed."""
        return [session.path for session in (await registry.ask(ListSessions(), timeout_s=PATIENCE_S)).sessions]

    async def end_all(self) -> object:
        """What the guardian does when the gateway is stopped."""
        node = Node("guardian", protocol=PROTOCOL)
        try:
            link: Link = await node.connect(
                self.order.registry_socket,
                codec=Codec(GuardianReply),
                secret=self.order.secret_between(GUARDIAN, REGISTRY),
                timeout_s=PATIENCE_S,
            )
            return await link.ref("registry").ask(EndAll(), timeout_s=PATIENCE_S)
        finally:
            await node.stop()

    @asynccontextmanager
    async def client(self, host: ScriptedHost, kernel_id: str) -> AsyncIterator[AsyncKernelClient]:
        """A stock client of a kernel's subkernel, which its host calls ready."""
        attached, served = host.attached[kernel_id], host.served[kernel_id]
        client = AsyncKernelClient()
        client.load_connection_file(f"{served.runtime_folder}/{attached.generation}/kernel-{kernel_id}.json")
        client.start_channels()
        try:
            await until_ready(client)
            host.supervisors[kernel_id].tell(Ready(generation=attached.generation))
            yield client
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)

    async def run(self, host: ScriptedHost, kernel_id: str, code: str) -> str:
        """Run code and return what it printed."""
        async with self.client(host, kernel_id) as client:
            return await run_code(client, code)

    def left(self) -> list[psutil.Process]:
        """The processes that belong to kernels of this stage."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.root) in word for word in process.cmdline()):
                    found[process.pid] = process
        for living in (self.root / "run").glob("beaker/*/living"):
            with suppress(FileNotFoundError):  # it goes with its folder, between two looks
                for pid in (int(line.split()[0]) for line in living.read_text().splitlines()):
                    with suppress(psutil.Error):
                        found[pid] = psutil.Process(pid)
        return list(found.values())

    def clean_away(self) -> None:
        """End what is left of kernels, and remove what they have in the runtime folder: nobody is there who would do so."""
        self._end_left()
        shutil.rmtree(self.root / "run" / "beaker")

    def _end_left(self) -> None:
        for process in self.left():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a watcher has a sleep with it

    async def clear(self) -> None:
        """End whatever is left."""
        for node in [*self._workers, *(host.node for host in self.hosts)]:
            await node.stop()
        await self.close()
        if self.child is not None:
            await self.child.end(5)
        self._end_left()
        shutil.rmtree(self.root, ignore_errors=True)


@asynccontextmanager
async def stage(monkeypatch: Any, **settings: object) -> AsyncIterator[Stage]:  # Any: of pytest
    """A stage that is cleared at the end; the kernelspec `idle` is one that runs `sleep`."""
    root = Path(tempfile.mkdtemp(prefix="br", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root / "run"))
    monkeypatch.setenv("JUPYTER_PATH", install_spec(root, "idle", argv=["sleep", "600"])["JUPYTER_PATH"])
    made = Stage(root, **settings)
    try:
        yield made
    finally:
        await made.clear()
