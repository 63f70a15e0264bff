"""Edge-triggered sockets with real peers, for the tests of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import NONE, USUAL, Kind
from tests.kit.kernel_stage import until

MANY = 20_000


class Interruptible(zmq.Socket[bytes]):
    """A socket of a process that something happens to just before it sends."""

    def send(self, *args: Any, **options: Any) -> Any:  # Any: as its overloads
        context = self.context
        assert isinstance(context, Context)
        happens, context.before_next_send = context.before_next_send, None
        if happens is not None:
            happens()
        return super().send(*args, **options)


class Context(zmq.Context[zmq.Socket[bytes]]):
    """Makes sockets of that kind."""

    _socket_class = Interruptible
    before_next_send: Callable[[], None] | None = None


class Edges:
    """Makes edge sockets and plain peers of one test, and closes them."""

    def __init__(self, folder: Path) -> None:
        self.context = Context()
        self.address = f"ipc://{folder}/z"
        """Of the one socket that binds. Through `inproc://z` a message is there as soon as it was sent."""
        self._edges: list[EdgeSocket] = []
        self._peers: list[zmq.Socket[bytes]] = []

    def edge(
        self,
        kind: Kind,
        receive: Callable[[list[bytes]], None] = lambda _: None,
        *,
        receive_limit: int = USUAL,
        send_limit: int = NONE,
        max_message_bytes: int = -1,
    ) -> EdgeSocket:
        """A socket under test, bound or connected."""
        made = EdgeSocket(
            self.context,
            kind,
            receive,
            identity=b"edge" if kind == "dealer" else b"",
            receive_limit=receive_limit,
            send_limit=send_limit,
            max_message_bytes=max_message_bytes,
        )
        self._edges.append(made)
        (made.bind if kind in {"router", "xpub"} else made.connect)(self.address)
        return made

    def peer(self, kind: int, *, identity: bytes = b"", hwm: int = 1000) -> "zmq.Socket[bytes]":
        """A plain socket at the other end."""
        peer = self.context.socket(kind)
        self._peers.append(peer)
        peer.linger = 0
        peer.hwm = hwm
        if identity:
            peer.setsockopt(zmq.IDENTITY, identity)
        if kind == zmq.SUB:
            peer.subscribe(b"")
        (peer.connect if kind in {zmq.DEALER, zmq.SUB} else peer.bind)(self.address)
        return peer

    def close(self) -> None:
        """Close them all."""
        for made in self._edges:
            made.close(linger_ms=0)
        for peer in self._peers:
            peer.close()
        self.context.term()


async def heard_by(peer: "zmq.Socket[bytes]", count: int) -> list[list[bytes]]:
    """What a peer hears while the loop turns: so many messages."""
    found: list[list[bytes]] = []

    def enough() -> bool:
        while len(found) < count and peer.poll(0):
            found.append(peer.recv_multipart())
        return len(found) >= count

    await until(enough, f"message {count}")
    return found
