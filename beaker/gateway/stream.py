"""What a gateway worker and a kernel host say to each other about the bytes of one kernel's clients.

Both directions of a kernel use one bulk stream of the link between the two processes, whose number the worker chooses, so that
all of it stays in order. A piece of it is a list of frames: a *head* as msgpack (here), then for `Said` and `Told` the parts of one
Jupyter message, unread.

A host numbers what it tells the clients of a kernel, from a beginning that grows with each life of the host. A worker notes in
shared memory, in the slot that it has given to a client, the number of the last message that has left for it; so whoever comes
after a worker that was killed knows what each client has got. A client whose worker cannot keep it up with what is told to all
*falls behind*: it is told no more until its worker fetches what it missed, from the host's journal; a client that has just come
back begins like that.

Pure.
"""

from typing import Final

import msgspec

from beaker.wire.websocket import WebsocketChannel


class Open(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Worker: a websocket was opened. Another one of its session is superseded. It begins behind: `Fetch` comes next."""

    kernel_id: str
    session: str
    """The client's `session_id`; unique among the kernel's clients."""
    slot: int
    """Of the worker's shared memory."""


class Close(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Worker: a websocket is gone. What comes for its session is kept for a while."""

    session: str


class Said(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Worker: a client's message; the parts follow."""

    session: str
    channel: WebsocketChannel


class Fetch(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Worker: tell a client that is behind some of what it missed."""

    session: str
    after: int
    """The number of the last message that it has got; -1: what the host knows of it, and nothing for one that it does not know."""


class Opened(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Host: the kernel is here and the session is known, so clients may send.

    Each `Open` has one. What comes for the session before it is for a websocket that was there before, and not for this one.
    """

    session: str


class Told(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Host: a message for clients; the parts follow."""

    number: int
    session: str
    """For this one alone; empty: for all that are not behind."""
    channel: WebsocketChannel
    fetched: bool = False
    """A Fetch brings it: the client is behind. One that is not fetched may overtake the answer to a Fetch, and is in it again."""


class Reached(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Host: the end of what a Fetch brings."""

    session: str
    number: int
    """Of the last message that was told or that concerns others."""
    live: bool
    """That was all: from here on it is told what all are told. Else another Fetch is wanted."""


class Superseded(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Host: another websocket of the session was opened; close this one."""

    session: str


class Hold(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """Host: more waits for the subkernel than may; read no more from this client until `Release`."""

    session: str


class Release(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """Host: read on."""

    session: str


class Over(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """Host: the kernel has ended, or is not here; all its websockets are to be closed."""

    reason: str


FromWorker = Open | Close | Said | Fetch
FromHost = Opened | Told | Reached | Superseded | Hold | Release | Over

NOTHING_YET: Final = -1
"""For Fetch: the client has just come."""

_encode = msgspec.msgpack.Encoder().encode
_from_worker: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
_from_host: msgspec.msgpack.Decoder[FromHost] = msgspec.msgpack.Decoder(FromHost)


def encode_head(head: FromWorker | FromHost) -> bytes:
    """The first frame of a piece."""
    return _encode(head)


def decode_from_worker(frame: bytes | memoryview) -> FromWorker:
    """Read the first frame of a piece from a worker.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _from_worker.decode(frame)


def decode_from_host(frame: bytes | memoryview) -> FromHost:
    """Read the first frame of a piece from a host.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _from_host.decode(frame)
