"""The side that clients see: the five sockets of a connection file.

It owns the client's key: whatever comes in is checked, taken apart and handed on as parts; whatever goes out is signed
here. A message that cannot be one, is unsigned, signed with another key or a replay is dropped with a log line and never
answered. The KernelActor talks to this class through the `Front` door, so that a gateway's websockets can stand there
instead.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from actors.kernel.sockets.audience import Audience
from actors.kernel.sockets.client_channel import ClientChannel
from actors.kernel.sockets.heartbeat import Heartbeat
from actors.kernel.sockets.lane import LAG_BYTES, STOPPED_S, Rules
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import NONE, Curve, open_context
from actors.runtime.log import Log, SparseLog
from actors.runtime.trace import current_trace
from beaker.kernel.pending import Channel
from beaker.wire.connection_file import ConnectionFile
from beaker.wire.parts import HEADER, PARENT, Header, Parts, WireError, join, read_header, split
from beaker.wire.signing import ReplayGuard, Signer

Incoming = Callable[[list[bytes], Header, Parts], None]
"""Called with the client's identities, the header's fields and the parts."""


TRACE_CHARS = 100
"""Of a msg_id, as the trace of what follows from it: a client's are some 50 characters, and a hostile one's megabytes."""

TOPIC_BYTES = 10_000
"""What a subscriber of iopub may send in one message: nothing but topics comes from there, which libzmq keeps at 50 to 100
times their size. A longer one closes its peer."""


REJOINED_S = 0.3
"""By then whoever was connected to a process that this one replaces is so again on iopub: libzmq tries after 0.1 to 0.2 s, for each
socket by itself. A request is sent as soon as its own is there, and what is said of it on iopub would be heard by nobody: a client
that waits for an idle would do so for ever. For an interrupt this is little beside the start of the process that it came before."""


class Front(Protocol):
    """What the KernelActor needs of the clients' side."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Of its five sockets, by their names in a connection file."""
        ...

    def send_shell(self, idents: list[bytes], parts: Parts) -> None:
        """A reply on the shell channel."""
        ...

    def send_control(self, idents: list[bytes], parts: Parts) -> None:
        """A reply on the control channel."""
        ...

    def send_stdin(self, idents: list[bytes], parts: Parts) -> None:
        """An input_request."""
        ...

    def publish(self, topic: list[bytes], parts: Parts) -> None:
        """To all subscribers."""
        ...

    def pause_shell(self) -> None:
        """Read no requests until `resume_shell`; clients wait."""
        ...

    def resume_shell(self) -> None:
        """Read requests again."""
        ...

    def has_reply(self, channel: Channel, idents: list[bytes], parent: bytes, since: float) -> bool:
        """Whether a request has the reply of a KernelActor before this one, which its client has or will have.

        Args:
            since: monotonic; clients may have used its id before.
        """
        ...

    def has_idle(self, parent: bytes, since: float) -> bool:
        """Whether that one has said that a request is over."""
        ...

    def unended(self) -> Sequence[tuple[Channel, list[bytes], bytes]]:
        """Requests that it has answered, and of which it has not said that: channel, identities, and the header document."""
        ...

    def close(self) -> None:
        """Let last words leave, then stop."""
        ...


class Handlers(Protocol):
    """Who is told what clients send."""

    def shell_request(self, idents: list[bytes], header: Header, parts: Parts) -> None: ...
    def control_request(self, idents: list[bytes], header: Header, parts: Parts) -> None: ...
    def stdin_reply(self, idents: list[bytes], header: Header, parts: Parts) -> None: ...
    def subscribed(self, topic: bytes) -> None: ...
    def missed(self, count: int, parent: bytes) -> Parts: ...
    def reply_lost(self, msg_type: str, parent: bytes, reason: str) -> None: ...
    def reply_waits(self, channel: Channel, idents: list[bytes], parent: bytes) -> None: ...
    def reply_left(self, channel: Channel, parent: bytes) -> None: ...
    def answer_lost(self, reply: Parts) -> Parts: ...


class ZmqFront:
    """Binds the sockets of one connection file.

    Args:
        file: ports that are 0 are chosen; see `chosen_ports`.
        max_message_bytes: larger frames close the peer that sends them; on iopub, larger than TOPIC_BYTES.
        lag_bytes, stopped_s: when a client that does not read misses outputs or replies; see `Rules`.
        rejoined_s: how long requests wait at first.

    Raises:
        AddressError: a port is taken.
        UnknownScheme: the file's signature scheme cannot be computed.
    """

    def __init__(
        self,
        file: ConnectionFile,
        handlers: Handlers,
        *,
        max_message_bytes: int,
        lag_bytes: int = LAG_BYTES,
        stopped_s: float = STOPPED_S,
        rejoined_s: float = 0.0,
        log: Log,
    ) -> None:
        self._junk = SparseLog(log, "message.dropped")
        self._signer = Signer(file.key.encode(), file.signature_scheme)
        self._replays = ReplayGuard()
        self._context = open_context()
        curve = Curve(file.curve_publickey, file.curve_secretkey) if file.curve_publickey and file.curve_secretkey else None

        limits = Rules(_describe, lag_bytes, stopped_s, asyncio.get_running_loop().time, log, "reply.dropped", lost=handlers.reply_lost)

        def noted(name: Channel) -> Rules:
            def waits(frames: list[bytes]) -> None:
                idents, _, parts = split(frames)
                handlers.reply_waits(name, idents, parts[PARENT])

            return limits._replace(waits=waits, left=partial(handlers.reply_left, name))

        def channel(name: str, incoming: Incoming, rules: Rules) -> ClientChannel:
            def receive(frames: list[bytes]) -> None:
                self._take(name, frames, made.heard, incoming)

            made = ClientChannel(self._context, receive, rules=rules, max_message_bytes=max_message_bytes, curve=curve)
            return made

        self._shell = channel("shell", handlers.shell_request, noted("shell"))
        self._control = channel("control", handlers.control_request, noted("control"))
        self._stdin = channel("stdin", handlers.stdin_reply, limits)

        def notice(count: int, parent: bytes) -> list[bytes]:
            return self._framed([b"beaker.stream"], handlers.missed(count, parent))

        self._audience = Audience(on_subscribed=handlers.subscribed, rules=limits._replace(event="iopub.dropped", notice=notice, lost=None))
        self._iopub = self._audience.socket = EdgeSocket(
            self._context,
            "manual xpub",
            self._audience.event,
            receive_limit=NONE,
            send_limit=NONE,
            max_message_bytes=min(max_message_bytes, TOPIC_BYTES),
            curve=curve,
        )
        self._heartbeat: Heartbeat | None = None
        self._full = False
        """Whoever is given requests wants no more now."""
        self._rejoining: asyncio.TimerHandle | None = None
        if rejoined_s:
            for asked in (self._shell, self._control):
                asked.pause()
            self._rejoining = asyncio.get_running_loop().call_later(rejoined_s, self._rejoined)
        try:
            # Shell last: clients try to connect all the time, and whose request comes in must be able to hear what it leads to.
            chosen = {
                "iopub_port": self._iopub.bind(file.address(file.iopub_port)),
                "stdin_port": self._stdin.bind(file.address(file.stdin_port)),
                "control_port": self._control.bind(file.address(file.control_port)),
            }
            self._heartbeat = Heartbeat(file.address(file.hb_port), curve=curve)
            chosen["shell_port"] = self._shell.bind(file.address(file.shell_port))
        except Exception:  # whatever it was, the sockets bound so far must not stay open
            self.close()
            raise
        chosen["hb_port"] = self._heartbeat.port
        self.chosen_ports = {name: port for name, port in chosen.items() if port is not None}
        """The ports that were left open in the file."""
        self.ports: dict[str, int] = {name: getattr(file, name) for name in chosen} | self.chosen_ports

    def send_shell(self, idents: list[bytes], parts: Parts) -> None:
        self._shell.send(self._framed(idents, parts))

    def send_control(self, idents: list[bytes], parts: Parts) -> None:
        self._control.send(self._framed(idents, parts))

    def send_stdin(self, idents: list[bytes], parts: Parts) -> None:
        self._stdin.send(self._framed(idents, parts))

    def publish(self, topic: list[bytes], parts: Parts) -> None:
        self._audience.publish(self._framed(topic, parts))

    def pause_shell(self) -> None:
        self._full = True
        self._shell.pause()

    def resume_shell(self) -> None:
        self._full = False
        if self._rejoining is None:
            self._shell.resume()

    def _rejoined(self) -> None:
        self._rejoining = None
        self._iopub.read_all()  # the loop may have had no turn until now
        self._control.resume()  # first, as an interrupt overtakes
        if not self._full:
            self._shell.resume()

    def has_reply(self, channel: Channel, idents: list[bytes], parent: bytes, since: float) -> bool:
        del channel, idents, parent, since
        return False  # what waited has ended with the sockets

    def has_idle(self, parent: bytes, since: float) -> bool:
        del parent, since
        return False

    def unended(self) -> Sequence[tuple[Channel, list[bytes], bytes]]:
        return ()

    def close(self) -> None:
        if self._rejoining is not None:
            self._rejoining.cancel()
        self._audience.close()
        for socket in (self._shell, self._control, self._stdin, self._iopub):
            socket.close()
        if self._heartbeat is not None:
            self._heartbeat.close()
        # Waits for the linger time of what is still leaving, at most.
        self._context.term()

    def _take(self, channel: str, frames: list[bytes], heard: Callable[[bytes], None], incoming: Incoming) -> None:
        try:
            idents, signature, parts = split(frames)
            self._signer.check(signature, parts)
            self._replays.admit(signature)
            header = read_header(parts[HEADER])
            if not header.msg_id or not header.msg_type:
                raise WireError("its header has no msg_id or no msg_type")
        except WireError as error:
            self._junk.warning(channel=channel, reason=str(error))
            return
        current_trace.set(header.msg_id[:TRACE_CHARS])
        heard(frames[0])
        incoming(idents, header, parts)

    def _framed(self, idents: list[bytes], parts: Parts) -> list[bytes]:
        return join(idents, self._signer.sign(parts), parts)


def _describe(frames: list[bytes]) -> tuple[str, bytes]:
    """The type and the parent header of a message that was made by `join`."""
    parts = split(frames).parts
    try:
        return read_header(parts[HEADER]).msg_type, parts[PARENT]
    except WireError:
        return "", parts[PARENT]
