"""A real gateway in folders of its own, as `beaker-gateway` is started: what it prints, its REST interface, its websockets."""

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
import psutil

import beaker_kernel
from beaker.wire.websocket import decode_legacy, decode_v1, encode_legacy, encode_v1
from tests.kit.processes import lives, words_of
from tests.kit.running_kernel import wait_until

Framing = Literal["v1", "legacy"]

V1 = "v1.kernel.websocket.jupyter.org"
PATIENCE_S = 60.0
"""Ends a hang; nothing here takes as long on a quiet machine."""
CHECKOUT = Path(beaker_kernel.__file__).resolve().parent


class Client:
    """One websocket on a kernel."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session_id: str, framing: Framing) -> None:
        self.socket = socket
        self.session_id = session_id
        self.framing: Framing = framing
        self.heard: list[dict[str, Any]] = []  # Any: JSON
        """All that came, in order."""

    async def send(
        self,
        kind: str,
        content: object,
        *,
        channel: Any = "shell",  # Any: a literal's value
        cell_id: str = "",
        buffers: Sequence[bytes] = (),
    ) -> str:
        """Sends a request; gives its msg_id. An answer streams into a cell that is named, as notebooks do."""
        msg_id = uuid.uuid4().hex
        header = {"msg_id": msg_id, "msg_type": kind, "session": self.session_id, "username": "", "version": "5.4"}
        header["date"] = "2026-01-01T00:00:00.123456Z"
        parts = [json.dumps(part).encode() for part in (header, {}, {"cellId": cell_id} if cell_id else {}, content)]
        data = (encode_v1 if self.framing == "v1" else encode_legacy)(channel, [*parts, *buffers])
        await (self.socket.send_str(data) if isinstance(data, str) else self.socket.send_bytes(data))
        return msg_id

    async def hear(self) -> dict[str, Any]:  # Any: JSON
        """The next message: channel, kind, parent, content."""
        came = await self.socket.receive(PATIENCE_S)
        assert came.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}, f"closed with {self.socket.close_code}: {came}"
        channel, parts = decode_v1(came.data) if self.framing == "v1" else decode_legacy(came.data)
        header, parent, _, content = (json.loads(part) for part in parts[:4])
        message = {"channel": channel, "kind": header["msg_type"], "parent": parent.get("msg_id", ""), "content": content}
        self.heard.append(message)
        return message

    async def hear_until(self, kind: str, parent: str = "", **content: object) -> dict[str, Any]:  # Any: JSON
        """Goes on until such a message comes."""
        while True:
            message = await self.hear()
            is_wanted = message["kind"] == kind and parent in {"", message["parent"]}
            if is_wanted and content.items() <= message["content"].items():
                return message

    def stop_reading(self) -> None:
        """Takes nothing more from the network."""
        self._transport.pause_reading()

    def read_on(self) -> None:
        """Takes it again."""
        self._transport.resume_reading()

    @property
    def _transport(self) -> asyncio.Transport:
        connection = self.socket._conn  # the way to it: nothing of aiohttp's own says "read no more"
        assert connection is not None
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport

    async def hear_the_end(self) -> None:
        """Goes on until the socket is closed."""
        while not self.socket.closed:
            try:
                await self.hear()
            except AssertionError:
                return

    async def run(self, code: str) -> tuple[dict[str, Any], str]:  # Any: JSON
        """Runs a cell; gives the content of its reply and what it printed."""
        asked = await self.send("execute_request", execute_content(code))
        reply = await self.hear_out(asked)
        return reply, self.printed(asked)

    async def hear_out(self, asked: str) -> dict[str, Any]:  # Any: JSON
        """Goes on until a cell's reply and its idle have come, of which either may be first; gives the content of the reply."""
        await self.hear_idle(asked)
        while True:
            for message in self.heard:
                if message["parent"] == asked and message["kind"] == "execute_reply":
                    content: dict[str, Any] = message["content"]  # Any: as above
                    return content
            await self.hear()

    async def hear_idle(self, asked: str) -> None:
        """Goes on until the idle of a cell, of whichever client, has come."""
        at = 0
        while not any(each["parent"] == asked and each["content"].get("execution_state") == "idle" for each in self.heard[at:]):
            at = len(self.heard)
            await self.hear()

    async def hear_printed(self, asked: str, text: str) -> None:
        """Goes on until a cell has printed that: in one piece or in several, which a timer of ipykernel's decides."""
        while text not in self.printed(asked):
            await self.hear()

    def printed(self, asked: str) -> str:
        """What has come of what a cell prints."""
        mine = [message for message in self.heard if message["parent"] == asked and message["kind"] == "stream"]
        return "".join(message["content"]["text"] for message in mine)


def environ_of(process: psutil.Process) -> bytes:
    """As others can read it: nobody but root can look into that of a process of beaker. Nothing of one that has ended."""
    try:
        return Path(f"/proc/{process.pid}/environ").read_bytes()
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        return b""


def execute_content(code: str) -> dict[str, object]:
    """Of an execute_request."""
    return {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}


class Server:
    """Where clients call: its REST interface, its websockets."""

    url: str
    token: str
    trusted: ssl.SSLContext | bool = True
    """Whose certificates are, where it speaks TLS; True: as the machine has it."""

    @asynccontextmanager
    async def http(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client that shows the token."""
        headers = {"Authorization": f"token {self.token}"}
        connector = aiohttp.TCPConnector(ssl=self.trusted)
        patience = aiohttp.ClientTimeout(PATIENCE_S)
        async with aiohttp.ClientSession(self.url, headers=headers, timeout=patience, connector=connector) as session:
            yield session

    async def call(self, method: str, path: str, content: object = None) -> Any:  # Any: JSON
        """Calls the REST interface; gives what it answered, None where that is nothing."""
        async with self.http() as http, http.request(method, f"/api{path}", json=content) as answer:
            text = await answer.text()
            assert answer.status < 400, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if text else None

    async def status(self, method: str, path: str) -> int:
        """Only the status."""
        async with self.http() as http, http.request(method, f"/api{path}") as answer:
            return answer.status

    @asynccontextmanager
    async def connect(
        self, kernel_id: str, *, framing: Framing = "v1", session_id: str = "", takes_bytes: int = 0
    ) -> AsyncIterator[Client]:
        """A websocket on a kernel, which closes itself at a message of more than `takes_bytes`; 0: at none."""
        session_id = session_id or uuid.uuid4().hex
        protocols = [V1] if framing == "v1" else []
        path = f"/api/kernels/{kernel_id}/channels?session_id={session_id}"
        async with self.http() as http, http.ws_connect(path, protocols=protocols, max_msg_size=takes_bytes, compress=0) as socket:
            assert socket.protocol == (V1 if framing == "v1" else None)
            yield Client(socket, session_id, framing)

    async def start_kernel(self, name: str = "python3") -> str:
        """A new kernel; gives its id."""
        made = await self.call("POST", "/kernels", {"name": name})
        kernel_id: str = made["id"]
        return kernel_id


class RunningGateway(Server):
    """One that is started in a folder, with a home and runtime folders of its own.

    Args:
        folder: short, since sockets lie below it.
    """

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.folder = folder
        self.root = folder / "files"
        self.root.mkdir(exist_ok=True)
        places = {"XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state", "HOME": "home"}
        for place in places.values():
            (folder / place).mkdir(mode=0o700, exist_ok=True)
        self.environment = {**os.environ, **{name: str(folder / place) for name, place in places.items()}, **variables}
        self.environment.pop("IPYTHONDIR", None)  # that of all tests: cells keep theirs in this home
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process of it would compile all that it imports
        self.options = options
        self.descriptors = 0
        """That its user may have open; 0: as many as this process."""
        self.url = ""
        self.token = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, hard_limit: int = 0) -> "RunningGateway":
        """Starts it and waits until clients can come.

        Args:
            hard_limit: of descriptors, which no process of it can raise; 0: the system's.
        """
        words = [sys.executable, "-P", str(CHECKOUT / "gateway.py"), "--root-dir", str(self.root), *self.options, *options]
        if self.descriptors:
            words = ["sh", "-c", f'ulimit -Sn {self.descriptors}; exec "$@"', "sh", *words]
        if hard_limit:
            words = ["sh", "-c", f'ulimit -n {hard_limit}; exec "$@"', "sh", *words]
        # Files, as kernels that outlive it would keep a pipe open.
        with (self.folder / "printed").open("w") as out, (self.folder / "errors").open("a") as errors:
            self.process = subprocess.Popen(words, env=self.environment, cwd=self.folder, stdout=out, stderr=errors)
        process = self.process
        wait_until(lambda: "Ctrl-C" in self.printed or process.poll() is not None, timeout_s=PATIENCE_S, what="a gateway that is ready")
        found = re.search(r"serves at (\S+?)/?\n", self.printed)
        assert found is not None, f"{self.printed}\n{self.complaints}"
        self.url = found[1]
        place = re.search(r"  token +in (\S+), which", self.printed)
        self.token = Path(place[1]).read_text().strip() if place is not None else ""
        return self

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def printed(self) -> str:
        """Its stdout."""
        return (self.folder / "printed").read_text()

    @property
    def complaints(self) -> str:
        """Its stderr."""
        return (self.folder / "errors").read_text()

    @property
    def logs(self) -> str:
        """All log files."""
        return "".join(path.read_text() for path in (self.folder / "state/beaker/logs").iterdir())

    def roles(self, role: str) -> list[psutil.Process]:
        """Its living processes of a role, by what they call themselves."""
        children = psutil.Process(self.pid).children()
        return [child for child in children if lives(child) and f"--role {role}" in words_of(child)]

    def worker_that_answered(self, request_id: str) -> int:
        """Its pid, by its log; 0: no line of it is there yet."""
        files = (self.folder / "state/beaker/logs").glob("worker-*.jsonl")
        return next((int(file.stem.partition("-")[2]) for file in files if request_id in file.read_text()), 0)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ends it; gives its status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Whatever state it is in, nothing is left."""
        if self.process is not None and self.process.poll() is None:
            self.end()

    def wait_for_role(self, role: str, number: int, *, without: set[int]) -> list[psutil.Process]:
        """Waits until so many of a role live, none of them one of these."""

        def there() -> list[psutil.Process] | None:
            found = self.roles(role)
            return found if len(found) == number and not without & {each.pid for each in found} else None

        found: list[psutil.Process] = wait_until(there, timeout_s=PATIENCE_S, what=f"{number} new processes of role {role}")
        return found
