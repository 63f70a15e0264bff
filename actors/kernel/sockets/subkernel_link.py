"""The side that the subkernel sees: a client of its four message channels and its heartbeat.

It owns the subkernel's key and one private session id. Requests of our own (kernel_info at the start, looks, the comments that hold
the place of `%%ai` cells) go out under that session id, which is how their echoes on iopub are told from those that
belong to clients. The dealers keep one identity per kernel: after this process was killed, its successor gets the
replies that were meant for it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from actors.kernel.sockets.front import TRACE_CHARS
from actors.kernel.sockets.outputs import Outputs
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import FEW, SOME, open_context
from actors.runtime.trace import current_trace
from beaker.errors import BeakerError
from beaker.messages.subkernel import Connection
from beaker.wire.compose import Composer
from beaker.wire.parts import CONTENT, HEADER, PARENT, Header, Parts, WireError, join, read_header, split
from beaker.wire.signing import Signer


class SubkernelGone(BeakerError):
    """The link was closed while an answer was awaited."""


class LinkHandlers(Protocol):
    """Who is told what the subkernel sends for clients; `parent` is the header it answers to."""

    def shell_reply(self, header: Header, parent: Header, parts: Parts) -> None: ...
    def control_reply(self, header: Header, parent: Header, parts: Parts) -> None: ...
    def input_request(self, parent: Header, parts: Parts) -> None: ...
    def iopub_message(self, topic: list[bytes], header: Header, parent: Header, parts: Parts) -> None: ...
    def private_iopub(self, header: Header, parent: Header, parts: Parts) -> None: ...
    def shell_flushed(self) -> None: ...


class SubkernelLink:
    """Connected to one life of a subkernel.

    Args:
        identity: the ZeroMQ identity of the dealers, the same for all lives of this kernel's process.
        private: composes our own requests, under the private session id.
    """

    def __init__(
        self,
        connection: Connection,
        handlers: LinkHandlers,
        *,
        identity: bytes,
        private: Composer,
        on_dropped: Callable[[str, str], None],
    ) -> None:
        self._handlers = handlers
        self._signer = Signer(connection.key.encode(), connection.signature_scheme)
        # The ipc sockets lie in a folder that only this user can enter; checking 200 MB of outputs there proves nothing.
        self._check_signatures = connection.transport != "ipc"
        self._on_dropped = on_dropped
        self._private = private
        self._answers: dict[str, asyncio.Future[Parts]] = {}
        self._context = open_context()
        self._loop = asyncio.get_running_loop()
        self.iopub_is_live = self._loop.create_future()
        """Done once a first message came in on iopub: from then on none is missed."""
        self.has_idled = self._loop.create_future()
        """Done once it was idle after a request of our own: what it publishes as it starts has come, behind which that stands."""
        self.heartbeat_at = time.monotonic()
        """Monotonic time of the last echo."""
        self._beating = False
        self._closed = False

        def dealer(take: Callable[[Header, Header, Parts], None], channel: str) -> EdgeSocket:
            # Few: what the subkernel does not take waits here, where its bytes are counted.
            return EdgeSocket(
                self._context,
                "dealer",
                lambda frames: self._take(channel, frames, take),
                identity=identity,
                receive_limit=SOME,
                send_limit=FEW,
            )

        self._shell = dealer(self._shell_reply, "shell")
        self._control = dealer(self._control_reply, "control")
        self._stdin = dealer(lambda _header, parent, parts: handlers.input_request(parent, parts), "stdin")
        self._iopub = Outputs(self._context, self._iopub_message)
        self._hb = EdgeSocket(self._context, "dealer", lambda _frames: self._echoed())
        self._shell.on_flushed = handlers.shell_flushed
        for socket, port in (
            (self._iopub, connection.iopub_port),
            (self._shell, connection.shell_port),
            (self._control, connection.control_port),
            (self._stdin, connection.stdin_port),
            (self._hb, connection.hb_port),
        ):
            socket.connect(_address(connection, port))

    def send_shell(self, parts: Parts) -> bool:
        """Pass a request on; False when too much waits for the subkernel (`shell_flushed` tells when nothing does)."""
        return self._shell.send(join([], self._signer.sign(parts), parts))

    def send_control(self, parts: Parts) -> None:
        """Pass a control request on."""
        self._control.send(join([], self._signer.sign(parts), parts))

    def send_stdin(self, parts: Parts) -> None:
        """Pass an input_reply on."""
        self._stdin.send(join([], self._signer.sign(parts), parts))

    @property
    def shell_is_full(self) -> bool:
        """Whether so much waits on shell that nothing more should come; so of the others."""
        return self._shell.full

    @property
    def control_is_full(self) -> bool:
        return self._control.full

    @property
    def stdin_is_full(self) -> bool:
        return self._stdin.full

    async def ask(self, channel: str, msg_type: str, content: object, *, subshell_id: str = "") -> Parts:
        """Send a request of our own and wait for its reply; see `begin`."""
        return await self.begin(channel, msg_type, content, subshell_id=subshell_id)

    def begin(self, channel: str, msg_type: str, content: object, *, subshell_id: str = "") -> "asyncio.Future[Parts]":
        """Send a request of our own on `shell` or `control`, here and now: it stands ahead of all that is sent later.

        Args:
            channel: `shell` or `control`.
            msg_type: as the Jupyter specification names it.
            content: what it says.
            subshell_id: the subshell that is to answer; empty for the main one.

        Returns:
            Its reply; cancelled, nobody waits for that any more.

        Raises:
            SubkernelGone: the link is closed; of the reply: it was closed meanwhile.
        """
        if self._closed:
            raise SubkernelGone
        parts = self._private.message(msg_type, content, subshell_id=subshell_id)
        msg_id = read_header(parts[HEADER]).msg_id
        self._answers[msg_id] = answer = self._loop.create_future()

        def forget(over: "asyncio.Future[Parts]") -> None:
            self._answers.pop(msg_id, None)
            if not over.cancelled():
                over.exception()  # or asyncio would complain of a link that was closed while nobody waited

        answer.add_done_callback(forget)
        if channel == "shell":
            self.send_shell(parts)
        else:
            self.send_control(parts)
        return answer

    def ping(self) -> None:
        """Ask for a heartbeat unless one is under way."""
        if not self._beating:
            self._beating = True
            self._hb.send([b"", b"ping"])  # the empty frame is what a REP socket, as in R, asks of its peers

    @property
    def drained(self) -> int:
        """How many messages of iopub were read and not relayed yet."""
        return self._iopub.drained

    @property
    def outputs(self) -> int:
        """How many messages of iopub that are no status were relayed."""
        return self._iopub.count

    def drain(self) -> int:
        """Read what lies in the sockets now: last words of a subkernel that died. Returns how many messages it was."""
        return self._shell.read_all() + self._control.read_all() + self._iopub.drain()

    def close(self) -> None:
        """Disconnect; whoever awaits an answer gets SubkernelGone."""
        self._closed = True
        self._iopub.close()
        for socket in (self._shell, self._control, self._stdin, self._hb):
            # What was not delivered yet belongs to a process that is gone; ending the context would wait for it.
            socket.close(linger_ms=0)
        for answer in list(self._answers.values()):
            if not answer.done():
                answer.set_exception(SubkernelGone())
        self.iopub_is_live.cancel()
        self.has_idled.cancel()
        self._context.term()

    def _take(self, channel: str, frames: list[bytes], take: Callable[[Header, Header, Parts], None]) -> None:
        try:
            self._iopub.hurry()
        finally:  # the reply has been read, whatever becomes of an output
            self._hand_on(channel, frames, take)

    def _hand_on(self, channel: str, frames: list[bytes], take: Callable[[Header, Header, Parts], None]) -> None:
        try:
            _, signature, parts = split(frames)
            if self._check_signatures:
                self._signer.check(signature, parts)
            header, parent = read_header(parts[HEADER]), read_header(parts[PARENT])
        except WireError as error:
            self._on_dropped(channel, str(error))
            return
        current_trace.set(parent.msg_id[:TRACE_CHARS])
        take(header, parent, parts)

    def _shell_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        if not self._answered(parent, parts):
            self._handlers.shell_reply(header, parent, parts)

    def _control_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        if not self._answered(parent, parts):
            self._handlers.control_reply(header, parent, parts)

    def _answered(self, parent: Header, parts: Parts) -> bool:
        answer = self._answers.get(parent.msg_id)
        if answer is None:
            return False
        if not answer.done():
            answer.set_result(parts)
        return True

    def _iopub_message(self, frames: list[bytes]) -> str:
        try:
            topic, signature, parts = split(frames)
            if self._check_signatures:
                self._signer.check(signature, parts)
            header, parent = read_header(parts[HEADER]), read_header(parts[PARENT])
        except WireError as error:
            self._on_dropped("iopub", str(error))
            return ""
        if not self.iopub_is_live.done():
            self.iopub_is_live.set_result(None)
        if header.msg_type == "iopub_welcome":
            return header.msg_type  # meant for us; our own clients get ours
        current_trace.set(parent.msg_id[:TRACE_CHARS])
        if parent.session == self._private.session_id:
            if not self.has_idled.done() and header.msg_type == "status" and b'"idle"' in parts[CONTENT]:
                self.has_idled.set_result(None)
            self._handlers.private_iopub(header, parent, parts)
        else:
            self._handlers.iopub_message(topic, header, parent, parts)
        return header.msg_type

    def _echoed(self) -> None:
        self._beating = False
        self.heartbeat_at = time.monotonic()


def _address(connection: Connection, port: int) -> str:
    separator = "-" if connection.transport == "ipc" else ":"
    return f"{connection.transport}://{connection.ip}{separator}{port}"
