"""One connection of a client, as the operating system sees it: whether it is there, and how much of what it was sent it has taken.

libzmq says of a message by which descriptor it came, and nothing more about its connections. A descriptor is given to another
connection as soon as it is closed, so each is known by more than its number.
"""

from typing import NamedTuple

from actors.kernel.sockets.unsent import connection_of, taken_bytes, unsent_bytes


class Progress(NamedTuple):
    """How far a client has read, as the operating system sees it."""

    unsent: int = 0
    """Bytes that it has not taken."""
    taken: int | None = None
    """Bytes that it has taken in all, where that can be said."""


class Connection:
    """The connection that has this descriptor now."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._known_by = connection_of(descriptor)
        """None if it was closed before its message was read."""

    @property
    def gone(self) -> bool:
        """Whether it is closed; costs 1 us."""
        return self._known_by is None or connection_of(self.descriptor) != self._known_by

    def progress(self) -> Progress:
        """How far the client has read; one that has left takes everything."""
        if self.gone:
            return Progress()
        return Progress(unsent_bytes(self.descriptor) or 0, taken_bytes(self.descriptor))
