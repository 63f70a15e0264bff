"""Which requests a kernel host before this one has answered, by what it told its clients.

A host writes down what it tells first, and that the request is over then: one that is killed in between has answered all the same,
and the KernelActor that takes its session over must not answer again.
"""

from collections import Counter
from collections.abc import Iterable

from actors.host.standing import read_state
from beaker.gateway.told import Message
from beaker.kernel.pending import Channel
from beaker.wire.parts import PARENT, WireError, read_header


class Answered:
    """By their ids, which a client may use more than once: one that comes back as itself may count anew.

    Args:
        messages: that were told.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self._replied: dict[tuple[Channel, str, str], Message] = {}
        """By channel, client and msg_id: the latest."""
        self._idle: dict[str, float] = {}
        """By msg_id: when it was said last."""
        self._owed: Counter[str] = Counter()
        """By msg_id: how many more replies there are than idles."""
        for message in messages:
            if message.channel == "shell" or message.channel == "control":
                msg_id = _id(message.parts[PARENT])
                self._replied[message.channel, message.session, msg_id] = message
                self._owed[msg_id] += 1
            elif message.channel == "iopub" and read_state(message.parts) == "idle":
                msg_id = _id(message.parts[PARENT])
                self._idle[msg_id] = message.at
                self._owed[msg_id] -= 1

    def has_reply(self, channel: Channel, session: str, request: bytes, since: float) -> bool:
        """Whether a request has its reply.

        Args:
            request: its header document.
            since: monotonic; an earlier reply is to another one with its id.
        """
        reply = self._replied.get((channel, session, _id(request)))
        return reply is not None and reply.at >= since

    def has_idle(self, request: bytes, since: float) -> bool:
        """Whether it was said to be over."""
        at = self._idle.get(_id(request))
        return at is not None and at >= since

    def unended(self) -> list[tuple[Channel, list[bytes], bytes]]:
        """Requests that were answered and not said to be over: channel, client, and the header document."""
        return [
            (channel, [session.encode()], reply.parts[PARENT])
            for (channel, session, msg_id), reply in self._replied.items()
            if msg_id and self._owed[msg_id] > 0
        ]


def _id(document: bytes) -> str:
    try:
        return read_header(document).msg_id
    except WireError:
        return ""
