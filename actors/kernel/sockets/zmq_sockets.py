"""How a ZeroMQ socket of the Jupyter edge is made: its kind, its limits, its keys and its address.

libzmq's limits (high-water marks) count messages, of whatever size, per peer and direction. Two of them are right for us: none,
where somebody else keeps account by bytes (iopub, replies: `lane.py`), and few, where the other side is to wait.
"""

from typing import Literal

import zmq

from beaker.errors import BeakerError

Kind = Literal["router", "dealer", "sub", "xpub", "manual xpub"]
_KINDS: dict[Kind, int] = {"router": zmq.ROUTER, "dealer": zmq.DEALER, "sub": zmq.SUB, "xpub": zmq.XPUB, "manual xpub": zmq.XPUB}

Socket = zmq.Socket[bytes]
Context = zmq.Context[zmq.Socket[bytes]]


class _BareSocket(zmq.Socket[bytes]):
    """Sends without pyzmq's layer of Python, which looks after draft sockets and costs as much as the sending of a small frame (m)."""

    send = zmq.backend.Socket.send  # type: ignore[assignment]  # it has no parameters for draft sockets


class _BareContext(zmq.Context[zmq.Socket[bytes]]):
    """Makes such sockets."""

    _socket_class = _BareSocket


FEW = 8
"""Messages that libzmq may hold where the other side is to wait. With each half of them its thread is woken to go on: with 8
an ordinary cell does not feel it, with 1 it costs 45 us (m)."""
SOME = 64
"""Where we always read, and only a burst may pile up."""
USUAL = 1000
"""libzmq's own."""
NONE = 0
"""No limit."""


class AddressError(BeakerError):
    """A socket could not be bound; the sentence names the address and why."""


class Curve:
    """The CURVE key pair that a connection file may carry (jupyter_client 8.10); for our side as the server."""

    def __init__(self, public: str, secret: str) -> None:
        self.public = public.encode()
        self.secret = secret.encode()

    def serve(self, socket: Socket) -> None:
        """Let only clients in that know the public key."""
        socket.curve_secretkey = self.secret
        socket.curve_publickey = self.public
        socket.curve_server = True


def open_context() -> Context:
    """A context with one thread for its sockets."""
    return _BareContext(io_threads=1)


def make_socket(
    context: Context,
    kind: Kind,
    *,
    identity: bytes = b"",
    receive_limit: int = USUAL,
    send_limit: int = USUAL,
    max_message_bytes: int = -1,
    curve: Curve | None = None,
) -> Socket:
    """Make a socket that is not bound or connected yet.

    Args:
        kind: `router` and both `xpub` bind, `dealer` and `sub` connect.
        identity: what the other side knows a dealer by.
        receive_limit, send_limit: how many messages libzmq may hold for each peer: FEW, SOME, USUAL or NONE.
        max_message_bytes: a peer that sends a larger frame is disconnected.
    """
    socket = context.socket(_KINDS[kind])
    socket.setsockopt(zmq.MAXMSGSIZE, max_message_bytes)
    # Of a peer that has left. By default libzmq keeps for ever what it could not send, and then cannot be ended.
    socket.linger = 0
    socket.sndhwm = send_limit
    socket.rcvhwm = receive_limit
    if identity:
        socket.setsockopt(zmq.IDENTITY, identity)
    if kind == "router":
        # A client that reconnects under its old identity takes it over from the dead connection.
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        # A reply for a client that is not connected now is an error to us instead of silence.
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    if kind in {"xpub", "manual xpub"}:
        # Each subscriber is seen, and hears nothing before we were told of it: its iopub_welcome is the first.
        socket.setsockopt(zmq.XPUB_MANUAL, 1)
    if kind == "sub":
        socket.subscribe(b"")
    if kind in {"dealer", "sub"}:
        # A subkernel binds a moment after we connect; the default of 100 ms would be its start-up time.
        socket.setsockopt(zmq.RECONNECT_IVL, 5)
    if curve is not None:
        curve.serve(socket)
    return socket


def bind_socket(socket: Socket, address: str) -> int | None:
    """Bind; returns the port when `address` was a tcp address with port 0, else None.

    Raises:
        AddressError: the address is in use or not this machine's.
    """
    try:
        if address.startswith("tcp://") and address.endswith(":0"):
            return socket.bind_to_random_port(address[: -len(":0")])
        socket.bind(address)
    except zmq.ZMQError as error:
        raise AddressError(f"cannot listen on {address}: {error.strerror}") from None
    return None
