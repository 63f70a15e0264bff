"""Which requests a kernel host before this one has answered, by what it told its clients.

A host writes down what it tells first, and that the request is over then: one that is killed in between has answered all the same,
and the KernelActor that takes its session over must not answer again.
"""

from collections.abc import Iterable

from actors.host.standing import read_state
from beaker.gateway.told import Message
from beaker.kernel.pending import Channel
from beaker.wire.parts import PARENT, WireError, read_header


class Answered:
    """By their ids.

    Args:
        messages: that were told.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self._replied: dict[tuple[Channel, str, str], bytes] = {}
        """By channel, client and msg_id: the header document."""
        self._idle: set[str] = set()
        for message in messages:
            if message.channel == "shell" or message.channel == "control":
                self._replied[message.channel, message.session, _id(message.parts[PARENT])] = message.parts[PARENT]
            elif message.channel == "iopub" and read_state(message.parts) == "idle":
                self._idle.add(_id(message.parts[PARENT]))

    def has_reply(self, channel: Channel, session: str, request: bytes) -> bool:
        """Whether a request has its reply.

        Args:
            request: its header document.
        """
        return (channel, session, _id(request)) in self._replied

    def has_idle(self, request: bytes) -> bool:
        """Whether it was said to be over."""
        return _id(request) in self._idle

    def unended(self) -> list[tuple[Channel, list[bytes], bytes]]:
        """Requests that were answered and not said to be over: channel, client, and the header document."""
        return [
            (channel, [session.encode()], request)
            for (channel, session, msg_id), request in self._replied.items()
            if msg_id and msg_id not in self._idle
        ]


def _id(document: bytes) -> str:
    try:
        return read_header(document).msg_id
    except WireError:
        return ""
