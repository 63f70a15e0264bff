"""The ways to a kernel that a `Player` plays on, as raw as they are: here the sockets of a connection file."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import zmq

LIMIT_S = 60
"""Ends a hang: each step takes milliseconds."""

_DELIMITER = b"<IDS|MSG>"


class Wire(Protocol):
    """The way to a kernel."""

    def send(self, channel: str, parts: list[bytes]) -> None:
        """Send a message: its four documents, and buffers."""

    def receive(self, limit_s: float) -> Iterator[tuple[str, list[bytes]]]:
        """What has come, by channels; waits so long for the first of it."""

    def close(self) -> None:
        """Leave."""


class ZmqWire:
    """The sockets of a connection file.

    Args:
        info: what stands in the file.
        session: the client's own id.
    """

    def __init__(self, info: dict[str, Any], session: str) -> None:
        self._info = info
        self._key = info["key"].encode() if isinstance(info["key"], str) else info["key"]
        self._session = session
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        kinds = {"control": zmq.DEALER, "shell": zmq.DEALER, "stdin": zmq.DEALER, "iopub": zmq.SUB}
        self._sockets = {name: self._connect(name, kind) for name, kind in kinds.items()}
        self._poller = zmq.Poller()
        for socket in self._sockets.values():
            self._poller.register(socket, zmq.POLLIN)

    def _connect(self, name: str, kind: int) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        socket.linger = 0
        if kind == zmq.DEALER:
            socket.setsockopt(zmq.IDENTITY, self._session.encode())  # input() is asked of the identity whose cell it is
        if kind == zmq.SUB:
            socket.setsockopt(zmq.RCVHWM, 0)
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.connect(f"tcp://{self._info['ip']}:{self._info[f'{name}_port']}")
        return socket

    def send(self, channel: str, parts: list[bytes]) -> None:
        """Send a message: its four documents, and buffers."""
        self._sockets[channel].send_multipart([_DELIMITER, self._signed(parts[:4]), *parts])

    def receive(self, limit_s: float) -> Iterator[tuple[str, list[bytes]]]:
        """What has come, by channels; waits so long for the first of it."""
        for socket, _ in self._poller.poll(int(limit_s * 1000) + 1):
            yield next(name for name, each in self._sockets.items() if each is socket), self._read(socket)

    def first_of_another(self, meanwhile: Callable[[], None]) -> list[bytes]:
        """Subscribe once more, and give the parts of the first message that comes there.

        Args:
            meanwhile: has the kernel publish something.
        """
        socket = self._connect("iopub", zmq.SUB)
        try:
            deadline = time.monotonic() + LIMIT_S
            while not socket.poll(100):  # a subscription takes a moment, and what was published before it never comes
                assert time.monotonic() < deadline, "nothing came"
                meanwhile()
            return self._read(socket)
        finally:
            socket.close()

    def close(self) -> None:
        """Leave."""
        self._context.destroy(linger=0)

    def _read(self, socket: "zmq.Socket[bytes]") -> list[bytes]:
        frames = socket.recv_multipart()
        start = frames.index(_DELIMITER) + 1
        signature, *parts = frames[start:]
        assert signature == self._signed(parts[:4]), "the signature is wrong"
        return parts

    def _signed(self, documents: list[bytes]) -> bytes:
        return hmac.new(self._key, b"".join(documents), hashlib.sha256).hexdigest().encode()
