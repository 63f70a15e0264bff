"""What one websocket is told, and when more is to be fetched for it: the rules of a worker, without sockets.

A client is *live* while it is told what everybody is told. Once too much waits for it in the worker it falls *behind*: it ignores
what comes, so that it costs no memory, and when it has taken what waited, what it missed is fetched from the host's journal,
a piece at a time, until it is live again. A new one begins like that.

While a piece is being fetched the host may have sent this client something that is in the piece as well, before it heard that the
client is behind. So a piece is gathered until its end is known, and then put in order by the numbers: nothing twice, no gap.

Pure, but for its own fields.
"""

from collections.abc import Callable
from typing import Final, Generic, Literal, TypeVar

from beaker.gateway.stream import NOTHING_YET

T = TypeVar("T")

WINDOW_BYTES: Final = 4 * 1024 * 1024
"""What may wait in the worker for one client, and one message more: a burst of outputs of a second."""

Phase = Literal["opening", "fetching", "live", "behind"]


class Delivery(Generic[T]):
    """The state of one client.

    Args:
        put: takes what is to be sent next, with its number; None for nothing but the number, which has been reached.
    """

    def __init__(self, put: Callable[[int, T | None], None]) -> None:
        self.phase: Phase = "opening"
        """`opening`: the host has not answered yet; whatever comes is for an earlier websocket of the same session."""
        self.last = NOTHING_YET
        """Number of the last message that was put, or that concerns others."""
        self.waiting_bytes = 0
        """Put and not yet sent."""
        self.missed_bytes = 0
        """Ignored since it fell behind, and not yet fetched."""
        self._put = put
        self._gathered: dict[int, tuple[T, int]] = {}

    @property
    def wants_more(self) -> bool:
        """A piece is to be fetched now, after `last`."""
        return self.phase == "behind" and self.waiting_bytes == 0

    def open(self) -> None:
        """It was opened at a host, and the first piece asked for, after `last`."""
        self.phase = "opening"
        self._gathered.clear()

    def opened(self) -> None:
        """The host knows it: what comes now is for it."""
        if self.phase == "opening":
            self.phase = "fetching"

    def fetch(self) -> None:
        """A piece was asked for, after `last`."""
        self.phase = "fetching"

    def told(self, number: int, message: T, size: int, *, alone: bool) -> bool:
        """The host has told a message.

        Args:
            alone: this client alone, and not everybody.

        Returns:
            Whether this made it fall behind.
        """
        if self.phase == "fetching" and alone:
            self._gathered[number] = (message, size)
        elif self.phase == "live" and number > self.last:
            if self.waiting_bytes <= WINDOW_BYTES:
                self._take(number, message, size)
                return False
            self.phase = "behind"
            self.missed_bytes = size
            return True
        elif self.phase in {"behind", "fetching"}:
            self.missed_bytes += size
        return False

    def reached(self, number: int, *, live: bool) -> None:
        """The end of a piece.

        Args:
            number: of the last message that the piece covers.
            live: from here on it is told what everybody is told.
        """
        if self.phase != "fetching":
            return  # asked for before the link was lost
        for each in sorted(self._gathered):
            if self.last < each <= number:
                message, size = self._gathered[each]
                self.missed_bytes = max(0, self.missed_bytes - size)
                self._take(each, message, size)
        self._gathered.clear()
        if number > self.last:
            self.last = number
            self._put(number, None)
        self.phase = "live" if live else "behind"
        if live:
            self.missed_bytes = 0

    def sent(self, size: int) -> None:
        """Something that was put has left."""
        self.waiting_bytes -= size

    def _take(self, number: int, message: T, size: int) -> None:
        self.last = number
        self.waiting_bytes += size
        self._put(number, message)
