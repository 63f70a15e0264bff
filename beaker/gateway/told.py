"""The journal of what one kernel has told its clients: what a client is told again that has been away, or that could not keep up.

Numbered in the order of telling, without a gap. The newest messages are in memory, older ones on a *shelf*, which is a file; beyond
a limit the oldest are dropped, but for the small ones that a client waits for (replies, prompts, statuses). What every client
has got is trimmed away by `telling.py`, which knows the clients.

Pure, but for the shelf that it is given.
"""

from typing import Final, NamedTuple, Protocol

from beaker.gateway.gaps import Gaps
from beaker.wire.parts import Parts
from beaker.wire.websocket import WebsocketChannel

MEMORY_BYTES: Final = 4 * 1024 * 1024
"""Of messages in memory: what a burst of ordinary outputs takes until its clients have got it."""
PART_COST_BYTES: Final = 100
"""What a part costs beside its bytes, in Python."""
PLACE_COST_BYTES: Final = 4096
"""What a message on the shelf counts beside its size: what is known of its place takes up to 250 bytes of memory (m), of which a journal at
its limit may take a sixteenth. A gibibyte of outputs of a megabyte is one; of the tiniest it would be 235 MB in memory."""
VITAL_BYTES: Final = 64 * 1024
"""A vital message up to here outlives the outputs around it."""
VITAL_SHARE: Final = 4
"""All of those together take no more than this part of what the journal may hold."""
DROPPED_SHARE: Final = 8
"""When something has to be dropped, it is this part of the limit: whoever lacks it is looked for each time."""


class Shelf(Protocol):
    """Where messages lie that are not in memory."""

    def put(self, parts: Parts, *, vital: bool) -> int | None:
        """Put one there; gives its place, None if there is no room.

        Args:
            vital: it will stay when what is not is dropped: its place shall not keep that of others.
        """
        ...

    def get(self, place: int) -> Parts:
        """Read one."""
        ...

    def free(self, place: int) -> None:
        """It is wanted no more. Called once for each place."""
        ...


class Message(NamedTuple):
    """One that was told."""

    number: int
    session: str
    """For this one alone; empty: for all."""
    channel: WebsocketChannel
    parts: Parts
    at: float = 0.0
    """Monotonic time at which it was told, where a former life of the host has: all processes of a machine share that."""


class _Entry:
    __slots__ = ("channel", "parts", "place", "session", "size", "stayed", "vital")

    def __init__(self, session: str, channel: WebsocketChannel, parts: Parts, size: int, *, vital: bool) -> None:
        self.session = session
        self.channel: WebsocketChannel = channel
        self.parts: Parts | None = parts
        self.place = 0
        self.size = size
        self.vital = vital
        self.stayed = 0
        """What it counts among those that would have been dropped, were they not vital."""

    @property
    def cost(self) -> int:
        return self.size if self.parts is not None else self.size + PLACE_COST_BYTES


class ToldJournal:
    """Holds them.

    Args:
        first: number of the first message.
        limit_bytes: what it may hold in all.
    """

    def __init__(self, shelf: Shelf, *, first: int, limit_bytes: int, memory_bytes: int = MEMORY_BYTES) -> None:
        self._shelf = shelf
        self._limit_bytes = limit_bytes
        self._memory_bytes = memory_bytes
        self._entries: dict[int, _Entry] = {}
        self._oldest = first
        """No entry has a lower number."""
        self._in_memory_from = first
        self._undropped_from = first
        """Entries below were looked at when something had to be dropped, and stayed."""
        self.last = first - 1
        """Number of the latest message."""
        self.size_bytes = 0
        """Of all messages, with the cost of their places."""
        self._near_bytes = 0
        """Of those in memory."""
        self._stayed_bytes = 0
        """Of those that stayed because they are vital."""
        self.dropped = 0
        """How many were, in all."""
        self._gaps = Gaps()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, number: int) -> bool:
        return number in self._entries

    @property
    def too_full(self) -> bool:
        """Whether something has to be dropped."""
        return self.size_bytes > self._limit_bytes

    def add(self, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool) -> int:
        """Note a message; gives its number. `bound` is due then.

        Args:
            session: for whom; empty: for all.
            vital: a client that does not get it waits for ever.
        """
        size = sum(map(len, parts)) + PART_COST_BYTES * len(parts)
        self.last += 1
        self._entries[self.last] = _Entry(session, channel, parts, size, vital=vital and size <= VITAL_BYTES)
        self.size_bytes += size
        self._near_bytes += size
        return self.last

    def get(self, number: int) -> Message | None:
        """One message; None if it was trimmed or dropped."""
        entry = self._entries.get(number)
        if entry is None:
            return None
        parts = self._shelf.get(entry.place) if entry.parts is None else entry.parts
        return Message(number, entry.session, entry.channel, parts)

    def after(self, number: int, session: str, *, up_to: int, limit_bytes: int) -> tuple[list[Message], int]:
        """What a client of this session lacks behind a number, the oldest first.

        Args:
            up_to: the last number that is looked at.
            limit_bytes: how much of it; one message at least.

        Returns:
            The messages, and the number up to which this is all.
        """
        found: list[Message] = []
        taken, at = 0, max(number, self._oldest - 1)
        while at < up_to:
            entry = self._entries.get(at + 1)
            if entry is not None and entry.session in ("", session):
                if found and taken + entry.size > limit_bytes:
                    return found, at
                message = self.get(at + 1)
                assert message is not None
                found.append(message)
                taken += entry.size
            at += 1
        return found, max(at, number)

    def first_after(self, number: int, session: str, *, up_to: int) -> tuple[int, int]:
        """Of the first that a client lacks behind a number: its own number, and its size; zeros if there is none."""
        for at in range(max(number + 1, self._oldest), up_to + 1):
            entry = self._entries.get(at)
            if entry is not None and entry.session in ("", session):
                return at, entry.size
        return 0, 0

    def gone(self, session: str, after: int, up_to: int) -> tuple[int, int]:
        """How many of a client's messages behind a number and up to another were dropped, and the last of them; 0 of none."""
        return self._gaps.count(session, after, up_to)

    def trim(self, number: int) -> None:
        """Nobody lacks anything up to this number."""
        for at in range(self._oldest, min(number, self.last) + 1):
            if (entry := self._entries.get(at)) is not None:
                self._remove(at, entry)
        self._oldest = max(self._oldest, min(number, self.last) + 1)
        self._in_memory_from = max(self._in_memory_from, self._oldest)
        self._undropped_from = max(self._undropped_from, self._oldest)
        self._gaps.forget(number)

    def bound(self) -> None:
        """Keep within the limits: of memory by the shelf, of the whole by dropping."""
        while self._near_bytes > self._memory_bytes and self._in_memory_from < self.last:
            at, self._in_memory_from = self._in_memory_from, self._in_memory_from + 1
            entry = self._entries.get(at)
            if entry is None or entry.parts is None:
                continue
            place = self._shelf.put(entry.parts, vital=entry.vital)
            if place is None:
                self._drop(at, entry)
                continue
            entry.place, entry.parts = place, None
            self._near_bytes -= entry.size
            self.size_bytes += PLACE_COST_BYTES
        if self.too_full:
            self._drop_oldest(self._limit_bytes // DROPPED_SHARE * (DROPPED_SHARE - 1))

    def give_up(self, wanted_bytes: int) -> None:
        """Hold no more than this, as far as no vital message stands in the way."""
        self._drop_oldest(wanted_bytes)

    def _drop_oldest(self, wanted_bytes: int) -> None:
        while self.size_bytes > wanted_bytes and self._undropped_from < self.last:
            at, self._undropped_from = self._undropped_from, self._undropped_from + 1
            entry = self._entries.get(at)
            if entry is None:
                continue
            if entry.vital and self._stayed_bytes + entry.cost <= self._limit_bytes // VITAL_SHARE:
                entry.stayed = entry.cost
                self._stayed_bytes += entry.stayed
                continue
            self._drop(at, entry)

    def _drop(self, number: int, entry: _Entry) -> None:
        self._remove(number, entry)
        self._gaps.add(number, entry.session)
        self.dropped += 1

    def _remove(self, number: int, entry: _Entry) -> None:
        del self._entries[number]
        self.size_bytes -= entry.cost
        self._stayed_bytes -= entry.stayed
        if entry.parts is None:
            self._shelf.free(entry.place)
        else:
            self._near_bytes -= entry.size

    def clear(self) -> None:
        """Hold nothing any more."""
        self.trim(self.last)
