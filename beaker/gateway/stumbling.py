"""A message at which a client's connection breaks each time, and what the client is told in its place.

Some programs between us and a notebook take no websocket message beyond a size of theirs: a JupyterLab on `--gateway-url` connects with
Tornado, which closes the connection at 10 MiB. It comes back and lacks that message, which is told again: without an end, and nothing
behind it would ever arrive. After a few times the message is left out for that client, which reads so where it would be.

Pure.
"""

from typing import Any, Final, NamedTuple

import msgspec

from beaker.gateway.told import Message
from beaker.wire import compose
from beaker.wire.parts import HEADER, PARENT, UNREADABLE

LARGE_BYTES: Final = 4 * 1024 * 1024
"""Smaller ones are nobody's reason to break a connection."""
TIMES: Final = 3
"""A network may break once or twice in the middle of a large message."""

_header_decoder = msgspec.json.Decoder(dict[str, Any])  # Any: JSON
_encoder = msgspec.json.Encoder()


class Stumble(NamedTuple):
    """Where a client's connection broke last, if a large message was under way to it."""

    number: int = 0
    """Of that message."""
    times: int = 0
    """How often it broke there."""
    refused_bytes: int = 0
    """The smallest message that was left out so far; 0: none was. One of that size is left out when the connection broke at it once."""

    def again(self, number: int, size_bytes: int) -> "Stumble":
        """The connection broke when the client lacked this message first."""
        if size_bytes < LARGE_BYTES:
            return self._replace(number=0, times=0)
        times = self.times + 1 if number == self.number else 1
        if self.refused_bytes and size_bytes >= self.refused_bytes:
            times = TIMES
        refused_bytes = min(size_bytes, self.refused_bytes or size_bytes) if times >= TIMES else self.refused_bytes
        return Stumble(number, times, refused_bytes)

    def told(self, message: Message) -> Message:
        """The message, or what this client is told in its place."""
        return in_place_of(message) if message.number == self.number and self.times >= TIMES else message


def in_place_of(message: Message) -> Message:
    """What says that a message was left out: words where an output would be, an error where a reply would be."""
    size_mb = sum(map(len, message.parts)) / 1e6
    text = (
        f"a message of {size_mb:.1f} MB is left out here: the connection of this client broke at it. "
        "What lies between notebook and gateway may take less (a JupyterLab on --gateway-url: 10.4 MB)"
    )
    header = message.parts[HEADER]
    content: dict[str, object] = {"status": "error", "ename": "TooLarge", "evalue": text, "traceback": [text]}
    if message.channel == "iopub":
        header = _as_stream(header)
        content = dict(compose.stream(f"beaker: {text}\n", name="stderr"))
    return message._replace(parts=[header, message.parts[PARENT], compose.EMPTY, _encoder.encode(content)])


def _as_stream(header: bytes) -> bytes:
    try:
        fields = _header_decoder.decode(header)
    except UNREADABLE:
        fields = {}
    return _encoder.encode({**fields, "msg_type": "stream", "msg_id": f"{fields.get('msg_id', '')}-left-out"})
