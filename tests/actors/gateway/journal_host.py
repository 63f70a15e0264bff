"""A kernel host as a test plays it towards websockets: it numbers, keeps everything, and tells by the contract of the stream."""

import mmap
import struct
from collections.abc import Sequence
from typing import NamedTuple

from actors.runtime.link import Link
from beaker.gateway.stream import (
    NOTHING_YET,
    Close,
    Fetch,
    FromHost,
    Open,
    Opened,
    Over,
    Reached,
    Said,
    Superseded,
    Told,
    decode_from_worker,
    encode_head,
)
from beaker.wire.websocket import WebsocketChannel

PIECE_BYTES = 1024 * 1024
"""What one Fetch brings."""


class _Kept(NamedTuple):
    number: int
    session: str
    channel: WebsocketChannel
    parts: list[bytes]


class _Owner(NamedTuple):
    link: Link
    stream: int
    slot: int


class JournalHost:
    """One host with one kernel.

    Args:
        folder: of the gateway, where workers keep what they have sent.
        first: number of the first message.
    """

    def __init__(self, folder: str, first: int = 1000) -> None:
        self.folder = folder
        self.number = first
        self.kept: list[_Kept] = []
        self.owners: dict[str, _Owner] = {}
        self.got: dict[str, int] = {}
        """Of sessions that have gone."""
        self.live: set[str] = set()
        self.said: list[tuple[str, str, list[bytes]]] = []
        """Session, channel and parts of what clients have sent."""
        self.opens: list[Open] = []
        self.fetches: list[Fetch] = []
        self.is_absent = False
        """The kernel has not been given to this host yet."""
        self.closed: list[str] = []

    def add(self, link: Link) -> None:
        """A worker has linked itself."""
        link.on_bytes = lambda stream, frames: self._took(link, stream, frames)
        link.watch(lambda _: self._lost(link))

    def tell(self, parts: Sequence[bytes], *, session: str = "", channel: WebsocketChannel = "iopub") -> int:
        """The kernel says something, to everybody or to one."""
        self.number += 1
        kept = _Kept(self.number, session, channel, list(parts))
        self.kept.append(kept)
        ways = {(owner.link, owner.stream) for name, owner in self.owners.items() if name in self.live and session in {"", name}}
        for link, stream in ways:
            self._send(link, stream, Told(number=kept.number, session=session, channel=channel), kept.parts)
        return self.number

    def say(self, head: FromHost, session: str) -> None:
        """Something else, to the worker of this session."""
        owner = self.owners[session]
        self._send(owner.link, owner.stream, head)

    def _send(self, link: Link, stream: int, head: FromHost, parts: Sequence[bytes] = ()) -> None:
        link.send_bytes(stream, [encode_head(head), *parts])

    def _took(self, link: Link, stream: int, frames: list[memoryview]) -> None:
        head = decode_from_worker(frames[0])
        match head:
            case Open():
                self.opens.append(head)
                if self.is_absent:
                    self._send(link, stream, Over(reason="not here"))
                    return
                former = self.owners.get(head.session)
                if former is not None:
                    self._send(former.link, former.stream, Superseded(session=head.session))
                    self._leave(head.session)
                self.owners[head.session] = _Owner(link, stream, head.slot)
                self._send(link, stream, Opened(session=head.session))
            case Close():
                self.closed.append(head.session)
                self._leave(head.session)
            case Said():
                self.said.append((head.session, head.channel, [bytes(frame) for frame in frames[1:]]))
            case Fetch():
                self.fetches.append(head)
                if head.session in self.owners:
                    self._fetched(link, stream, head)

    def _fetched(self, link: Link, stream: int, fetch: Fetch) -> None:
        after = fetch.after
        if after == NOTHING_YET:
            after = self.got.setdefault(fetch.session, self.number)  # a worker may be killed before it has sent anything
        size = 0
        reached, live = self.number, True
        for kept in self.kept:
            if kept.number > after and kept.session in {"", fetch.session}:
                if size >= PIECE_BYTES:
                    reached, live = kept.number - 1, False
                    break
                size += sum(map(len, kept.parts))
                self._send(link, stream, Told(number=kept.number, session=fetch.session, channel=kept.channel), kept.parts)
        if live:
            self.live.add(fetch.session)
        else:
            self.live.discard(fetch.session)
        self._send(link, stream, Reached(session=fetch.session, number=reached, live=live))

    def _leave(self, session: str, *, is_lost: bool = False) -> None:
        owner = self.owners.pop(session, None)
        self.live.discard(session)
        if owner is not None and (seen := self.left(owner) if is_lost else self.taken(owner)) > 0:
            self.got[session] = seen

    def taken(self, owner: _Owner) -> int:
        """What its worker says that the client has."""
        return self._noted(owner)[1]

    def left(self, owner: _Owner) -> int:
        """What its worker says to have sent."""
        return self._noted(owner)[0]

    def _noted(self, owner: _Owner) -> tuple[int, int]:
        with (
            open(f"{self.folder}/seen-{owner.link.peer.pid}", "rb") as file,
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory,
        ):
            left, taken = struct.unpack_from("<QQ", memory, owner.slot * 16)
            return left, taken

    def _lost(self, link: Link) -> None:
        for session, owner in list(self.owners.items()):
            if owner.link is link:
                self._leave(session, is_lost=True)
