"""The log of requests in flight, read by the next kernel process after this one was killed.

While a request waits in the subkernel only the kernel process knows which client asked. That knowledge is appended to a
small file in the runtime folder (page cache survives SIGKILL), so that the successor can deliver a late reply, can take the
answer to an `input()` that is open, and can tell a client whose reply was lost that its outcome is unknown, or that it had not read it.
"""

from typing import NamedTuple

import msgspec

from beaker.kernel.pending import Channel, ExecuteFlags, Pending
from beaker.records import framed, read_records

COMPACT_BYTES = 65_536
"""The file is emptied when nothing is in flight and it has grown past this: a few hundred cells."""


class Begun(msgspec.Struct, frozen=True, tag=1, array_like=True):
    """A request was sent to the subkernel, waits for one, or was taken by us."""

    msg_id: str
    session: str
    msg_type: str
    header: bytes
    idents: list[bytes]
    counts: bool
    channel: Channel = "shell"
    own: bool = False
    """The process before us was answering it itself."""
    held: bool = False
    """It waits for a subkernel. Once that is there, an entry without this mark takes the place of this one."""
    at: float = 0.0
    """Monotonic time of this entry, which all processes of a machine share; 0 where it was not written down."""
    unread: bool = False
    """It was answered, and the reply waits in this process for a client that reads slowly."""


class Over(msgspec.Struct, frozen=True, tag=2, array_like=True):
    """A request was answered."""

    msg_id: str
    last_count: int = 0
    """The highest number of a cell until then."""
    channel: Channel = "shell"
    at: float = 0.0
    """As in `Begun`."""


class Asked(msgspec.Struct, frozen=True, tag=3, array_like=True):
    """A cell called `input()`, and a client was asked."""

    msg_id: str
    """Of the cell."""
    idents: list[bytes]
    """Of the client."""


class Answered(msgspec.Struct, frozen=True, tag=4, array_like=True):
    """That client's answer was passed on."""

    idents: list[bytes]


class More(msgspec.Struct, frozen=True, tag=5, array_like=True):
    """So many more replies wait for clients that read slowly, too many for an entry each."""

    count: int


class Replayed(NamedTuple):
    """What a log says."""

    unanswered: list[Pending]
    """Requests that were not answered, oldest first; `sent` is False for those that no subkernel has seen. The oldest cell
    runs `since` it was sent, or since the one before it was answered."""
    last_count: int
    """The highest number that a cell had got."""
    asked: list[list[bytes]]
    """The client of each `input()` that is open."""
    more: int = 0
    """Replies that waited for clients to read, beyond those in `unanswered`."""
    end: int = 0
    """Behind the last entry that can be read: what is written behind a torn one is lost with it."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Begun | Over | Asked | Answered | More)


def _entry(record: Begun | Over | Asked | Answered | More) -> bytes:
    return framed(_encoder.encode(record))


def begun(pending: Pending, at: float = 0.0) -> bytes:
    """The entry that says at a monotonic time that a request was sent, waits for a subkernel, or is answered by us."""
    return _entry(
        Begun(
            msg_id=pending.msg_id,
            session=pending.session,
            msg_type=pending.msg_type,
            header=pending.header,
            idents=pending.idents,
            counts=pending.flags is not None and pending.flags.counts,
            channel=pending.channel,
            own=pending.own,
            held=not pending.sent,
            at=at,
            unread=pending.unread,
        )
    )


def over(msg_id: str, last_count: int, channel: Channel = "shell", at: float = 0.0) -> bytes:
    """The entry that says at a monotonic time that a request was answered.

    With an empty id it only keeps the number, at the head of an emptied log.
    """
    return _entry(Over(msg_id, last_count, channel, at))


def asked(msg_id: str, idents: list[bytes]) -> bytes:
    """The entry that says the client of a cell was asked for input."""
    return _entry(Asked(msg_id, idents))


def input_answered(idents: list[bytes]) -> bytes:
    """The entry that says a client's answer was passed on."""
    return _entry(Answered(idents))


def more(count: int) -> bytes:
    """The entry that says how many replies wait for their clients beyond those with an entry each."""
    return _entry(More(count))


def replay(log: bytes) -> Replayed:
    """Read a log back. A torn last entry is ignored."""
    found: list[Begun] = []
    open_questions: list[Asked] = []
    last_count, free_since = 0, 0.0
    further, behind = 0, 0
    for record, _, end in read_records(log, _decoder.decode):
        behind = end
        if isinstance(record, Begun):
            held = next((each for each in found if each.held and _is_the_same(each, record)), None)
            if held is not None and not record.held:
                found.remove(held)
            found.append(record)
        elif isinstance(record, Asked):
            open_questions.append(record)
        elif isinstance(record, More):
            further = record.count
        elif isinstance(record, Answered):
            index = next((index for index, each in enumerate(open_questions) if each.idents == record.idents), None)
            if index is not None:
                del open_questions[index]
        else:
            # Of two with one id the older one was answered first.
            same = (record.msg_id, record.channel)
            index = next((index for index, begun in enumerate(found) if (begun.msg_id, begun.channel) == same), None)
            if index is not None:
                ended = found.pop(index)
                if ended.msg_type == "execute_request" and not (ended.own or ended.unread):
                    free_since = max(free_since, record.at)
            # A cell that is over without an answer, as by an interrupt, waits for none.
            open_questions = [each for each in open_questions if each.msg_id != record.msg_id]
            last_count = max(last_count, record.last_count)
    unanswered = [
        Pending(
            msg_id=record.msg_id,
            session=record.session,
            msg_type=record.msg_type,
            header=record.header,
            idents=record.idents,
            channel=record.channel,
            flags=ExecuteFlags(store_history=record.counts) if record.msg_type == "execute_request" else None,
            busy=not record.held,
            own=record.own,
            sent=not record.held,
            idle=record.unread,
            unread=record.unread,
            since=max(record.at, free_since) if record.at else 0.0,
        )
        for record in found
    ]
    return Replayed(unanswered, last_count, [each.idents for each in open_questions], further, behind)


def _is_the_same(one: Begun, other: Begun) -> bool:
    return (one.msg_id, one.session, one.channel) == (other.msg_id, other.session, other.channel)
