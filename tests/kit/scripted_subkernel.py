"""A subkernel in this process: real sockets, and it says what a test tells it to.

By itself it answers only `kernel_info_request` and the heartbeat. Every other request waits until the test takes it with
`expect`, and gets what the test sends: `busy`, `reply`, `idle` in any order, or nothing.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import FEW, NONE
from beaker.messages.subkernel import Connection, Subkernel
from beaker.wire.compose import Composer, status
from beaker.wire.parts import CONTENT, HEADER, METADATA, Parts, join, split
from beaker.wire.signing import Signer
from tests.kit.recording_front import PATIENCE_S

INFO: dict[str, Any] = {
    "status": "ok",
    "protocol_version": "5.4",
    "implementation": "scripted",
    "language_info": {"name": "python", "version": "3.11"},
    "supported_features": ["kernel subshells", "debugger"],
    "banner": "A scripted kernel\n",
    "help_links": [],
}

KEY = "the-key-of-the-subkernel"


class Received(NamedTuple):
    """One request that reached the subkernel."""

    channel: str
    idents: list[bytes]
    parts: Parts

    @property
    def header(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[HEADER]))

    @property
    def msg_id(self) -> str:
        """Of the request."""
        return str(self.header["msg_id"])

    @property
    def kind(self) -> str:
        """The msg_type."""
        return str(self.header["msg_type"])

    @property
    def content(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[CONTENT]))

    @property
    def metadata(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[METADATA]))


class ScriptedSubkernel:
    """One life of a subkernel.

    Args:
        folder: for its sockets; short.
        echoes: it answers under the session id of each request, as some kernels do, instead of under one of its own.
        answers: whether it answers `kernel_info_request` by itself.
    """

    def __init__(self, folder: Path, *, generation: int = 1, echoes: bool = False, answers: bool = True, language: str = "python") -> None:
        self.generation = generation
        self.session_id = f"session-of-{generation}"
        self.info = {**INFO, "language_info": {**INFO["language_info"], "name": language}}
        self.answers = answers
        self.behind_a_cell = False
        """A cell runs, so that only control answers by itself."""
        self.beats = True
        """Whether the heartbeat echoes."""
        self.beats_heard = 0
        self.received: list[Received] = []
        """All requests but those that it answered by itself."""
        self.connection = Connection(
            transport="ipc", ip=str(folder / f"s{generation}"), shell_port=1, iopub_port=2, stdin_port=3, control_port=4, hb_port=5, key=KEY
        )
        self._echoes = echoes
        self._composer = Composer(self.session_id, "x")
        self._signer = Signer(KEY.encode())
        self._unread: list[Received] = []
        self._news = asyncio.Event()
        self._listened = asyncio.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets = {name: self._router(name) for name in ("shell", "control", "stdin")}
        self._sockets["iopub"] = EdgeSocket(self._context, "xpub", lambda _: self._listened.set(), send_limit=NONE)
        self._sockets["hb"] = EdgeSocket(self._context, "router", self._beat, send_limit=NONE)
        for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1):
            self._sockets[name].bind(f"ipc://{self.connection.ip}-{number}")

    def as_announced(self, *, adopted: bool = False, interrupt_mode: Any = "signal") -> Subkernel:
        """What the Supervisor tells about it."""
        return Subkernel(
            generation=self.generation,
            spec_name="scripted",
            display_name="Scripted",
            language=self.info["language_info"]["name"],
            pid=None,
            interrupt_mode=interrupt_mode,
            connection=self.connection,
            started_at=1_700_000_000.0,
            adopted=adopted,
        )

    async def expect(self, kind: str = "execute_request") -> Received:
        """Take the oldest request of this kind that was not taken yet, waiting for it."""

        def found() -> list[Received]:
            return [request for request in self._unread if request.kind == kind][:1]

        try:
            async with asyncio.timeout(PATIENCE_S):
                while not found():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} within {PATIENCE_S:g} s; unread: {[each.kind for each in self._unread]}") from None
        (request,) = found()
        self._unread.remove(request)
        return request

    async def listened(self) -> None:
        """Wait until somebody listens on iopub: what is said before is heard by nobody."""
        async with asyncio.timeout(PATIENCE_S):
            await self._listened.wait()

    def publish(
        self,
        kind: str,
        content: object,
        parent: Received | None = None,
        *,
        metadata: dict[str, object] | None = None,
        buffers: Sequence[bytes] = (),
    ) -> Parts:
        """Say something on iopub; returns the parts."""
        return self._send("iopub", [f"kernel.{kind}".encode()], kind, content, parent, metadata, buffers)

    def reply(
        self, request: Received, content: object = None, *, metadata: dict[str, object] | None = None, buffers: Sequence[bytes] = ()
    ) -> Parts:
        """Answer a request, `ok` unless said otherwise; returns the parts."""
        kind = request.kind.removesuffix("_request") + "_reply"
        return self._send(request.channel, request.idents, kind, content or {"status": "ok"}, request, metadata, buffers)

    def ask_input(self, request: Received, prompt: str = "? ") -> Parts:
        """The cell calls `input()`."""
        return self._send("stdin", request.idents, "input_request", {"prompt": prompt, "password": False}, request, None, ())

    def busy(self, request: Received) -> None:
        """The request was begun."""
        self.publish("status", status("busy"), request)

    def idle(self, request: Received) -> None:
        """The request is over."""
        self.publish("status", status("idle"), request)

    def begin(self, request: Received, count: int) -> None:
        """Begin a cell: busy, and its execute_input with this number."""
        self.busy(request)
        self.publish("execute_input", {"code": request.content["code"], "execution_count": count}, request)

    def end(self, request: Received, count: int) -> None:
        """End a cell well."""
        self.reply(request, {"status": "ok", "execution_count": count, "user_expressions": {}, "payload": []})
        self.idle(request)

    def run(self, request: Received, count: int) -> None:
        """A cell from begin to end."""
        self.begin(request, count)
        self.end(request, count)

    async def expect_code(self, count: int = 1) -> Received:
        """Take the next cell that is no comment in the place of one of ours; those are run at once.

        Args:
            count: the number of the first of them.
        """
        while (request := await self.expect()).content["code"].startswith("# %"):
            self.run(request, count)
            count += 1
        return request

    def codes(self) -> list[str]:
        """What reached it to be run, without such comments."""
        codes = [str(request.content["code"]) for request in self.received if request.kind == "execute_request"]
        return [code for code in codes if not code.startswith("# %")]

    def send_raw(self, channel: str, frames: list[bytes]) -> None:
        """Frames as they are."""
        self._sockets[channel].send(frames)

    def pause(self, channel: str) -> None:
        """Read no requests; who sends them is made to wait after some 300 kB."""
        self._sockets[channel].pause()

    def resume(self, channel: str) -> None:
        """Read again."""
        self._sockets[channel].resume()

    def die(self) -> None:
        """Be gone, with all that was not read; what was sent before still arrives."""
        for socket in self._sockets.values():
            socket.close()
        self._context.term()

    def _router(self, channel: str) -> EdgeSocket:
        return EdgeSocket(self._context, "router", lambda frames: self._take(channel, frames), receive_limit=FEW, send_limit=NONE)

    def _beat(self, frames: list[bytes]) -> None:
        self.beats_heard += 1
        if self.beats:
            self._sockets["hb"].reach(frames)

    def _take(self, channel: str, frames: list[bytes]) -> None:
        idents, signature, parts = split(frames)
        self._signer.check(signature, parts)
        request = Received(channel, idents, parts)
        if request.kind == "kernel_info_request" and self.answers and not (self.behind_a_cell and channel == "shell"):
            self.busy(request)
            self.reply(request, self.info)
            self.idle(request)
            return
        self.received.append(request)
        self._unread.append(request)
        self._news.set()

    def _send(
        self,
        channel: str,
        idents: list[bytes],
        kind: str,
        content: object,
        parent: Received | None,
        metadata: dict[str, object] | None,
        buffers: Sequence[bytes],
    ) -> Parts:
        self._composer.session_id = str(parent.header["session"]) if self._echoes and parent else self.session_id
        header = parent.parts[HEADER] if parent else b"{}"
        parts = [*self._composer.message(kind, content, parent=header, metadata=metadata), *buffers]
        frames = join(idents, self._signer.sign(parts), parts)
        if channel == "iopub":
            self._sockets[channel].send(frames)
        else:
            self._sockets[channel].reach(frames)  # or nobody, where the one that asked has left
        return parts
