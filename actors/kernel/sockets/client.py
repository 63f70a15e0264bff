"""A client that has sent a request: what those need who speak to it later, by which time the request itself is gone."""

from typing import NamedTuple

from actors.kernel.sockets.front import TRACE_CHARS
from beaker.kernel.pending import Channel


class Client(NamedTuple):
    """Who sent a request, and how to speak to it."""

    msg_id: str
    idents: list[bytes]
    """Its identities on the channel."""
    header: bytes
    """The header document of its request: the parent of all that is said about it."""
    channel: Channel
    allows_stdin: bool
    """Whether it may be asked on the stdin channel, as this request said."""

    @property
    def trace(self) -> str:
        """What binds its log lines: whoever ends the turn may do so under another request, as an interrupt does."""
        return self.msg_id[:TRACE_CHARS]
