"""Services under measurement: ours and jupyter_server, each started as its users do; `websockets.py` has the clients."""

import asyncio
import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
import psutil

from beaker.wire.websocket import V1
from benchmarks.client import LostError
from benchmarks.memory import pss_mb
from benchmarks.websockets import Client

READY_LIMIT_S: Final = 60.0
PROPORTIONAL: Final = "beaker_process_proportional_memory_bytes{"
"""At `/metrics`; the guardian, which cannot say it, takes the same all the time."""
POLITE_S: Final = 8.0
"""How long a service gets to end its kernels; what is left then is killed."""

NODELAY = """
import sys
from jupyter_server.serverapp import main
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler as Handler
opened = Handler.open
async def undelayed(self, kernel_id):
    self.set_nodelay(True)
    await opened(self, kernel_id)
Handler.open = undelayed
sys.exit(main())
"""
"""jupyter_server with Nagle's algorithm switched off for websockets."""


UNRECORDED: Final = "c.HistoryManager.enabled = False\n"
"""IPython's settings for kernels of all sides. Kernels of one user write each cell to one SQLite file, and wait there for each other, up to
half a second: with eight that run short cells at once this, and no server, was what half of the 99th percentile came from, and the
faster the server, the more of it."""


class Service:
    """A service that runs, with the kernels that were started in it.

    It ends with us, also when we are killed.

    Args:
        name: for words.
        words: its command line; `{port}` and `{token}` are filled in.
        variables: of its environment, beside ours.
    """

    def __init__(self, name: str, words: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.kernels: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self._token = secrets.token_hex(16)
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._words = [word.format(port=port, token=self._token) for word in words]
        self._variables = dict(variables or {}) | {
            variable: str(self._folder / variable.lower())
            for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR")
        }
        (self._folder / "xdg_runtime_dir").mkdir(mode=0o700)
        profile = self._folder / "ipythondir" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text(UNRECORDED)
        self._log = self._folder / "log"
        self._former: list[psutil.Process] = []
        """What a main process that was replaced had started; it may live on."""
        self._start()

    def _start(self) -> None:
        self.started_at = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words,
                cwd=self._folder,
                env=os.environ | self._variables | {"BEAKER_GATEWAY_TOKEN": self._token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )

    def replace(self) -> None:
        """Kill the main process, and start another at the same address, as a service manager does."""
        self._former += self.processes()[1:]
        self._process.kill()
        self._process.wait()
        self._start()

    async def __aenter__(self) -> Self:
        # Without a limit: at aiohttp's own the 101st websocket waits for ever.
        connector = aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(headers={"Authorization": f"token {self._token}"}, connector=connector)
        try:
            await self.answers(look_s=0.1)
            return self
        except BaseException:  # also when we are interrupted: nobody else ends it then
            await self.__aexit__(None, None, None)
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Without a wait in between: whoever interrupts us twice must not leave anything behind.
        left = self._former + self.processes()
        self._process.send_signal(signal.SIGTERM)
        for process in psutil.wait_procs(left, timeout=POLITE_S)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        await self._http.close()

    async def answers(self, *, look_s: float) -> None:
        """Return once it answers; between two looks it is left alone for so long.

        Raises:
            LostError: it has ended, or does not.
        """
        deadline = time.monotonic() + READY_LIMIT_S
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with self._http.get(f"{self.address}/api/status") as answer:
                    if answer.status == 200:
                        return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LostError(f"{self.name} does not answer: {self._log.read_text()[-2000:]}")
            await asyncio.sleep(look_s)

    async def start_kernel(self) -> float:
        """Start a kernel; returns how long the answer took, seconds."""
        began = time.perf_counter()
        async with self._http.post(f"{self.address}/api/kernels", json={"name": "python3"}) as answer:
            if answer.status != 201:
                raise LostError(f"{self.name}: POST /api/kernels: {answer.status} {await answer.text()}")
            self.kernels.append((await answer.json())["id"])
        return time.perf_counter() - began

    async def connect(self, kernel: str, *, legacy: bool = False) -> Client:
        """Open a websocket on a kernel, with the binary framing or the one in JSON."""
        session = secrets.token_hex(16)
        address = f"{self.address}/api/kernels/{kernel}/channels?session_id={session}"
        return Client(await self._http.ws_connect(address, protocols=() if legacy else [V1], max_msg_size=0), session)

    def processes(self) -> list[psutil.Process]:
        """All of it, kernels too."""
        try:
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cells(self) -> list[psutil.Process]:
        """Its processes that run cells."""
        return [process for process in self.processes() if any("ipykernel_launcher" in word for word in process.cmdline())]

    def servers(self) -> list[psutil.Process]:
        """Its processes without those that run cells, and without what these have started."""
        theirs = {process.pid for cell in self.cells() for process in [cell, *cell.children(recursive=True)]}
        return [process for process in self.processes() if process.pid not in theirs]

    async def memory_mb(self) -> float:
        """Of `servers`, proportional. Ours are undumpable, so that they have to say it themselves where we are not root."""
        total, closed = 0.0, False
        for process in self.servers():
            try:
                total += pss_mb(process.pid)
            except PermissionError:
                closed = True
        if closed:
            async with self._http.get(f"{self.address}/metrics") as answer:
                lines = [line.split() for line in (await answer.text()).splitlines() if line.startswith(PROPORTIONAL)]
            total += sum(float(value) for _, value in lines) / 1024**2
        return total


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_parent() -> Callable[[], None] | None:
    """What a child does first, so that it is asked to end when this process does, however that ends."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


_PR_SET_PDEATHSIG: Final = 1
"""From <linux/prctl.h>."""


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Processor time of these until now, seconds."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def ours(workers: int = 1, *, variables: Mapping[str, str] | None = None) -> Service:
    """The gateway of this checkout."""
    return Service(
        f"gateway, {workers} workers",
        [sys.executable, "-P", str(Path(__file__).parents[1] / "gateway.py"), "--port", "{port}", "--workers", str(workers)],
        variables,
    )


def as_shipped() -> Service:
    """jupyter_server as its users start it."""
    return Service("jupyter_server", [sys.executable, "-m", "jupyter_server", *_OPTIONS])


def undelayed() -> Service:
    """jupyter_server with TCP_NODELAY."""
    return Service("jupyter_server with TCP_NODELAY", [sys.executable, "-c", NODELAY, *_OPTIONS])


_OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.port={port}",
    "--IdentityProvider.token={token}",
    "--ServerApp.port_retries=0",
    "--ServerApp.disable_check_xsrf=True",
]
