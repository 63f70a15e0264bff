"""A real kernel process under test, with a stock jupyter_client at its connection file."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from queue import Empty
from typing import Any, Self

import psutil
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from beaker import places
from tests.kit.ports import free_ports
from tests.kit.processes import eldest, living

PATIENCE_S = 60.0
"""How long a test waits for what must come; it returns as soon as it came. A start takes one or two on a quiet machine."""
LEAVING_S = 30.0
"""Until a kernel that was asked to end is killed, and leaves what it has started to others."""


A_LOOK_S = 0.01
LOOK_AT_PROCESSES_S = 0.03
"""Between looks at all processes of the machine, of which each takes milliseconds: it is taken from what is waited for."""
A_QUESTION_S = 0.1
"""Between cells that are run to hear whether something is so by now: each is work for three processes."""


def wait_until(
    condition: Callable[[], Any], *, timeout_s: float = PATIENCE_S, what: str = "the condition", every_s: float = A_LOOK_S
) -> Any:
    """Look until something true comes back, and return it."""
    deadline = time.monotonic() + timeout_s
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"{what} did not come about within {timeout_s} s"
        time.sleep(every_s)


@dataclass
class Outcome:
    """What came back for one cell."""

    reply: dict[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    replied_at: float = 0.0

    @property
    def text(self) -> str:
        """All that was printed, and the plain text of displays."""
        found = ""
        for message in self.outputs:
            content = message["content"]
            found += content.get("text", "") or content.get("data", {}).get("text/plain", "") or content.get("evalue", "")
        return found

    @property
    def status(self) -> str:
        """Of the reply."""
        return str(self.reply["content"]["status"])

    @property
    def kinds(self) -> list[str]:
        """The types of what came but for the states, with one for all pieces of a stream: timers in ipykernel cut them."""
        types = [str(message["msg_type"]) for message in self.outputs if message["msg_type"] != "status"]
        return [kind for before, kind in pairwise(["", *types]) if (before, kind) != ("stream", "stream")]


class KernelInUse(ABC):
    """A kernel and a client of it, and what tests do with both: by whatever way the kernel is reached."""

    def __init__(self) -> None:
        self._replies: dict[str, dict[str, Any]] = {}
        self.client = self.connect()

    @abstractmethod
    def connect(self) -> BlockingKernelClient:
        """A client with a session of its own."""

    @abstractmethod
    def role(self, name: str) -> psutil.Process | None:
        """The living process of this kernel with this role."""

    @abstractmethod
    def replace_front(self) -> None:
        """Kill the process by which it speaks with clients, and have another one in its place."""

    @abstractmethod
    def close(self) -> None:
        """End it."""

    def ready(self, timeout_s: float = PATIENCE_S) -> Self:
        """Wait until it answers."""
        self.client.wait_for_ready(timeout=timeout_s)
        return self

    def send(self, code: str, **options: Any) -> str:
        """Send a cell; returns its msg_id."""
        return str(self.client.execute(code, **options))

    def outcome(self, msg_id: str, *, timeout_s: float = PATIENCE_S) -> Outcome:
        """Wait for a cell's reply and idle."""
        outcome = Outcome(reply=self.reply(msg_id, timeout_s=timeout_s), replied_at=time.monotonic())
        deadline = time.monotonic() + timeout_s
        for message in self.iopub(deadline):
            if message["parent_header"].get("msg_id") == msg_id:
                if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                    return outcome
                outcome.outputs.append(message)
        raise AssertionError(f"no idle for {msg_id} within {timeout_s} s")

    def run(self, code: str, *, timeout_s: float = PATIENCE_S, **options: Any) -> Outcome:
        """Run a cell to its end."""
        return self.outcome(self.send(code, **options), timeout_s=timeout_s)

    def reply(self, msg_id: str, *, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The shell reply to this request; replies to others are kept for whoever asks."""
        deadline = time.monotonic() + timeout_s
        while msg_id not in self._replies:
            left = deadline - time.monotonic()
            assert left > 0, f"no reply to {msg_id} within {timeout_s} s; {self.state_told()}"
            with contextlib.suppress(Empty):
                message: dict[str, Any] = self.client.get_shell_msg(timeout=left)
                self._replies[message["parent_header"].get("msg_id", "")] = message
        return self._replies.pop(msg_id)

    def state_told(self) -> str:
        """How it is with the process that should have answered, for who reads of a test that failed."""
        return "nothing is known of its processes"

    @property
    def unclaimed_replies(self) -> list[dict[str, Any]]:
        """Shell replies that came and were asked for by nobody."""
        with contextlib.suppress(Empty):
            while True:
                message: dict[str, Any] = self.client.get_shell_msg(timeout=0)
                self._replies[message["parent_header"].get("msg_id", "")] = message
        return list(self._replies.values())

    def forget_unread(self) -> None:
        """Read replies and prompts that nobody has read, for whoever is the next to use it."""
        for channel in (self.client.shell_channel, self.client.control_channel, self.client.stdin_channel):
            while channel.msg_ready():
                channel.get_msg(timeout=1)
        self._replies.clear()

    def iopub(self, deadline: float) -> Iterator[dict[str, Any]]:
        """Messages as they come, until the deadline."""
        while (left := deadline - time.monotonic()) > 0:
            try:
                yield self.client.get_iopub_msg(timeout=left)
            except Empty:
                return

    def wait_for_print(self, msg_id: str, text: str = "on", *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until this cell has printed that, and so is under way: any stream would do for no cell, as C code and threads print too.

        Args:
            text: that is written at once, and without the end of its line: timers in ipykernel cut in between.
        """
        self._wait_for("stream", msg_id, lambda content: text in content["text"], what=f"print of {text!r}", timeout_s=timeout_s)

    def wait_for_begin(self, msg_id: str) -> None:
        """Wait until this cell has begun."""
        self._wait_for("execute_input", msg_id, lambda _: True, what=f"beginning of {msg_id}")

    # Any: JSON
    def _wait_for(
        self, kind: str, parent: str, wanted: Callable[[dict[str, Any]], bool], *, what: str, timeout_s: float = PATIENCE_S
    ) -> None:
        """Wait until a message of this type and parent has such a content."""
        for message in self.iopub(time.monotonic() + timeout_s):
            is_of_it = message["msg_type"] == kind and message["parent_header"].get("msg_id") == parent
            if is_of_it and wanted(message["content"]):
                return
        raise AssertionError(f"no {what} within {timeout_s} s")

    def wait_for_status(self, state: str, *, timeout_s: float = PATIENCE_S) -> float:
        """Wait until this status is published with an empty parent; returns the monotonic time."""
        for message in self.iopub(time.monotonic() + timeout_s):
            if message["msg_type"] == "status" and message["content"]["execution_state"] == state and not message["parent_header"]:
                return time.monotonic()
        raise AssertionError(f"no status {state} within {timeout_s} s")

    def wait_for_role(self, name: str, *, other_than: int = 0) -> psutil.Process:
        """The process of this role, once there is one."""
        what = f"a process of role {name}"
        found = wait_until(lambda: (p := self.role(name)) is not None and p.pid != other_than and p, what=what, every_s=LOOK_AT_PROCESSES_S)
        assert isinstance(found, psutil.Process)
        return found

    def subkernel_pid(self) -> int:
        """Asked of the subkernel itself."""
        return int(self.run("import os; print(os.getpid())").text.split()[-1])


class RunningKernel(KernelInUse):
    """One kernel process and a client of it."""

    def __init__(self, *, env: Mapping[str, str] | None = None, arguments: list[str] | None = None, folder: Path | None = None) -> None:
        self.connection_file = tempfile.mktemp(suffix=".json", dir=os.environ["JUPYTER_RUNTIME_DIR"])
        write_connection_file(self.connection_file, key=secrets.token_hex(16).encode(), **free_ports())
        os.chmod(self.connection_file, 0o600)
        self.env = {**os.environ, **(env or {})}
        self.arguments = arguments or []
        self.folder = folder
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 -- held until close()
        self.process = self.start()
        super().__init__()

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the kernel process, as jupyter_client does."""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "beaker_kernel", "-f", self.connection_file, *self.arguments],
            env={**self.env, "JPY_PARENT_PID": str(os.getpid())},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=self.errors,
            start_new_session=True,
        )
        return self.process

    def ready(self, timeout_s: float = PATIENCE_S) -> Self:
        """Wait until it answers; one that has ended instead is told with its words."""
        try:
            return super().ready(timeout_s)
        except RuntimeError as error:  # a client of no manager does not know of the process
            self.errors.seek(0)
            raise AssertionError(f"{error} (status {self.process.poll()}): {self.errors.read().decode(errors='replace')}") from error

    def state_told(self) -> str:
        """Whether the kernel process lives, what it says, and the newest lines of its log and of the Supervisor's."""
        self.errors.seek(0)
        words = [f"kernel process {self.process.pid}: status {self.process.poll()}", self.errors.read().decode(errors="replace")[-2000:]]
        for role in ("kernel", "supervisor"):
            files = sorted((places.state_folder(self.env) / "logs").glob(f"{role}-{self.runtime_folder.name}-*"), key=os.path.getmtime)
            words += [f"{file.name}: ...{file.read_text(errors='replace')[-3000:]}" for file in files[-1:]]
        return "\n".join(words)

    def replace_front(self) -> None:
        """Kill the kernel process and start another one on the same connection file, as a frontend's restarter does."""
        self.kill_front()
        self.start()

    def kill_front(self) -> None:
        """Kill the kernel process, and wait until our client has noticed: what it sends before goes to where nobody is, and is lost."""
        client = self.client
        with ExitStack() as watched:
            monitors: list[zmq.Socket[bytes]] = []
            for channel in (client.shell_channel, client.control_channel, client.stdin_channel):  # each has a connection of its own
                monitors.append(channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED))
                watched.callback(channel.socket.disable_monitor)
            self.process.kill()
            self.process.wait()
            assert all(each.poll(int(PATIENCE_S * 1000)) for each in monitors), (
                "the client did not notice that the kernel process was killed"
            )

    def connect(self) -> BlockingKernelClient:
        """A client with a session of its own."""
        client = BlockingKernelClient()
        client.load_connection_file(self.connection_file)
        client.start_channels(hb=False)
        return client

    @property
    def runtime_folder(self) -> Path:
        """Of this kernel; looking does not make it."""
        key = json.loads(Path(self.connection_file).read_text())["key"]
        return places.runtime_root(self.env, uid=os.getuid()) / places.kernel_id(self.connection_file, key.encode())

    def role(self, name: str) -> psutil.Process | None:
        """The living process of this kernel with this role."""
        kernel_id = self.runtime_folder.name
        return eldest(living(lambda line: f"--role {name}" in line and kernel_id in line))

    def close(self) -> None:
        """End it politely; insist if it does not go."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.client.shutdown()
            try:
                self.process.wait(timeout=LEAVING_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.client.stop_channels()
        self.errors.close()
        Path(self.connection_file).unlink(missing_ok=True)


@contextmanager
def running_kernel(*, ready_s: float = PATIENCE_S, **options: Any) -> Iterator[RunningKernel]:
    """A kernel that answers, ended afterwards.

    Args:
        ready_s: how long its start may take.
    """
    kernel = RunningKernel(**options)
    try:
        yield kernel.ready(ready_s)
    finally:
        kernel.close()
