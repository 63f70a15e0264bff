"""The clients' side of one kernel of a host: websockets, which gateway workers hold, in place of the five sockets of a connection file.

It owns the journal of what was told, and the requests that wait because the subkernel takes no more. What comes from a worker was
sent by a stranger: what cannot be a message is dropped with a log line. It outlives a crash of its KernelActor: the next one takes
it up, and clients notice nothing. What it has told outlives this process in a file (`told_file.py`), from which the next one tells the
rest: so no reply is noted as unread in the log of requests, as the sockets of a kernel process do.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from actors.host.answered import Answered
from actors.host.shelf import FileShelf
from actors.host.standing import Standing
from actors.host.told_file import ToldFile
from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.front import TRACE_CHARS, Handlers
from actors.kernel.sockets.spill import cost_of
from actors.runtime.bulk import BULK_LIMIT
from actors.runtime.log import Log, SparseLog
from actors.runtime.trace import current_trace
from beaker.gateway.quota import Quota
from beaker.gateway.stream import Close, Fetch, FromWorker, Hold, Open, Release, Said
from beaker.gateway.stream_pieces import in_pieces
from beaker.gateway.telling import Telling
from beaker.gateway.told_log import MESSAGE_BYTES, size_of
from beaker.gateway.way import Way
from beaker.kernel.pending import Channel
from beaker.settings.gateway import GatewaySettings
from beaker.wire.parts import BUFFERS, HEADER, PARENT, Header, Parts, WireError, read_header
from beaker.wire.websocket import PIECES_LIMIT, WebsocketChannel

REJOIN_S: Final = 60.0
"""So long a host that takes over keeps all that it tells: by then the clients of the one that was lost are here again, or gone."""
TELLABLE_BYTES: Final = BULK_LIMIT - 1024 * 1024
"""The largest message to clients: what a link takes, less what else stands in a piece."""

_INPUT: Final = b'"execute_input"'
"""In the header of what says that a cell begins, as a status `busy` does: an output or the end of the cell is right behind, as a rule, and
one write for all takes 5% off what a short cell costs host and worker (m)."""

_Request = tuple[WebsocketChannel, str, Header, Parts]


class Feed:
    """A `Front` for websockets.

    Args:
        settings: how much is kept for clients, and for how long.
        first: number of the first message to clients; grows with each life of the host.
        max_message_bytes: the largest message that a client may send.
        takes_over: clients of a host that was lost may come.
        folder: see `FileShelf`.
        quota: what all kernels of this host may keep; None: any amount.
        told: what outlives this process; None: nothing does.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        log: Log,
        *,
        first: int,
        max_message_bytes: int,
        takes_over: bool,
        folder: str = "",
        quota: Quota | None = None,
        told: ToldFile | None = None,
    ) -> None:
        self.standing = Standing()
        self._max_message_bytes = max_message_bytes
        self._log = log
        self._junk = SparseLog(log, "message.dropped")
        now = time.monotonic()
        self._told = told
        former = None if told is None else told.former
        self._told_before = Answered([] if former is None else former.messages)
        """Which requests a host before this one has answered, as far as clients may lack that."""
        self._telling = Telling(
            FileShelf(log, folder),
            self._missed,
            first=first,
            limit_bytes=settings.replay_bytes,
            replay_s=settings.replay_s,
            quota=quota,
            trims_from=now + REJOIN_S if takes_over else 0.0,
            lasting=told,
            former=former,
            now=now,
        )
        self._handlers: Handlers | None = None
        self._speaker: Handlers | None = None
        """Who composes words of the kernel's own: the latest of those."""
        self._paused = False
        self._handing = False
        self._waiting: Backlog[_Request] = Backlog()
        """Shell requests that wait for `resume_shell`; and everything, while there is no KernelActor."""
        self._held: set[tuple[str, Way]] = set()
        """Clients that are not read, and where."""

    @property
    def connections(self) -> int:
        """Websockets that are open."""
        return self._telling.connected

    @property
    def kept_bytes(self) -> int:
        """What is kept of messages for clients."""
        return self._telling.size_bytes

    @property
    def dropped(self) -> int:
        """Messages that could not be kept."""
        return self._telling.dropped

    def attach(self, handlers: Handlers) -> "Feed":
        """A KernelActor is there; returns this, as its Front."""
        self._handlers = self._speaker = handlers
        self._paused = False
        return self

    def trim(self) -> None:
        """Let go of what nobody lacks any more, as time has passed."""
        self._telling.trim(time.monotonic())

    def over(self, reason: str) -> None:
        """The kernel has ended."""
        self._handlers = None
        self._waiting.clear()
        self._telling.over(reason)
        if self._told is not None:
            self._told.close()

    # What the KernelActor does: see `Front`.

    @property
    def ports(self) -> Mapping[str, int]:
        return {}

    def send_shell(self, idents: list[bytes], parts: Parts) -> None:
        self._reply(idents, "shell", parts)

    def send_control(self, idents: list[bytes], parts: Parts) -> None:
        self._reply(idents, "control", parts)

    def send_stdin(self, idents: list[bytes], parts: Parts) -> None:
        self.standing.touched()
        self._tell(idents[0].decode(), "stdin", parts, vital=True)

    def publish(self, topic: list[bytes], parts: Parts) -> None:
        del topic  # websockets have none
        is_status = self.standing.heard(parts)
        begins = self.standing.state == "busy" if is_status else _INPUT in parts[HEADER]
        for piece in in_pieces(parts):
            self._tell("", "iopub", piece, vital=is_status, may_wait=begins)

    def pause_shell(self) -> None:
        self._paused = True

    def resume_shell(self) -> None:
        if self._paused:
            self._paused = False
            self.hand_on()

    def has_reply(self, channel: Channel, idents: list[bytes], parent: bytes, since: float) -> bool:
        return self._told_before.has_reply(channel, idents[0].decode(), parent, since)

    def has_idle(self, parent: bytes, since: float) -> bool:
        return self._told_before.has_idle(parent, since)

    def unended(self) -> Sequence[tuple[Channel, list[bytes], bytes]]:
        return self._told_before.unended()

    def close(self) -> None:
        self._handlers = None

    # What workers say.

    def take(self, way: Way, head: FromWorker, parts: list[memoryview]) -> None:
        """A worker says something about one of its clients."""
        match head:
            case Said():
                self._said(way, head, parts)
            case Fetch():
                self._telling.fetch(way, head.session, head.after)
            case Open():
                self._held.discard((head.session, way))
                self._telling.open(way, head)
            case Close():
                self._held.discard((head.session, way))
                self._telling.close(way, head.session, now=time.monotonic())

    def drained(self, way: Way) -> None:
        """A worker takes more."""
        self._telling.drained(way)

    def lost(self, way: Way) -> None:
        """The link to a worker is gone."""
        self._held = {(session, held) for session, held in self._held if held is not way}
        self._telling.lost(way, now=time.monotonic())
        self._log.info("worker.lost", connections_left=self.connections)

    def _said(self, way: Way, said: Said, pieces: list[memoryview]) -> None:
        if not self._telling.knows(said.session):
            return
        try:
            header, parts = self._read(said.channel, pieces)
        except WireError as error:
            self._junk.warning(channel=said.channel, reason=str(error))
            return
        self.standing.touched()
        waits = self._handlers is None or (said.channel == "shell" and (self._paused or len(self._waiting) > 0))
        if not waits:
            self._hand(said.channel, said.session, header, parts)
            return
        self._waiting.append((said.channel, said.session, header, parts), cost_of(parts))
        if self._waiting.full and (said.session, way) not in self._held:
            self._held.add((said.session, way))
            way.send(Hold(session=said.session), [])

    def _read(self, channel: WebsocketChannel, pieces: list[memoryview]) -> tuple[Header, Parts]:
        size_bytes = sum(map(len, pieces))
        if size_bytes > self._max_message_bytes:
            raise WireError(f"{size_bytes} bytes; a client may send {self._max_message_bytes}")
        if len(pieces) < BUFFERS:
            raise WireError(f"{len(pieces)} parts; there are {BUFFERS} at least")
        if channel == "iopub":
            raise WireError("iopub is for what the kernel says")
        parts = [bytes(piece) for piece in pieces]
        header = read_header(parts[HEADER])
        if not header.msg_id or not header.msg_type:
            raise WireError("its header has no msg_id or no msg_type")
        return header, parts

    def hand_on(self) -> None:
        """Hand on what waits, as far as it is taken; then read on."""
        if self._handing:
            return
        self._handing = True
        try:
            while self._waiting and not self._paused and self._handlers is not None:
                self._hand(*self._waiting.popleft())
        finally:
            self._handing = False
        if not self._waiting:
            held, self._held = self._held, set()
            for session, way in held:
                way.send(Release(session=session), [])

    def _hand(self, channel: WebsocketChannel, session: str, header: Header, parts: Parts) -> None:
        assert self._handlers is not None
        current_trace.set(header.msg_id[:TRACE_CHARS])
        idents = [session.encode()]
        if channel == "shell":
            self._handlers.shell_request(idents, header, parts)
        elif channel == "control":
            self._handlers.control_request(idents, header, parts)
        else:
            self._handlers.stdin_reply(idents, header, parts)

    def _reply(self, idents: list[bytes], channel: Channel, parts: Parts) -> None:
        self.standing.touched()
        self._tell(idents[0].decode(), channel, parts, vital=True)

    def _tell(self, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool, may_wait: bool = False) -> None:
        size_bytes = size_of(parts)
        if len(parts) >= PIECES_LIMIT or size_bytes > TELLABLE_BYTES:
            self._log.warning("message.too_large", channel=channel, parts=len(parts), size_bytes=size_bytes)
            channel, parts = "iopub", self._missed(1, parts[PARENT])
        stand_in = None
        if size_bytes > MESSAGE_BYTES and channel in ("shell", "control") and self._told is not None:
            assert self._speaker is not None
            stand_in = self._speaker.answer_lost(parts)
        self._telling.tell(session, channel, parts, vital=vital, now=time.monotonic(), may_wait=may_wait, stand_in=stand_in)

    def _missed(self, count: int, parent: bytes) -> Parts:
        assert self._speaker is not None, "whoever tells something is attached first"
        return self._speaker.missed(count, parent)
