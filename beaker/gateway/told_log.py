"""The log of what a kernel's clients were told, read by the next kernel host after this one was killed.

What a host has told and its clients have not got is in its memory, in its link to a worker, or in that worker: when both are killed at
once it is nowhere. So each message is written down before it is told, with the number by which clients know it, and so is where
each client is connected: what it has got stands in its worker's shared memory, which outlives both.

The log is short: it holds the newest of what somebody may lack. What is dropped from it is counted, as in the journal (`gaps.py`).

Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from beaker.gateway.gaps import Gaps
from beaker.gateway.told import Message
from beaker.records import framed, read_records
from beaker.wire.parts import Parts
from beaker.wire.websocket import WebsocketChannel

LONG_BYTES: Final = 1024 * 1024
"""At this size it is written anew with half as much: what a session of an hour prints, and no burden on a folder that is memory."""
MESSAGE_BYTES: Final = 64 * 1024
"""The largest message that is written down whole."""
VITAL_SHARE: Final = 2
"""Of what stays, this part may be vital messages that are older than the rest."""


KEPT: Final = 1
"""The tag of `Kept`."""


class Kept(msgspec.Struct, frozen=True, array_like=True, tag=KEPT):
    """A message was told, or is about to be."""

    number: int
    session: str
    """For this one alone; empty: for all."""
    channel: WebsocketChannel
    parts: list[bytes]
    vital: bool = False
    """A client that does not get it waits for ever."""
    at: float = 0.0
    """Monotonic time of this entry."""


class Gone(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Messages that were told are not here: from one number to another, all for the same."""

    session: str
    first: int
    last: int


class Known(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """How a client is."""

    session: str
    got: int
    """Number of the last message that it has for certain."""
    pid: int = 0
    """Of the worker where it is connected, whose shared memory may say more; 0: of none."""
    slot: int = 0


Record = Kept | Gone | Known

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)

Place = tuple[int, str, bool, int, int]
"""Where a message stands in the log: its number, whom it is for, whether it is vital; the place of its record, and the size of that. One is
made for each message that is told, and a class would cost more than all the rest."""


class Replayed(NamedTuple):
    """What a log says."""

    places: list[Place]
    """In the order of their numbers."""
    messages: list[Message]
    """At these places."""
    clients: dict[str, Known]
    gaps: Gaps
    last: int
    """The highest number that is spoken of; -1: none is."""
    end: int
    """Behind the last record that can be read."""


def entry(record: Record) -> bytes:
    """A record as it stands in the log."""
    return framed(_encode(record))


def message_entry(number: int, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool, at: float) -> bytes:
    """A `Kept` as it stands in the log, made without one: this is done for each message that is told."""
    return framed(_encode((KEPT, number, session, channel, parts, vital, at)))


def size_of(parts: Parts) -> int:
    """What a message takes there, but for a few bytes."""
    return sum(map(len, parts))


def replay(log: bytes) -> Replayed:
    """Read a log back; what is torn, and all behind it, is not read."""
    places: list[Place] = []
    messages: list[Message] = []
    clients: dict[str, Known] = {}
    gaps = Gaps()
    last, before, behind = -1, -1, 0
    for record, at, end in read_records(log, _decoder.decode):
        match record:
            case Kept() if record.number > before:
                places.append((record.number, record.session, record.vital, at, end - at))
                messages.append(Message(record.number, record.session, record.channel, record.parts, record.at))
                before = record.number
                last = max(last, before)
            case Kept():
                break  # numbers grow: this is no log of ours
            case Gone():
                gaps.add(record.first, record.session, record.last)
                last = max(last, record.last)
            case Known():
                clients[record.session] = record
                last = max(last, record.got)
        behind = end
    return Replayed(places, messages, clients, gaps, last, behind)


def choose(places: Sequence[Place], wanted_bytes: int) -> tuple[list[Place], list[Place]]:
    """Which messages stay when the log may hold no more than this, and which are dropped: the oldest, of vital ones only what is too much.

    >>> choose([(1, "", False, 0, 60), (2, "", True, 60, 30), (3, "", False, 90, 50)], 100)
    ([(2, '', True, 60, 30), (3, '', False, 90, 50)], [(1, '', False, 0, 60)])
    """
    kept: list[Place] = []
    dropped: list[Place] = []
    room, vital_room = wanted_bytes, wanted_bytes // VITAL_SHARE
    for place in reversed(places):
        _, _, vital, _, size = place
        if room >= size:
            room -= size
            kept.append(place)
            continue
        room = 0
        if vital and vital_room >= size:
            vital_room -= size
            kept.append(place)
        else:
            dropped.append(place)
    return kept[::-1], dropped[::-1]


def head(clients: Iterable[Known], gaps: Gaps) -> bytes:
    """What stands in front of the messages when the log is written anew."""
    gone = (entry(Gone(session, first, last)) for session, first, last in gaps.runs())
    return b"".join([*map(entry, clients), *gone])
