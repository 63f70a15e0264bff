"""What a life of the kernel host before this one has told, and who has not got it: it died before that was known.

It is read beside the journal (`told.py`): clients are told first what is here, under its old numbers, which are lower than all of this
life. So whoever knows the number of the last message that a client has (its worker, if that lives) knows it of these as well.

Pure.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from beaker.gateway.gaps import Gaps
from beaker.gateway.told import Message


class Past(NamedTuple):
    """Where a client was connected then, or still is."""

    pid: int
    """Of the worker."""
    slot: int
    read: Callable[[], int]
    """Reads there the number of the last message that it has; -1 where that cannot be read."""


class FormerClient(NamedTuple):
    """A client of that life."""

    session: str
    got: int
    """Number of the last message that it has for certain."""
    past: Past | None
    """None: it was not connected."""


class Former:
    """What there is.

    Args:
        messages: in the order of their numbers.
        gaps: what was told too, and is not here.
        last: the highest number of that life; -1: there was none.
        clients: of that life.
    """

    def __init__(
        self, messages: Sequence[Message] = (), gaps: Gaps | None = None, *, last: int = -1, clients: Sequence[FormerClient] = ()
    ) -> None:
        self.messages = list(messages)
        self.last = last
        self.clients = list(clients)
        self._gaps = gaps or Gaps()

    def after(self, number: int, session: str, *, up_to: int, limit_bytes: int) -> tuple[list[Message], int]:
        """What a client lacks behind a number; see `ToldJournal.after`."""
        found: list[Message] = []
        taken = 0
        up_to = min(up_to, self.last)
        reached = number
        for message in self.messages[self._place(number) :]:
            if message.number > up_to:
                break
            if message.session in ("", session):
                size = sum(map(len, message.parts))
                if found and taken + size > limit_bytes:
                    return found, reached
                found.append(message)
                taken += size
            reached = message.number
        return found, max(up_to, number)

    def gone(self, session: str, after: int, up_to: int) -> tuple[int, int]:
        """How many of a client's messages behind a number and up to another are not here; see `ToldJournal.gone`."""
        return self._gaps.count(session, after, up_to)

    def trim(self, number: int) -> None:
        """Nobody lacks anything up to this number."""
        del self.messages[: self._place(number)]
        self._gaps.forget(number)

    def clear(self) -> None:
        """Hold nothing any more."""
        self.trim(self.last)

    def _place(self, number: int) -> int:
        """Of the first message behind a number."""
        return bisect_right(self.messages, number, key=lambda message: message.number)
