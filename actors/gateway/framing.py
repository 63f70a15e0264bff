"""One message for many websockets: encoded once per framing, however many take it."""

from typing import Literal

from aiohttp import WSMsgType

from beaker.wire.parts import Parts, WireError
from beaker.wire.websocket import OnChannel, WebsocketChannel, decode_legacy, decode_v1, encode_legacy, encode_v1

Framing = Literal["v1", "legacy"]

Frame = tuple[bytes, WSMsgType]
"""What goes out, and as what."""


class Message:
    """What the host told, for whoever takes it.

    Args:
        channel: that it came by.
        parts: of the message.
    """

    __slots__ = ("_channel", "_legacy", "_parts", "_v1", "size")

    def __init__(self, channel: WebsocketChannel, parts: Parts) -> None:
        self.size = sum(map(len, parts))
        self._channel: WebsocketChannel = channel
        self._parts = parts
        self._v1: Frame | None = None
        self._legacy: Frame | None = None

    def frame(self, framing: Framing) -> Frame:
        """The message in a framing.

        Raises:
            WireError: it cannot be said in this one.
        """
        if framing == "v1":
            if self._v1 is None:
                self._v1 = (encode_v1(self._channel, self._parts), WSMsgType.BINARY)
            return self._v1
        if self._legacy is None:
            encoded = encode_legacy(self._channel, self._parts)
            self._legacy = (encoded.encode(), WSMsgType.TEXT) if isinstance(encoded, str) else (encoded, WSMsgType.BINARY)
        return self._legacy


def read_frame(framing: Framing, data: str | bytes) -> OnChannel:
    """What a client has sent.

    Raises:
        WireError: it is no message in this framing.
    """
    if framing == "legacy":
        return decode_legacy(data)
    if isinstance(data, str):
        raise WireError("text, where this framing is binary")
    return decode_v1(data)
