"""A stage for tests with real Supervisors: one kernel's folder, the Supervisor's process, and a probe as its owner.

Everything lives below a short folder in /tmp, because sockets do not fit below pytest's. What a test leaves behind is
killed and reaped at the end; the stage makes this process a subreaper meanwhile, so that orphans come to it, as they come to
a kernel process.
"""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient

from actors.runtime.codec import Codec
from actors.runtime.kit import Probe
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.supervisor import record
from actors.supervisor.order import Order
from actors.supervisor.role import fork_supervisor
from beaker.messages.base import PROTOCOL, KernelId
from beaker.messages.subkernel import (
    Attach,
    Attached,
    Interrupt,
    Ready,
    Started,
    Subkernel,
    SubkernelEvent,
    SupervisorMessage,
    SupervisorReply,
)
from beaker.places import KernelFolder

PATIENCE_S = 60.0
"""Ends a hang; nothing here takes a tenth of it on a quiet machine."""
LOOK_S, SLOW_LOOK_S = 0.005, 0.05
"""Between looks at what sets no event, at first and after half a second: some look at all processes of the machine."""
_PR_SET_CHILD_SUBREAPER = 36


class Stage:
    """One kernel and whoever plays its owner.

    Attributes:
        probe: the "kernel" actor that hears the events.
        supervisor: the pid of the Supervisor forked last.
    """

    def __init__(self, root: Path, **settings: object) -> None:
        self.root = root
        self.folder = root / "0123456789ab"
        self.folder.mkdir(mode=0o700)
        order = Order(
            folder=str(self.folder),
            kernel_id="0123456789ab",
            secret=b"s" * 32,
            spec_name="python3",
            environment=dict(os.environ),
            connection_file_name="kernel-1.json",
            # Longer than a test may take: neither runs out because a process was given no turn. `held.py` is for tests of them.
            start_timeout_s=120.0,
            lease_s=120.0,
        )
        self.order = msgspec.structs.replace(order, **settings)
        self.node = Node("kernel", protocol=PROTOCOL)
        self.probe: Probe[SubkernelEvent] = Probe()
        self.supervisor = 0
        self.link: Link | None = None
        self._pids: set[int] = set()
        self._before = set(psutil.Process().children())

    def fork(self, before_serving: Callable[[], object] | None = None) -> None:
        """Start a Supervisor, which does something before it serves."""
        self.supervisor = fork_supervisor(self.order, before_serving=before_serving)
        self._pids.add(self.supervisor)

    async def connect(self) -> Ref[SupervisorMessage]:
        """Link to the Supervisor, once it listens."""
        if not self.probe.seen and self.link is None:
            await self.node.spawn("kernel", lambda: self.probe)
        socket = self.folder / "supervisor.sock"
        await until(socket.exists)
        codec = Codec(SubkernelEvent | SupervisorReply)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(Exception):  # of one that died, until the new one listens
                    self.link = await self.node.connect(str(socket), codec=codec, secret=self.order.secret, timeout_s=5)
                    return self.link.ref("supervisor")
                await asyncio.sleep(0.01)

    async def attach(self) -> tuple[Ref[SupervisorMessage], Attached]:
        """Become the owner."""
        supervisor = await self.connect()
        attached = await supervisor.ask(Attach(kernel_id=KernelId("0123456789ab"), pid=os.getpid()), timeout_s=PATIENCE_S)
        self.remember(attached.subkernel)
        return supervisor, attached

    async def begin(self, before_serving: Callable[[], object] | None = None) -> tuple[Ref[SupervisorMessage], Subkernel]:
        """Start a Supervisor, own it, and wait for a subkernel that answers."""
        self.fork(before_serving)
        supervisor, attached = await self.attach()
        assert attached.subkernel is not None
        await self.answer(supervisor, attached.subkernel)
        return supervisor, attached.subkernel

    async def answer(self, supervisor: Ref[SupervisorMessage], subkernel: Subkernel) -> None:
        """Wait until a subkernel answers, and say so as the KernelActor does; returns once the Supervisor has heard it."""
        async with self.client(subkernel):
            supervisor.tell(Ready(generation=subkernel.generation))
        await until(lambda: (known := self.recorded()) is not None and known.heard >= subkernel.generation)

    def recorded(self) -> record.Record | None:
        """What the Supervisor has written down last."""
        return record.read(KernelFolder(self.folder))

    async def owner_is_missed(self) -> None:
        """Wait until the Supervisor has heard that its owner has left."""
        await until(lambda: (known := self.recorded()) is not None and known.owner_lost_at is not None)

    async def started(self) -> Subkernel:
        """The next subkernel that is announced."""
        subkernel = (await self.probe.expect(Started)).subkernel
        self.remember(subkernel)
        return subkernel

    def remember(self, subkernel: Subkernel | None) -> None:
        """Have a process killed at the end of the test, if it is still there."""
        if subkernel is not None and subkernel.pid is not None:
            self._pids.add(subkernel.pid)

    @asynccontextmanager
    async def client(self, subkernel: Subkernel) -> AsyncIterator[AsyncKernelClient]:
        """A stock client of the subkernel, ready."""
        client = AsyncKernelClient()
        client.load_connection_file(str(self.folder / str(subkernel.generation) / self.order.connection_file_name))
        client.start_channels()
        try:
            await until_ready(client)
            yield client
        finally:
            client.stop_channels()
            client.context.destroy(linger=0)

    async def run(self, subkernel: Subkernel, code: str) -> str:
        """Run code and return what it printed."""
        async with self.client(subkernel) as client:
            return await run_code(client, code)

    async def interrupted(self, supervisor: Ref[SupervisorMessage], subkernel: Subkernel) -> str:
        """Have the Supervisor interrupt a cell that runs, and return the name of the error that ended it."""
        async with self.client(subkernel) as client:
            # In short steps: a signal that comes between a look at the signals and the system call of a sleep is heard when that is over.
            cell = client.execute("import time\nprint('running', flush=True)\nwhile True: time.sleep(0.05)")
            await hear_printed(client, cell, "running")
            await supervisor.ask(Interrupt(generation=subkernel.generation), timeout_s=PATIENCE_S)
            while (message := await client.get_iopub_msg(timeout=PATIENCE_S))["msg_type"] != "error":
                pass
            return str(message["content"]["ename"])

    async def close(self) -> None:
        """End whatever is left."""
        await self.node.stop()
        living = self.folder / "living"
        self._pids |= {int(line.split()[0]) for line in living.read_text().splitlines()} if living.exists() else set()
        # Stopped first, all of them: a Supervisor that sees its subkernel die starts the next.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self._pids:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        for process in self.left():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a watcher has a sleep with it
        for pid in self._pids:
            with suppress(ChildProcessError):
                await asyncio.to_thread(os.waitpid, pid, 0)
        # Last, what a Supervisor had forked a moment before it was stopped: no command line names it yet, but it is ours by now.
        for process in set(psutil.Process().children()) - self._before:
            with suppress(psutil.Error):
                process.kill()
                await asyncio.to_thread(process.wait)
        shutil.rmtree(self.root, ignore_errors=True)

    async def watcher(self) -> int:
        """The pid of the one watcher that there is; a program that has just begun has no command line for a moment."""
        await until(lambda: len(self.watchers()) == 1)
        (found,) = self.watchers()
        return found

    def names_left(self) -> list[str]:
        """What the processes that belong to this kernel are called."""
        found: list[str] = []
        for process in self.left():
            with suppress(psutil.NoSuchProcess):  # it ended between two looks
                found.append(process.name())
        return sorted(found)

    def watchers(self) -> list[int]:
        """The pids of its watchers."""
        found: list[int] = []
        for process in self.left():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it ended between two looks
                # What a watcher starts is called as it is until it runs a program of its own, but leads no session.
                if process.name() == "sh" and os.getsid(process.pid) == process.pid:
                    found.append(process.pid)
        return found

    def left(self) -> list[psutil.Process]:
        """The processes that belong to this kernel: whose command line names its folder, and what they started."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if any(str(self.root) in argument for argument in process.cmdline()):
                    found.append(process)
        return found


async def hear_printed(client: AsyncKernelClient, cell: str, text: str) -> None:
    """Wait until this cell has printed that. Other code writes to stdout and stderr too, before a cell has begun as well."""
    printed = ""
    while text not in printed:
        message = await client.get_iopub_msg(timeout=PATIENCE_S)
        if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == cell:
            printed += message["content"]["text"]


async def until_ready(client: AsyncKernelClient) -> None:
    """Wait until a subkernel answers; a stock client without a manager takes a busy machine for a dead kernel."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(RuntimeError):
                await client.wait_for_ready(timeout=PATIENCE_S)
                return


async def run_code(client: AsyncKernelClient, code: str) -> str:
    """Run code on a client that is ready and return what it printed, or its error."""
    printed: list[str] = []

    def hear(message: dict[str, dict[str, str]]) -> None:
        content = message["content"]
        printed.append(content.get("text") or content.get("ename") or "")

    await client.execute_interactive(code, timeout=PATIENCE_S, output_hook=hear)
    return "".join(printed)


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition of the world outside holds."""
    pause_s = LOOK_S
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.2, SLOW_LOOK_S)


@asynccontextmanager
async def stage(**settings: object) -> AsyncIterator[Stage]:
    """A stage that is cleared at the end."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    made = Stage(Path(tempfile.mkdtemp(prefix="bk", dir="/tmp")), **settings)
    try:
        yield made
    finally:
        await made.close()
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; as its reaper of last resort we take its status."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return not psutil.pid_exists(pid)


def install_spec(root: Path, name: str, **spec: object) -> dict[str, str]:
    """Write a kernelspec and return the environment that finds it."""
    place = root / "share" / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"display_name": name, "language": "python"} | spec))
    return dict(os.environ) | {"JUPYTER_PATH": str(root / "share")}
