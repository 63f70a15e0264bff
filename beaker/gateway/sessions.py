"""The clients of one kernel, by their `session_id`: where each is connected, and what it has got.

One that has gone is remembered for a while, so that it finds what it lacks when it comes back, at whatever worker. What it has got is read
from the slot of shared memory that its worker keeps for it; a value that stood there already when it was given to the client is
somebody else's. What it has *taken* counts, as its system says. Only where the worker was lost it is what had *left* for it: the network
was not, so the system goes on delivering that, while nobody was there any more to note it. Of one that was connected to a life of the host
before this one the same is read once it comes back.

Pure.
"""

from collections.abc import Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from beaker.gateway.former import FormerClient, Past
from beaker.gateway.stumbling import Stumble

GONE_LIMIT: Final = 1000
"""Clients of one kernel that are remembered: a page that is loaded anew is another one each time."""

W = TypeVar("W")
"""The way to a worker."""


class Seat(NamedTuple, Generic[W]):
    """Where a client is connected."""

    way: W
    slot: int
    taken_before: int
    left_before: int
    """What stood in the slot when it was given to the client."""


class ClientSession(Generic[W]):
    """One client."""

    __slots__ = ("got", "live", "name", "past", "reached", "seat", "since", "stumble")

    def __init__(self, name: str, got: int) -> None:
        self.name = name
        self.got = got
        """Number of the last message that it is known to have."""
        self.seat: Seat[W] | None = None
        """None: it is gone, `since`."""
        self.past: Past | None = None
        """Where it was in a life of the host before this one; until it comes back."""
        self.since = 0.0
        """Monotonic."""
        self.live = False
        """It is told what all are told; else its worker has to fetch for it."""
        self.reached = got
        """Number up to which its worker has fetched for it."""
        self.stumble = Stumble()


class Sessions(Generic[W]):
    """All of them.

    Args:
        taken: reads in a slot which message was the last that the client has taken.
        left: which was the last that has left for it.
        first: the number with which the journal begins; lower ones are of a former life of the host.
        former_last: up to which those of a former life are known.
        replay_s: how long one that has gone is remembered.
    """

    def __init__(
        self,
        taken: Callable[[Seat[W]], int],
        left: Callable[[Seat[W]], int],
        *,
        first: int,
        replay_s: float,
        former_last: int = -1,
        limit: int = GONE_LIMIT,
    ) -> None:
        self._taken = taken
        self._left = left
        self._first = first
        self._former_last = former_last
        self._replay_s = replay_s
        self._limit = limit
        self._all: dict[str, ClientSession[W]] = {}

    def __iter__(self) -> Iterator[ClientSession[W]]:
        return iter(self._all.values())

    def find(self, name: str) -> ClientSession[W] | None:
        """One that is known."""
        return self._all.get(name)

    @property
    def connected(self) -> int:
        """How many are."""
        return sum(client.seat is not None for client in self._all.values())

    def expect(self, name: str, *, got: int, now: float) -> None:
        """Something is told to a client that may not be known: to one that was connected to a former life of the host."""
        if name not in self._all:
            self._all[name] = ClientSession(name, got)
            self._all[name].since = now
            self._forget(now)

    def inherit(self, former: FormerClient, *, now: float) -> None:
        """A life of the host before this one knew a client."""
        client = self._all[former.session] = ClientSession(former.session, former.got)
        client.past, client.since = former.past, now

    def open(self, name: str, seat: Seat[W], *, last: int) -> tuple[ClientSession[W], Seat[W] | None]:
        """A client is here.

        Args:
            last: number of the latest message; one that is not known lacks nothing up to there.

        Returns:
            It, and the seat that it leaves thereby.
        """
        client = self._all.setdefault(name, ClientSession(name, last))
        former = client.seat
        self._look(client, last)
        if client.past is not None:
            self._advance(client, client.past.read(), -1, self._former_last)
            client.past = None
        client.seat, client.live, client.reached = seat, False, client.got
        return client, former

    def leave(self, client: ClientSession[W], *, last: int, now: float, is_lost: bool = False) -> None:
        """A client's websocket is gone.

        Args:
            is_lost: with its worker.
        """
        self._look(client, last)
        if is_lost and client.seat is not None:
            self._advance(client, self._left(client.seat), client.seat.left_before, last)
        client.seat, client.live, client.since = None, False, now
        self._forget(now)

    def known(self, number: int, last: int) -> int:
        """What a number that a worker names means here: one that nobody knows, as of a clock that was ahead, is before all of this life."""
        return number if self._first - 1 <= number <= last or number <= self._former_last else self._first - 1

    def floor(self, *, last: int, now: float) -> int:
        """The number up to which no client lacks anything."""
        self._forget(now)
        lowest = last
        for client in self._all.values():
            self._look(client, last)
            lowest = min(lowest, client.got)
        return lowest

    def clear(self) -> None:
        """The kernel has ended."""
        self._all.clear()

    def _look(self, client: ClientSession[W], last: int) -> None:
        if client.seat is not None:
            self._advance(client, self._taken(client.seat), client.seat.taken_before, last)

    def _advance(self, client: ClientSession[W], value: int, before: int, last: int) -> None:
        if value != before and client.got < value <= last:
            client.got = value

    def _forget(self, now: float) -> None:
        gone = [client for client in self._all.values() if client.seat is None]
        if not gone:
            return
        gone.sort(key=lambda client: client.since)
        too_many = len(gone) - self._limit
        for at, client in enumerate(gone):
            if at < too_many or now - client.since > self._replay_s:
                del self._all[client.name]
