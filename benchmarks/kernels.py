"""Kernels under measurement, and a client so lean that its own cost does not hide the ratio.

The client is the same for both sides: plain zmq sockets, one HMAC per request, and of what comes back only the message's
type and the end of its parent's id are looked at. All sockets are read until both the reply and idle are there.
"""

import hashlib
import hmac
import itertools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.kernelspec import KernelSpecManager

from beaker import places

DELIMITER = b"<IDS|MSG>"
DATE = "2026-01-01T00:00:00Z"
"""Nobody reads it here."""

LIMIT_S = 60
"""Ends a measurement in which something was lost."""

KINDS = ("status", "stream", "display_data", "execute_reply", "complete_reply", "kernel_info_reply", "llm_delta", "llm_reply")
TYPED = {kind: f'"msg_type": "{kind}"'.encode() for kind in KINDS}
"""How a header says its type, with the separators that json.dumps writes by default."""


def _is(kind: str, header: bytes) -> bool:
    return TYPED[kind] in header or TYPED[kind].replace(b": ", b":") in header


class LostError(Exception):
    """A reply or an idle did not come."""


class Client:
    """Talks to the kernel of a connection file."""

    def __init__(self, file: Path) -> None:
        self._info = json.loads(file.read_text())
        self._key = self._info["key"].encode()
        self._session = f"bench-{os.getpid()}"
        self._numbers = itertools.count()
        self._seen: set[tuple[bytes, str]] = set()
        """What was read about a question, by its id: text and reply come over different sockets, in any order."""
        self._context = zmq.Context()
        self.shell, self.control, self.iopub = self._socket(zmq.DEALER), self._socket(zmq.DEALER), self._socket(zmq.SUB)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        for name in ("shell", "control", "iopub"):
            getattr(self, name).connect(f"{self._info['transport']}://{self._info['ip']}:{self._info[f'{name}_port']}")
        self._poller = zmq.Poller()
        self._poller.register(self.shell, zmq.POLLIN)
        self._poller.register(self.iopub, zmq.POLLIN)

    def _socket(self, kind: int) -> Any:  # Any: zmq's generic sockets
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = socket.sndhwm = 0  # or outputs would be lost on this side
        return socket

    def send(self, kind: str, content: dict[str, object], *, cell: str = "", on: Any = None) -> bytes:  # Any: as above
        """Sends a request on shell (or another socket) and gives its id; `cell` is its cell's, as JupyterLab says it."""
        msg_id = f"{self._session}-{next(self._numbers)}"
        header = {"msg_id": msg_id, "msg_type": kind, "session": self._session, "username": "", "version": "5.3", "date": DATE}
        metadata = {"cellId": cell} if cell else {}
        parts = [json.dumps(header).encode(), b"{}", json.dumps(metadata).encode(), json.dumps(content).encode()]
        signature = hmac.new(self._key, b"".join(parts), hashlib.sha256).hexdigest().encode()
        (on or self.shell).send_multipart([DELIMITER, signature, *parts])
        return msg_id.encode()

    def execute(self, code: str, *, count: str = "") -> tuple[float, int]:
        """Runs code; gives the seconds until reply and idle were both there, and how many messages of one type came.

        For `stream` it is the lines in them that are counted.

        Raises:
            LostError: the reply or idle did not come.
        """
        started = time.perf_counter()
        mine = b'"' + self.send("execute_request", {"code": code, "silent": False, "store_history": False, "allow_stdin": False}) + b'"'
        replied = idle = False
        counted = 0
        while not (replied and idle):
            ready = dict(self._poller.poll(LIMIT_S * 1000))
            if not ready:
                raise LostError(f"no {'idle' if replied else 'reply'} after {LIMIT_S:g} s; {counted} messages came")
            if self.shell in ready:
                frames = self.shell.recv_multipart()
                replied = replied or mine in frames[frames.index(DELIMITER) + 3]
            if self.iopub in ready:
                while True:
                    try:
                        frames = self.iopub.recv_multipart(zmq.NOBLOCK)
                    except zmq.Again:
                        break
                    at = frames.index(DELIMITER)
                    header, parent, content = frames[at + 2], frames[at + 3], frames[at + 5]
                    if count and _is(count, header):
                        counted += content.count(b"\\n") if count == "stream" else 1
                    elif _is("status", header) and mine in parent and b'"idle"' in content:
                        idle = True
        return time.perf_counter() - started, counted

    def ask(self, question: str) -> bytes:
        """Asks by `llm_request`; gives the request's id when the first text of the answer has come.

        Raises:
            LostError: none came.
        """
        asked = self.send("llm_request", {"request": question, "consent": "never", "allow_stdin": False})
        self.wait_for(asked, "llm_delta")
        return asked

    def ask_in_cell(self, question: str, *, until: str) -> bytes:
        """Asks by a `%%ai` cell; gives the request's id when its display shows the text `until`.

        Raises:
            LostError: it never did.
        """
        content: dict[str, object] = {"code": f"%%ai {question}", "silent": False, "allow_stdin": False}
        asked = self.send("execute_request", content, cell="asking")
        self.wait_for_text(asked, until)
        return asked

    def reply(self, msg_id: bytes) -> bytes:
        """Gives the content of the reply to a request on shell.

        Raises:
            LostError: none came.
        """
        mine = b'"' + msg_id + b'"'
        while self.shell.poll(LIMIT_S * 1000):
            frames = self.shell.recv_multipart()
            at = frames.index(DELIMITER)
            if mine in frames[at + 3]:
                return bytes(frames[at + 5])
        raise LostError(f"no reply after {LIMIT_S:g} s")

    def wait_for_text(self, msg_id: bytes, text: str) -> None:
        """Returns once a message on iopub about a request holds this text.

        Raises:
            LostError: none did.
        """
        mine, wanted = b'"' + msg_id + b'"', json.dumps(text)[1:-1].encode()
        while self.iopub.poll(LIMIT_S * 1000):
            frames = self.iopub.recv_multipart()
            at = frames.index(DELIMITER)
            if mine in frames[at + 3] and wanted in frames[at + 5]:
                return
        raise LostError(f"nothing said {text!r} in {LIMIT_S:g} s")

    def wait_for(self, msg_id: bytes, kind: str) -> None:
        """Returns once a message of this type about a question was read, on shell or iopub.

        Raises:
            LostError: it did not come.
        """
        mine = b'"' + msg_id + b'"'
        while (msg_id, kind) not in self._seen:
            ready = dict(self._poller.poll(LIMIT_S * 1000))
            if not ready:
                raise LostError(f"no {kind} after {LIMIT_S:g} s")
            for socket in ready:
                frames = socket.recv_multipart()
                at = frames.index(DELIMITER)
                if mine in frames[at + 3]:
                    self._seen.update((msg_id, known) for known in KINDS if _is(known, frames[at + 2]))

    def wait_until_usable(self) -> None:
        """Returns once the kernel answers kernel_info and iopub is connected."""
        deadline = time.monotonic() + LIMIT_S
        answered = heard = False
        while not (answered and heard):
            self.send("kernel_info_request", {})
            ready = dict(self._poller.poll(200))
            while ready:
                answered = answered or self.shell in ready
                heard = heard or self.iopub in ready
                for socket in ready:
                    socket.recv_multipart()
                ready = dict(self._poller.poll(20))
            if time.monotonic() > deadline:
                raise LostError("the kernel does not answer")

    def close(self) -> None:
        """Closes the sockets."""
        self._context.destroy(linger=0)


class Kernel:
    """A kernel of a kernelspec, started by its own argv, without jupyter_client's manager.

    Args:
        arguments: more for its command line.
    """

    def __init__(self, name: str, *, env: Mapping[str, str] | None = None, arguments: Sequence[str] = ()) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self.file = self._folder / "kernel.json"
        write_connection_file(str(self.file), key=secrets.token_hex(16).encode(), kernel_name=name)
        spec = KernelSpecManager().get_kernel_spec(name)
        self._words = [word.format(connection_file=self.file, resource_dir=spec.resource_dir) for word in spec.argv] + list(arguments)
        if self._words[0] in {"python", "python3"}:
            self._words[0] = sys.executable  # as jupyter_client does
        self._env = os.environ | spec.env | dict(env or {})
        self._former: list[psutil.Process] = []
        """What a kernel process that was replaced had started; it may live on."""
        self._start()
        self.client = Client(self.file)

    def _start(self) -> None:
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            self._words,
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def replace(self) -> None:
        """Kills the kernel process, and starts another on the same connection file, as a frontend's restarter does.

        Our client has noticed by then: what it sends before goes to where nobody is, and is lost.
        """
        self._former += self.processes()[1:]
        monitor = self.client.shell.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self.process.kill()
            self.process.wait()
            if not monitor.poll(LIMIT_S * 1000):
                raise LostError("the client did not notice that the kernel process was killed")
        finally:
            self.client.shell.disable_monitor()
        self._start()

    @property
    def runtime_folder(self) -> Path:
        """Of beaker, for this kernel."""
        key = json.loads(self.file.read_text())["key"].encode()
        return places.runtime_root(self._env, uid=os.getuid()) / places.kernel_id(str(self.file), key)

    def processes(self) -> list[psutil.Process]:
        """Every process of this kernel, its own first."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def subkernel(self) -> psutil.Process:
        """The process that runs the cells."""
        return next(process for process in self.processes() if any("ipykernel_launcher" in word for word in process.cmdline()))

    def cpu_s(self) -> float:
        """Processor time of all its processes until now, seconds."""
        used: list[float] = [times.user + times.system for times in (process.cpu_times() for process in self.processes())]
        return sum(used)

    def stop(self) -> None:
        """Shuts the kernel down, and makes sure of it."""
        left = self._former + (self.processes() if self.process.poll() is None else [])
        self.client.send("shutdown_request", {"restart": False}, on=self.client.control)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in alive:
            process.send_signal(signal.SIGKILL)
        self.client.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Pair:
    """The two sides of a measurement, both running: `with Pair() as (ours, reference)`."""

    def __enter__(self) -> tuple[Kernel, Kernel]:
        self._both = (Kernel("beaker"), Kernel("python3"))
        try:
            for kernel in self._both:
                kernel.client.wait_until_usable()
                kernel.client.execute("1")
        except LostError as error:
            ended = [f"{kernel.name} ended with {kernel.process.poll()}" for kernel in self._both if kernel.process.poll() is not None]
            self.__exit__()
            raise LostError(f"{error}; {', '.join(ended) or 'both run'}") from None
        return self._both

    def __exit__(self, *_: object) -> None:
        for kernel in self._both:
            kernel.stop()
