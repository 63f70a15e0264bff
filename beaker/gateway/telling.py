"""What one kernel tells its clients, through workers that may be slow, stopped or lost, so that each gets all of it once, in order.

A worker is told a message once for all of its clients that are *live*. Its connection may take no more: then it is told the rest
from the journal when there is room again. A client that is not live is told what it lacks when its worker fetches it, a
piece at a time; the last piece makes it live.

```
            tell                 pump                     full? wait for `drained`
  kernel ---------> journal ---------------> each worker ----------------------------> live clients
                       |        answer   (first what a former life of the host has told)
                       +--------------------- Fetch ----------------------------------> one client
```

Pure; effects are the *ways* to the workers, the journal's shelf, and the time that is passed in.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from beaker.gateway.former import Former
from beaker.gateway.lasting import Lasting, Nowhere, known
from beaker.gateway.quota import LOOK_BYTES, Quota
from beaker.gateway.sessions import ClientSession, Seat, Sessions
from beaker.gateway.stream import Open, Opened, Over, Reached, Superseded, Told
from beaker.gateway.told import MEMORY_BYTES, Message, Shelf, ToldJournal
from beaker.gateway.told_log import Known
from beaker.gateway.way import Way
from beaker.wire.compose import EMPTY
from beaker.wire.parts import PARENT, Parts
from beaker.wire.websocket import WebsocketChannel

FETCH_BYTES: Final = 1024 * 1024
"""What one Fetch brings at most, and one message at least."""
TRIM_BYTES: Final = 256 * 1024
"""After so much more it is looked what may be trimmed: a look reads a slot of each client."""


class _Door:
    """A worker that has clients of this kernel."""

    __slots__ = ("fetches", "live", "position", "way")

    def __init__(self, way: Way, position: int) -> None:
        self.way = way
        self.position = position
        """Its live clients have been told everything up to here."""
        self.live: dict[str, ClientSession[Way]] = {}
        self.fetches: deque[tuple[str, int]] = deque()
        """Asked for and not answered: one for each client at most."""


class Telling:
    """Tells.

    Args:
        missed: composes what a client is told in the place of so many messages, with the header document they belong to.
        first: number of the first message; grows with each life of the host.
        limit_bytes: see `GatewaySettings.replay_bytes`.
        replay_s: how long a client that has gone is remembered.
        quota: of all kernels of the host.
        trims_from: monotonic; until then clients of a former life may come back, so nothing is trimmed.
        lasting, former: what the next life of the host will know of this one, and what this one knows of the life before it.
    """

    def __init__(
        self,
        shelf: Shelf,
        missed: Callable[[int, bytes], Parts],
        *,
        first: int,
        limit_bytes: int,
        replay_s: float,
        trims_from: float = 0.0,
        memory_bytes: int = MEMORY_BYTES,
        quota: Quota | None = None,
        lasting: Lasting | None = None,
        former: Former | None = None,
        now: float = 0.0,
    ) -> None:
        self._missed = missed
        self._trims_from = trims_from
        self._trim_at = TRIM_BYTES
        self._look_at = LOOK_BYTES
        self._quota = quota or Quota()
        self._quota.join(self)
        self._journal = ToldJournal(shelf, first=first, limit_bytes=limit_bytes, memory_bytes=memory_bytes)
        self._lasting: Lasting = lasting or Nowhere()
        self._former = former or Former()
        self._sessions: Sessions[Way] = Sessions(
            lambda seat: seat.way.taken(seat.slot),
            lambda seat: seat.way.left(seat.slot),
            first=first,
            replay_s=replay_s,
            former_last=self._former.last,
        )
        for client in self._former.clients:
            self._sessions.inherit(client, now=now)
        self._doors: dict[Way, _Door] = {}

    @property
    def connected(self) -> int:
        """How many clients are."""
        return self._sessions.connected

    @property
    def dropped(self) -> int:
        """How many messages could not be kept."""
        return self._journal.dropped

    @property
    def size_bytes(self) -> int:
        """Of all that is kept."""
        return self._journal.size_bytes

    # What the kernel says.

    def tell(
        self,
        session: str,
        channel: WebsocketChannel,
        parts: Parts,
        *,
        vital: bool,
        now: float,
        may_wait: bool = False,
        stand_in: Parts | None = None,
    ) -> None:
        """Tell a message.

        Args:
            session: for this client alone; empty: for all.
            vital: a client that does not get it waits for ever.
            now: monotonic.
            may_wait: more comes right behind it as a rule.
            stand_in: what the next life of this host tells in its place, where it is too large to be handed down.
        """
        journal = self._journal
        if session and self._sessions.find(session) is None:
            self._sessions.expect(session, got=journal.last, now=now)
            self._lasting.client(Known(session, journal.last))
        number = journal.add(session, channel, parts, vital=vital)
        # In front of the telling, so that there is no moment at which nobody would tell it who comes after us.
        self._lasting.message(number, session, channel, stand_in or parts, vital=vital, now=now)
        for door in self._doors.values():
            self._pump(door, may_wait=may_wait)
        if journal.size_bytes > self._trim_at or journal.too_full or self._lasting.is_long:
            self.trim(now)
        journal.bound()
        if journal.size_bytes > self._look_at:
            self._quota.enforce(now)
            self._look_at = journal.size_bytes + LOOK_BYTES

    def trim(self, now: float) -> None:
        """Let go of what every client has got."""
        floor = self._sessions.floor(last=self._journal.last, now=now)
        if now >= self._trims_from:
            self._journal.trim(floor)
        self._former.trim(floor)
        self._lasting.tidy(floor, lambda: map(known, self._sessions))
        self._trim_at = self._journal.size_bytes * 2 + TRIM_BYTES
        self._look_at = min(self._look_at, self._journal.size_bytes + LOOK_BYTES)

    def give_up(self, wanted_bytes: int) -> None:
        """Keep no more than this, as far as no reply stands in the way: others need the room more. Clients are told what they miss."""
        self._journal.give_up(wanted_bytes)

    def over(self, reason: str) -> None:
        """The kernel has ended."""
        for way in self._doors:
            way.send(Over(reason=reason), [])
        self._doors.clear()
        self._quota.leave(self)
        self._sessions.clear()
        self._former.clear()
        self._journal.clear()

    # What workers say.

    def open(self, way: Way, wanted: Open) -> None:
        """A client is here, and begins behind."""
        if way not in self._doors:
            self._doors[way] = _Door(way, self._journal.last)
        seat = Seat(way, wanted.slot, way.taken(wanted.slot), way.left(wanted.slot))
        client, former = self._sessions.open(wanted.session, seat, last=self._journal.last)
        self._lasting.client(known(client))
        door = self._doors[way]
        door.fetches = deque(fetch for fetch in door.fetches if fetch[0] != wanted.session)  # of a websocket before this one
        if former is not None:
            self._doors[former.way].live.pop(wanted.session, None)
            if former.way is not way:  # else its worker has both, and knows
                former.way.send(Superseded(session=wanted.session), [])
        way.send(Opened(session=wanted.session), [])

    def knows(self, session: str) -> bool:
        """Whether this is a client; what it said on a websocket that another has superseded is its own, too."""
        return self._sessions.find(session) is not None

    def _client_at(self, way: Way, session: str) -> ClientSession[Way] | None:
        """A client that is connected there, and not superseded."""
        client = self._sessions.find(session)
        return client if client is not None and client.seat is not None and client.seat.way is way else None

    def close(self, way: Way, session: str, *, now: float) -> None:
        """A client's websocket is gone."""
        if (client := self._client_at(way, session)) is not None:
            up_to = max(self._reached(client), client.reached)
            self._doors[way].live.pop(session, None)
            self._sessions.leave(client, last=self._journal.last, now=now)
            client.stumble = client.stumble.again(*self._journal.first_after(max(client.got, self._former.last), session, up_to=up_to))
            self._lasting.client(known(client))
            self.trim(now)

    def fetch(self, way: Way, session: str, after: int) -> None:
        """A client is behind, and its worker wants some of what it lacks.

        Args:
            after: number of the last message that it, or its worker for it, has; negative: what is known here.
        """
        if self._client_at(way, session) is None:
            return  # superseded, or closed
        door = self._doors[way]
        client = door.live.pop(session, None)
        if client is not None:
            client.live = False
        door.fetches.append((session, after))
        self._pump(door)

    def drained(self, way: Way) -> None:
        """A worker takes more."""
        if (door := self._doors.get(way)) is not None:
            self._pump(door)

    def lost(self, way: Way, *, now: float) -> None:
        """The link to a worker is gone, and with it the websockets there, unless it comes back with them."""
        if self._doors.pop(way, None) is None:
            return
        for client in list(self._sessions):
            if client.seat is not None and client.seat.way is way:
                self._sessions.leave(client, last=self._journal.last, now=now, is_lost=True)
                self._lasting.client(known(client))

    def _reached(self, client: ClientSession[Way]) -> int:
        if client.seat is None or not client.live:
            return client.got
        return self._doors[client.seat.way].position

    def _pump(self, door: _Door, *, may_wait: bool = False) -> None:
        """Tell a worker what it was not told, as far as it takes it."""
        way, journal = door.way, self._journal
        while door.position < journal.last and not way.full:
            if not door.live:
                door.position = journal.last
                break
            message = journal.get(door.position + 1)
            door.position += 1
            if message is None:
                self._own_up(door)
            elif not message.session or message.session in door.live:
                way.send(Told(message.number, message.session, message.channel), message.parts, may_wait=may_wait)
        while door.fetches and not way.full:
            self._answer(door, *door.fetches.popleft())

    def _own_up(self, door: _Door) -> None:
        """Live clients of a worker that took nothing for too long have missed what was dropped meanwhile."""
        begin, journal = door.position - 1, self._journal
        while door.position < journal.last and door.position + 1 not in journal:
            door.position += 1
        for client in door.live.values():
            missed, last = journal.gone(client.name, begin, door.position)
            if missed:
                door.way.send(Told(last, client.name, "iopub"), self._missed(missed, EMPTY))

    def _answer(self, door: _Door, session: str, after: int) -> None:
        if (client := self._client_at(door.way, session)) is None:
            return
        begin = client.got if after < 0 else self._sessions.known(after, self._journal.last)
        client.got = min(client.got, begin)
        source = self._former if begin < self._former.last else self._journal
        messages, reached = source.after(begin, session, up_to=door.position, limit_bytes=FETCH_BYTES)
        for message in self._with_notices(source, session, messages, begin, reached):
            told = client.stumble.told(message)
            door.way.send(Told(told.number, session, told.channel, fetched=True), told.parts)
        client.live, client.reached = reached >= door.position, reached
        door.way.send(Reached(session=session, number=reached, live=client.live), [])
        if client.live:
            door.live[session] = client

    def _with_notices(self, source: ToldJournal | Former, session: str, messages: list[Message], begin: int, end: int) -> Iterator[Message]:
        """Say where messages are not there, and how many, under the request that goes on behind it."""
        at = begin
        for place, message in enumerate([*messages, None]):
            up_to = end if message is None else message.number - 1
            missed, last = source.gone(session, at, up_to)
            if missed:
                parent = next((behind.parts[PARENT] for behind in messages[place:] if behind.channel == "iopub"), EMPTY)
                yield Message(last, session, "iopub", self._missed(missed, parent))
            if message is not None:
                yield message
                at = message.number
