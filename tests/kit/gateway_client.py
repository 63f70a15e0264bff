"""A stock jupyter_client whose channels are one websocket of a gateway: what a test does with a kernel's own sockets it does with this.

Everything above the channels is jupyter_client's own, so a test cannot tell by which way its kernel is reached. jupyter_server has
such a client too, which reads no buffers and looks for messages in a loop without a pause.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal

import websocket
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.session import Session

from beaker.wire.websocket import V1, WebsocketChannel, decode_legacy, decode_v1, encode_legacy, encode_v1

Framing = Literal["v1", "legacy"]

CHANNELS: Final[tuple[WebsocketChannel, ...]] = ("shell", "control", "stdin", "iopub")
CONNECT_LIMIT_S = 60.0
"""Ends a hang."""


class KernelSocket:
    """One websocket on a kernel, read by a thread.

    Args:
        url: of the gateway, as it prints it.
        session_id: the client's own.
        on_message: is given the parts of each message, in that thread: its four documents, and its buffers behind them.
    """

    def __init__(
        self,
        url: str,
        token: str,
        kernel_id: str,
        on_message: Callable[[WebsocketChannel, list[bytes]], None],
        *,
        session_id: str,
        framing: Framing = "v1",
    ) -> None:
        self.framing: Framing = framing
        self._on_message = on_message
        self._socket = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={session_id}",
            header=[f"Authorization: token {token}"],
            subprotocols=[V1] if framing == "v1" else None,
            timeout=CONNECT_LIMIT_S,
            enable_multithread=True,
        )
        assert self._socket.getsubprotocol() == (V1 if framing == "v1" else None)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read_all, name=f"websocket-{kernel_id}", daemon=True)
        self._reader.start()

    def send(self, channel: WebsocketChannel, parts: list[bytes]) -> None:
        """Send a message: its four documents, and buffers."""
        if self.framing == "v1":
            self._socket.send_binary(encode_v1(channel, parts))
            return
        data = encode_legacy(channel, parts)
        (self._socket.send if isinstance(data, str) else self._socket.send_binary)(data)  # type: ignore[arg-type]  # as just looked at

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self._reader.is_alive()

    def hear_the_end(self) -> None:
        """Read on until the other side has closed it."""
        self._reader.join(CONNECT_LIMIT_S)
        assert not self.is_open, "nobody has closed it"

    def close(self) -> None:
        """Leave."""
        with suppress(websocket.WebSocketException, OSError):  # it may have gone already
            self._socket.close(timeout=2)
        self._reader.join(CONNECT_LIMIT_S)

    def _read_all(self) -> None:
        with suppress(websocket.WebSocketException, OSError):  # closed, by whichever side
            while data := self._socket.recv():
                channel, parts = decode_v1(_bytes(data)) if self.framing == "v1" else decode_legacy(data)
                self._on_message(channel, parts)


def _bytes(data: str | bytes) -> bytes:
    assert isinstance(data, bytes), f"text in a binary framing: {data[:80]!r}"
    return data


class _Channel:
    """One channel of it, with what jupyter_client's have, whoever waits for its messages."""

    def __init__(self, name: WebsocketChannel, socket: KernelSocket, session: Session) -> None:
        self._name: WebsocketChannel = name
        self._socket = socket
        self._session = session

    def send(self, message: Mapping[str, Any]) -> None:  # Any: JSON
        """Send what `Session.msg` has made."""
        documents = [self._session.pack(message[part]) for part in ("header", "parent_header", "metadata", "content")]
        self._socket.send(self._name, [*documents, *map(bytes, message.get("buffers", []))])

    def start(self) -> None:
        """It is open."""

    def stop(self) -> None:
        """It closes with the client."""

    def is_alive(self) -> bool:
        """As long as the websocket is open."""
        return self._socket.is_open

    def _read(self, parts: list[bytes]) -> dict[str, Any]:  # Any: as above
        message: dict[str, Any] = self._session.deserialize([b"", *parts])
        return message


class SocketChannel(_Channel):
    """For who waits by standing still."""

    def __init__(self, name: WebsocketChannel, socket: KernelSocket, session: Session, came: "queue.Queue[list[bytes]]") -> None:
        super().__init__(name, socket, session)
        self._came = came

    def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # Any: as above
        """The next message.

        Raises:
            queue.Empty: none came in time.
        """
        return self._read(self._came.get(timeout=timeout) if timeout is None or timeout > 0 else self._came.get_nowait())

    def msg_ready(self) -> bool:
        """Whether one is there."""
        return not self._came.empty()


class AsyncSocketChannel(_Channel):
    """For who waits on an event loop."""

    def __init__(self, name: WebsocketChannel, socket: KernelSocket, session: Session, came: "asyncio.Queue[list[bytes]]") -> None:
        super().__init__(name, socket, session)
        self._came = came

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # Any: as above
        """The next message.

        Raises:
            queue.Empty: none came in time.
        """
        try:
            return self._read(await asyncio.wait_for(self._came.get(), timeout))
        except TimeoutError:
            raise queue.Empty from None

    async def msg_ready(self) -> bool:
        """Whether one is there."""
        return not self._came.empty()


class GatewayClient(BlockingKernelClient):
    """A blocking client of a kernel of a gateway.

    Args:
        former: an earlier one, to come back as that: what it has got is got, and stands in front of what comes.
    """

    def __init__(self, url: str, token: str, kernel_id: str, *, framing: Framing = "v1", former: "GatewayClient | None" = None) -> None:
        named = {} if former is None else {"session": former.session.session}
        super().__init__(session=Session(key=b"", **named))  # what signs is the gateway's own link
        self.came: dict[str, queue.Queue[list[bytes]]] = {name: queue.Queue() for name in CHANNELS} if former is None else former.came
        came = self.came
        self.websocket = KernelSocket(
            url, token, kernel_id, lambda name, parts: came[name].put(parts), session_id=self.session.session, framing=framing
        )
        for name in CHANNELS:
            setattr(self, f"_{name}_channel", SocketChannel(name, self.websocket, self.session, came[name]))

    def start_channels(self, shell: bool = True, iopub: bool = True, stdin: bool = True, hb: bool = True, control: bool = True) -> None:
        """They are."""

    def stop_channels(self) -> None:
        """Leave."""
        self.websocket.close()


class AsyncGatewayClient(AsyncKernelClient):
    """An asynchronous client of a kernel of a gateway; made on the loop on which it is used."""

    def __init__(self, url: str, token: str, kernel_id: str, *, framing: Framing = "v1") -> None:
        super().__init__(session=Session(key=b""))
        loop = asyncio.get_running_loop()
        came: dict[str, asyncio.Queue[list[bytes]]] = {name: asyncio.Queue() for name in CHANNELS}

        def take(name: WebsocketChannel, parts: list[bytes]) -> None:
            loop.call_soon_threadsafe(came[name].put_nowait, parts)

        self.websocket = KernelSocket(url, token, kernel_id, take, session_id=self.session.session, framing=framing)
        for name in CHANNELS:
            setattr(self, f"_{name}_channel", AsyncSocketChannel(name, self.websocket, self.session, came[name]))

    def start_channels(self, shell: bool = True, iopub: bool = True, stdin: bool = True, hb: bool = True, control: bool = True) -> None:
        """They are."""

    def stop_channels(self) -> None:
        """Leave."""
        self.websocket.close()
