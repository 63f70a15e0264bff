"""Encoder and decoder of envelopes, built once per union of messages.

A codec belongs to one end of a link: it encodes any Struct and decodes only the union it was made for, strictly. So
what an actor may be told over a link is written in one place, and anything else is refused before an actor sees it.
Building a decoder costs a millisecond; `Codec` objects are module constants or made once per process.
"""

from typing import Any

import msgspec

from actors.runtime.envelope import Envelope


class Codec:
    """Turns envelopes into bytes and a batch of bytes into envelopes.

    Args:
        incoming: the union of all messages, replies and failures that may arrive at this end.

    Example:
        >>> class Ping(msgspec.Struct, frozen=True, tag="ping"):
        ...     number: int
        >>> codec = Codec(Ping)
        >>> codec.decode_batch(b"\\x91" + codec.encode(Envelope("echo", 0, 0, "", 0.0, 0, Ping(1))))[0].message
        Ping(number=1)
    """

    def __init__(self, incoming: Any) -> None:  # Any: a union is not a type that annotations can name
        encoder = msgspec.msgpack.Encoder()
        self.encode = encoder.encode
        self.encode_into = encoder.encode_into
        self._decode = msgspec.msgpack.Decoder(list[Envelope[incoming | None]]).decode

    def decode_batch(self, payload: bytes | bytearray | memoryview) -> "list[Envelope[Any]]":
        """Decode a msgpack array of envelopes.

        Raises:
            msgspec.DecodeError: not msgpack; or (ValidationError) not an envelope, or a message outside the union.
            UnicodeDecodeError: a string is not UTF-8.
            RecursionError: nested too deep.
        """
        return self._decode(payload)
