"""A stage for tests of a kernel host: the host's process, a Registry double, real Supervisors with their subkernels, and workers that
a test plays.

This process is the guardian: it starts the host, and so the worker that is linked from here is let in. What a test leaves behind is
killed and reaped at the end.
"""

import asyncio
import itertools
import json
import mmap
import os
import secrets
import signal
import struct
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from actors.guardian.order import OPTION, REGISTRY, WORKER, GatewayOrder, host_role, seal_order
from actors.runtime.codec import Codec
from actors.runtime.kit import Probe
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.process import Child, start
from actors.supervisor.order import Order
from actors.supervisor.role import fork_supervisor
from beaker.gateway.stream import (
    Close,
    Fetch,
    FromWorker,
    Hold,
    Open,
    Opened,
    Over,
    Reached,
    Release,
    Said,
    Superseded,
    Told,
    decode_from_host,
    encode_head,
)
from beaker.messages.base import PROTOCOL
from beaker.messages.host import HostReply, HostRequest, Serve
from beaker.messages.registry import HostHere, HostSaid, KernelEntry
from beaker.settings.gateway import GatewaySettings
from beaker.settings.schema import LogSettings
from beaker.wire.compose import Composer
from beaker.wire.parts import BUFFERS, CONTENT, HEADER, PARENT, Parts
from beaker.wire.websocket import WebsocketChannel

PATIENCE_S = 40.0
SLOTS = 64
_SLOT = struct.Struct("<qq")


class Heard:
    """One message as a client has it."""

    def __init__(self, channel: str, parts: Parts) -> None:
        self.channel = channel
        self.kind = str(json.loads(parts[HEADER])["msg_type"])
        self.parent = str(json.loads(parts[PARENT]).get("msg_id", ""))
        self.content: dict[str, Any] = json.loads(parts[CONTENT])
        self.buffers = parts[BUFFERS:]


class Client:
    """A websocket of a scripted worker."""

    def __init__(self, worker: "ScriptedWorker", kernel_id: str, session: str, slot: int) -> None:
        self.session = session
        self.kernel_id = kernel_id
        self.slot = slot
        self.heard: list[Heard] = []
        self.numbers: list[int] = []
        self.live = False
        self.opened = False
        self.held = False
        self.over = ""
        self.superseded = False
        self.takes = True
        """False: nothing leaves for it, so its slot stays."""
        self._worker = worker
        self._composer = Composer(session, secrets.token_hex(4))
        self._changed = asyncio.Event()

    def say(
        self, kind: str, content: object, *, channel: WebsocketChannel = "shell", buffers: tuple[bytes, ...] = (), parent: bytes = b"{}"
    ) -> str:
        """Send a message; returns its msg_id."""
        parts = [*self._composer.message(kind, content, parent=parent, metadata={"cellId": "c1"}), *buffers]
        self.send(parts, channel)
        return str(json.loads(parts[HEADER])["msg_id"])

    def send(self, parts: Parts, channel: WebsocketChannel = "shell") -> None:
        """Send whatever parts."""
        self._worker.say(self.kernel_id, Said(session=self.session, channel=channel), parts)

    def run(self, code: str, **flags: object) -> str:
        """Run a cell; returns the msg_id."""
        usual = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
        return self.say("execute_request", {"code": code, **usual, **flags})

    def about(self, msg_id: str) -> list[Heard]:
        """What was heard about a request."""
        return [each for each in self.heard if each.parent == msg_id]

    def printed(self, msg_id: str) -> str:
        """What a cell has printed."""
        return "".join(each.content["text"] for each in self.about(msg_id) if each.kind == "stream")

    async def until(self, condition: Callable[[], object], what: str = "it") -> None:
        """Wait until something holds that a message tells."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            told = [(each.channel, each.kind, str(each.content)[:200]) for each in self.heard[-20:]]
            raise AssertionError(f"{what} did not come within {PATIENCE_S:g} s; heard last: {told}") from None

    async def reply(self, msg_id: str) -> dict[str, Any]:
        """The content of the reply to a request, once its idle is there too."""

        def over() -> bool:
            kinds = {each.content.get("execution_state", each.kind.rpartition("_")[2]) for each in self.about(msg_id)}
            return {"reply", "idle"} <= kinds

        await self.until(over, f"the reply to {msg_id}")
        return next(each.content for each in self.about(msg_id) if each.kind.endswith("_reply"))

    async def first(self, kind: str, msg_id: str) -> Heard:
        """The first message of a kind about a request."""
        await self.until(lambda: any(each.kind == kind for each in self.about(msg_id)), f"{kind} about {msg_id}")
        return next(each for each in self.about(msg_id) if each.kind == kind)

    async def result(self, code: str) -> str:
        """Run a cell and return what it printed, or its error."""
        msg_id = self.run(code)
        reply = await self.reply(msg_id)
        return str(reply["ename"]) if reply["status"] == "error" else self.printed(msg_id)

    def take(self, head: object, parts: Parts) -> None:
        """Hear what the host says."""
        match head:
            case Told():
                assert head.number > (self.numbers[-1] if self.numbers else 0), "told twice, or out of order"
                self.numbers.append(head.number)
                self.heard.append(Heard(head.channel, parts))
                if self.takes:
                    self._worker.note(self.slot, head.number)
            case Reached():
                self.live = head.live
                if not head.live:
                    self._worker.say(self.kernel_id, Fetch(session=self.session, after=head.number))
            case Opened():
                self.opened = True
            case Superseded():
                self.superseded = True
            case Hold() | Release():
                self.held = isinstance(head, Hold)
            case Over():
                self.over = head.reason
            case _:
                raise AssertionError(f"{head!r} is nothing that a host says")
        self._changed.set()


class ScriptedWorker:
    """A worker as the host sees it."""

    def __init__(self, stage: "HostStage") -> None:
        self._stage = stage
        self._node = Node("worker", protocol=PROTOCOL)
        self.link: Link | None = None
        self._path = stage.gateway / f"seen-{os.getpid()}"
        if not self._path.exists():
            self._path.write_bytes(bytes(SLOTS * _SLOT.size))
        with self._path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._streams: dict[str, int] = {}
        self.clients: list[Client] = []

    async def connect(self) -> None:
        """Link to the host, once it listens."""
        path = self._stage.order.host_socket(0)
        secret = self._stage.order.secret_between(WORKER, host_role(0))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(Exception):  # until it listens
                    self.link = await self._node.connect(path, codec=Codec(HostReply), secret=secret, timeout_s=5)
                    break
                await asyncio.sleep(0.02)
        assert self.link is not None
        self._streams.clear()
        self.link.on_bytes = self._take

    async def rejoin(self) -> None:
        """Link anew, and open the websockets again that are still open."""
        await self.connect()
        for client in self.clients:
            client.live = client.opened = False
            self._open(client, client.numbers[-1] if client.numbers else -1)

    def open(self, kernel_id: str, session: str = "") -> Client:
        """A websocket is opened."""
        client = Client(self, kernel_id, session or uuid.uuid4().hex, next(self._stage.slots))
        self.note(client.slot, 0)
        self.clients.append(client)
        self._open(client, -1)
        return client

    async def client(self, kernel_id: str, session: str = "") -> Client:
        """A websocket that is let in and told everything."""
        client = self.open(kernel_id, session)
        await client.until(lambda: client.opened and client.live, "to be let in")
        return client

    def close(self, client: Client) -> None:
        """A websocket is gone."""
        self.clients.remove(client)
        self.say(client.kernel_id, Close(session=client.session))

    async def ask(self, request: HostRequest) -> Any:
        """Ask the host."""
        assert self.link is not None
        return await self.link.ref("host").ask(request, timeout_s=PATIENCE_S)

    def say(self, kernel_id: str, head: FromWorker, parts: Parts = []) -> None:  # noqa: B006 -- nobody writes to it
        """Send the host a piece."""
        assert self.link is not None
        stream = self._streams.setdefault(kernel_id, len(self._streams) + 1)
        self.link.send_bytes(stream, [encode_head(head), *parts])

    def note(self, slot: int, number: int) -> None:
        """Write a slot."""
        _SLOT.pack_into(self._map, slot * _SLOT.size, number, number)

    async def stop(self) -> None:
        """The worker ends."""
        await self._node.stop()

    def _open(self, client: Client, after: int) -> None:
        self.say(client.kernel_id, Open(kernel_id=client.kernel_id, session=client.session, slot=client.slot))
        self.say(client.kernel_id, Fetch(session=client.session, after=after))

    def _take(self, stream: int, frames: list[memoryview]) -> None:
        kernel_id = next(kernel_id for kernel_id, number in self._streams.items() if number == stream)
        head, parts = decode_from_host(frames[0]), [bytes(frame) for frame in frames[1:]]
        session = "" if isinstance(head, Over) else head.session
        for client in self.clients:
            if client.kernel_id != kernel_id or client.superseded or session not in ("", client.session):
                continue
            if isinstance(head, Told) and not (client.live or head.fetched):
                continue
            client.take(head, parts)


class HostStage:
    """A host and what is around it."""

    def __init__(self, root: Path, settings: GatewaySettings) -> None:
        self.root = root
        self.gateway = root / "g"
        self.gateway.mkdir(mode=0o700, parents=True)
        self.notebooks = root / "n"
        self.notebooks.mkdir()
        self.slots = itertools.count()
        self.order = GatewayOrder(
            number=0,
            folder=str(self.gateway),
            state=str(root),
            settings=settings,
            logs=LogSettings(),
            link_secret=secrets.token_bytes(32),
            kernel_secret=b"k" * 32,
            token=None,
            cookie_secret=b"c" * 32,
        )
        self.registry: Probe[HostSaid] = Probe()
        self.host: Child | None = None
        self.logs = Path(os.environ["XDG_STATE_HOME"]) / "beaker/logs"
        self.kernels: list[Serve] = []
        self.worker = ScriptedWorker(self)
        self._workers = [self.worker]
        self._links: list[Link] = []
        self._node = Node("registry", protocol=PROTOCOL)
        self._pids: set[int] = set()
        self._supervisors: dict[str, int] = {}

    async def begin(self) -> None:
        """Start the host, and link the worker."""
        await self._node.spawn("registry", lambda: self.registry)
        await self._node.listen(
            self.order.registry_socket,
            codec=Codec(HostSaid | HostReply),
            admit=lambda peer: None,
            secret=self.order.secret_between(host_role(0), REGISTRY),
            on_link=self._links.append,
        )
        await self.start_host()
        await self.worker.connect()

    async def start_host(self, *, expected: bool = True) -> None:
        """Start a host.

        Args:
            expected: by the double of the Registry.
        """
        self.host = await self.start_role("host")
        if expected:
            await self.registry.expect(HostHere)

    async def start_role(self, role: str) -> Child:
        """Start a process of the gateway, as the guardian does."""
        descriptor = seal_order(self.order)
        try:
            argv = [sys.executable, "-P", "-m", "beaker_kernel", "--role", role, "--number", "0", f"{OPTION}{descriptor}"]
            child = start(argv, role=role, secret=b"", inherit=[descriptor])
        finally:
            os.close(descriptor)
        await child.ready(PATIENCE_S)
        return child

    async def kill_host(self) -> None:
        """End it by SIGKILL."""
        assert self.host is not None
        self.host.send_signal(signal.SIGKILL)
        await self.host.exited

    async def ask(self, request: HostRequest) -> Any:
        """The Registry asks the host."""
        return await self._links[-1].ref("host").ask(request, timeout_s=PATIENCE_S)

    async def serve(self, kernel_id: str = "") -> str:
        """Start a kernel, and have it served; returns its id."""
        message = self.launch(kernel_id)
        await self.ask(message)
        return message.kernel.kernel_id

    def launch(self, kernel_id: str = "") -> Serve:
        """Start a Supervisor with its subkernel, of which the host has not heard; gives what the Registry would say."""
        kernel_id = kernel_id or str(uuid.uuid4())
        folder = self.root / f"{len(self.kernels):012x}"
        folder.mkdir(mode=0o700)
        # A session that stands still for seconds on a busy machine is looked at all the same.
        environment = dict(os.environ) | {"KERNEL_USERNAME": "somebody", "BEAKER_KERNEL_LOOK_TIME_LIMIT_S": "30"}
        made = Serve(
            kernel=KernelEntry(
                kernel_id=kernel_id, spec_name="beaker", subkernel="python3", host=0, folder=str(self.notebooks), started_at=0.0
            ),
            runtime_folder=str(folder),
            secret=b"s" * 32,
            environment=environment,
        )
        self.fork_supervisor(made)
        self.kernels.append(made)
        return made

    def fork_supervisor(self, serve: Serve) -> None:
        """Start a Supervisor; it adopts a subkernel that lives."""
        supervised = Order(
            folder=serve.runtime_folder,
            kernel_id=serve.kernel.kernel_id,
            secret=serve.secret,
            spec_name=serve.kernel.subkernel,
            environment=serve.environment,
            connection_file_name=f"kernel-{serve.kernel.kernel_id}.json",
            lease_s=60.0,  # a host that is killed has that long to be followed by the next
        )
        here = os.getcwd()
        os.chdir(self.notebooks)  # where the subkernel begins
        try:
            pid = fork_supervisor(supervised)
        finally:
            os.chdir(here)
        self._supervisors[serve.kernel.kernel_id] = pid
        self._pids.add(pid)

    async def kill_supervisor(self, serve: Serve) -> None:
        """End it by SIGKILL."""
        pid = self._supervisors[serve.kernel.kernel_id]
        self._pids.discard(pid)
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, pid, 0)

    async def another_worker(self) -> ScriptedWorker:
        """A second one."""
        worker = ScriptedWorker(self)
        self._workers.append(worker)
        await worker.connect()
        return worker

    async def close(self) -> None:
        """End whatever is left."""
        if self.host is not None:
            self.host.send_signal(signal.SIGKILL)
            await self.host.exited
        for worker in self._workers:
            await worker.stop()
        await self._node.stop()
        for serve in self.kernels:
            living = Path(serve.runtime_folder) / "living"
            with suppress(FileNotFoundError):  # it goes with its folder, whenever that is
                self._pids |= {int(line.split()[0]) for line in living.read_text().splitlines()}
        # Stopped first, all of them: a Supervisor that sees its subkernel die starts the next.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self._pids:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        for pid in self._pids:
            with suppress(ChildProcessError):
                await asyncio.to_thread(os.waitpid, pid, 0)
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if any(str(self.root) in argument for argument in process.cmdline()):
                    os.killpg(process.pid, signal.SIGKILL)  # a watcher has a sleep with it


@asynccontextmanager
async def host_stage(root: Path, **settings: Any) -> AsyncIterator[HostStage]:
    """A stage with a host that runs, cleared at the end."""
    stage = HostStage(root, GatewaySettings(**settings))
    try:
        await stage.begin()
        yield stage
    finally:
        await stage.close()
