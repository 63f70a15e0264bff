"""Services under measurement: ours and jupyter_server, each started as its users do, and one client for all of them.

The client is lean, the same for every side: the binary framing, of which only the type of a message and the end of its
parent's id are looked at.
"""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import psutil

from beaker.wire.websocket import V1, decode_v1, encode_v1
from benchmarks.kernels import DATE, TYPED, LostError

READY_LIMIT_S = 60.0
LIMIT_S = 60.0
"""Ends a measurement in which something was lost."""

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


class Service:
    """A service that runs, with the kernels that were started in it.

    Args:
        name: for words.
        words: its command line; `{port}` and `{token}` are filled in.
    """

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self._token = secrets.token_hex(16)
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        places = {variable: str(self._folder / variable.lower()) for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        (self._folder / "xdg_runtime_dir").mkdir(mode=0o700)
        self._log = self._folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [word.format(port=port, token=self._token) for word in words],
                cwd=self._folder,
                env=os.environ | places | {"BEAKER_GATEWAY_TOKEN": self._token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.kernels: list[str] = []

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers={"Authorization": f"token {self._token}"})
        deadline = time.monotonic() + READY_LIMIT_S
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with self._http.get(f"{self.address}/api/status") as answer:
                    if answer.status == 200:
                        return self
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LostError(f"{self.name} does not answer: {self._log.read_text()[-2000:]}")
            await asyncio.sleep(0.1)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        left = self.processes()
        for kernel in self.kernels:
            with contextlib.suppress(aiohttp.ClientError):
                await self._http.delete(f"{self.address}/api/kernels/{kernel}")
        await self._http.close()
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, 20)
        for process in psutil.wait_procs(left, timeout=5)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def start_kernel(self) -> float:
        """Start a kernel; returns how long the answer took, seconds."""
        began = time.perf_counter()
        async with self._http.post(f"{self.address}/api/kernels", json={"name": "python3"}) as answer:
            if answer.status != 201:
                raise LostError(f"{self.name}: POST /api/kernels: {answer.status} {await answer.text()}")
            self.kernels.append((await answer.json())["id"])
        return time.perf_counter() - began

    async def connect(self, kernel: str) -> "Client":
        """Open a websocket on a kernel."""
        session = secrets.token_hex(16)
        address = f"{self.address}/api/kernels/{kernel}/channels?session_id={session}"
        return Client(await self._http.ws_connect(address, protocols=[V1], max_msg_size=0), session)

    def processes(self) -> list[psutil.Process]:
        """All of it, kernels too."""
        try:
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def servers(self) -> list[psutil.Process]:
        """Its processes without those that run cells, and without what these have started."""
        cells = [process for process in self.processes() if any("ipykernel_launcher" in word for word in process.cmdline())]
        theirs = {process.pid for cell in cells for process in [cell, *cell.children(recursive=True)]}
        return [process for process in self.processes() if process.pid not in theirs]

    def server_cpu_s(self) -> float:
        """Processor time of `servers` until now, seconds."""
        used: list[float] = [times.user + times.system for times in (process.cpu_times() for process in self.servers())]
        return sum(used)


class Client:
    """One websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket = socket
        self._session = session
        self._numbers = itertools.count()

    async def request(self, kind: str, content: bytes) -> bytes:
        """Send a request on shell; returns the end of its id, quoted."""
        name = f"{self._session}_{next(self._numbers)}"
        told = f'"session": "{self._session}", "username": "", "version": "5.3", "date": "{DATE}"'
        header = f'{{"msg_id": "{name}", "msg_type": "{kind}", {told}}}'
        await self._socket.send_bytes(encode_v1("shell", [header.encode(), b"{}", b"{}", content]))
        return f'{name}"'.encode()

    async def execute(self, code: str = "1") -> float:
        """Run a cell; returns how long it took until both its reply and its idle were there, seconds."""
        began = time.perf_counter()
        content = f'{{"code": "{code}", "silent": false, "store_history": true, "user_expressions": {{}}, "allow_stdin": false}}'
        name = await self.request("execute_request", content.encode())
        await self._answered(name, "execute_reply")
        return time.perf_counter() - began

    async def wait_until_usable(self) -> None:
        """Ask until the kernel answers, and forget the rest."""
        await self._answered(await self.request("kernel_info_request", b"{}"), "kernel_info_reply")

    async def behind(self, mark: bytes) -> bytes:
        """Read until a message comes with these bytes in it; returns what stands behind them, up to the line's end."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                _, found, rest = (await self._next()).partition(mark)
                if found:
                    return rest.partition(b"\\n")[0]

    async def close(self) -> None:
        """Close it."""
        await self._socket.close()

    async def _answered(self, name: bytes, kind: str) -> None:
        missing = {kind, "status"}
        async with asyncio.timeout(LIMIT_S):
            while missing:
                _, parts = decode_v1(await self._next())
                if name not in parts[1]:
                    continue
                if _is(kind, parts[0]):
                    missing.discard(kind)
                elif _is("status", parts[0]) and b"idle" in parts[3]:
                    missing.discard("status")

    async def _next(self) -> bytes:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise LostError(f"the websocket ended: {message}")
        data: bytes = message.data
        return data


def _is(kind: str, header: bytes) -> bool:
    return TYPED[kind] in header or TYPED[kind].replace(b": ", b":") in header


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ours(workers: int = 1) -> Service:
    """The gateway of this checkout."""
    return Service(
        f"gateway, {workers} workers",
        [sys.executable, "-P", str(Path(__file__).parents[1] / "gateway.py"), "--port", "{port}", "--workers", str(workers)],
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
