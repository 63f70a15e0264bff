"""A link: one unix-socket connection between two nodes, by which the actors of each reach those of the other.

Symmetric once greeted. It owns the connection, the asks that wait for the other side and the monitors across it.
What goes out is `writer`'s, what comes in `inlet`'s. Nobody who tells or asks ever waits: while the other side does not
read, ordinary messages gather up to ACCOUNT_LIMIT and are then refused; control messages and outcomes of asks pass.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from actors.runtime.asks import Obligation, Question
from actors.runtime.bulk import BULK_LIMIT, BulkReader, Piece
from actors.runtime.cell import Cell
from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.down import Down
from actors.runtime.envelope import ANSWER, ANY_LIFE, ASK, FAILED, TELL, UNANSWERED, UNREACHABLE, Envelope
from actors.runtime.failures import Busy, TooLarge, Unreachable
from actors.runtime.frames import BYTES, ENVELOPES, NOTICE, JunkError
from actors.runtime.hello import Peer
from actors.runtime.inlet import Inlet
from actors.runtime.lanes import is_control
from actors.runtime.log import Log
from actors.runtime.monitors import LinkMonitors
from actors.runtime.notices import decode_notice
from actors.runtime.ref import Ref
from actors.runtime.remote_ref import RemoteRef
from actors.runtime.trace import current_trace
from actors.runtime.writer import ACCOUNT_LIMIT, LinkWriter

CANNOT_ENCODE = (TypeError, ValueError, OverflowError, RecursionError, TooLarge)


class Link:
    """One end of a greeted connection. Made by `listener.listen` and `listener.connect` only.

    Args:
        name: unique on this node, for logs and `Down`.
        peer: who is at the other end.
        transport: the connection; whoever owns it calls the methods named after those of `asyncio.Protocol`.
        codec: what may arrive, and the encoder of what goes.
        cells: the actors of this node by name; the node's own table.
        clock, dead_letters, log: the node's.
    """

    def __init__(
        self,
        name: str,
        peer: Peer,
        transport: asyncio.Transport,
        *,
        codec: Codec,
        cells: Mapping[str, Cell[Any]],  # Any: each cell has its own union
        clock: Clock,
        dead_letters: DeadLetters,
        log: Log,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.peer = peer
        self.closed: asyncio.Future[str] = loop.create_future()
        """Becomes the reason, in words, when the connection is gone."""
        self.on_bytes: Callable[[int, list[memoryview]], None] | None = None
        """Takes (stream, frames) of `send_bytes` of the other side; set by the owner of the link."""
        self._loop = loop
        self.transport = transport
        """The connection; only the link writes to it."""
        self._decode = codec.decode_batch
        self._cells = cells
        self._clock = clock
        self._dead_letters = dead_letters
        self._log = log.bind(link=name, peer_pid=peer.pid, peer_role=peer.role)
        self._why = ""
        self._writer = LinkWriter(transport, codec.encode_into)
        self._inlet = Inlet(cells, transport, dead_letters)
        self._bulk_reader = BulkReader()
        self._questions: dict[int, Question] = {}
        self._last_ask = 0
        self._monitors = LinkMonitors(name, cells, self._writer.notice)
        self._link_watchers: list[Callable[[Down], None]] = []

    def __repr__(self) -> str:
        return f"<link {self.name} to {self.peer.role} {self.peer.pid}>"

    @property
    def waiting_bytes(self) -> int:
        """Bytes of ordinary messages that the connection has not taken yet; at ACCOUNT_LIMIT the next are refused."""
        return self._writer.ordinary.size

    @property
    def waiting_bulk_bytes(self) -> int:
        """Bytes of `send_bytes` that the connection has not taken yet."""
        return self._writer.bulk.size

    def watch_flushes(self, callback: Callable[[], None]) -> None:
        """Have this called each time that the connection has taken what it would."""
        self._writer.on_flush = callback

    # What users of a link do.

    def ref(self, actor_name: str, generation: int = ANY_LIFE) -> Ref[Any]:  # Any: the name does not say what it understands
        """Make a ref to an actor of the other node; whether it is there shows when it is asked."""
        made: RemoteRef[Any] = RemoteRef(self, actor_name, generation)  # Any: as above
        return made

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Hear of the end of this link; at once if it is gone. Returns what ends the watch."""
        if self.closed.done():
            notify(Down(kind="link", name=self.name, reason=self.closed.result()))
            return lambda: None
        self._link_watchers.append(notify)
        return lambda: self._link_watchers.remove(notify) if notify in self._link_watchers else None

    def send_bytes(self, stream: int, frames: Sequence[Piece], *, may_wait: bool = False) -> "asyncio.Future[None]":
        """Send a list of frames to the other side's `on_bytes`, in order with others of the stream.

        The frames must not change until the returned future is done, which is when the connection has taken the last
        chunk; waiting for it is how a sender keeps pace with a slow reader. Not waiting is allowed. What `may_wait` goes
        with what comes right behind it, or a millisecond later.

        Raises:
            TooLarge: beyond the limits of `bulk`.
            Busy: that many bytes wait already that the other side must first read.
            Unreachable: the link is closed.
        """
        if self.closed.done():
            raise Unreachable(f"link {self.name} is closed: {self.closed.result()}")
        bulk = self._writer.bulk
        if bulk.size >= BULK_LIMIT:
            raise Busy(f"{bulk.size} bytes wait on link {self.name}")
        sent: asyncio.Future[None] = self._loop.create_future()
        bulk.add(stream, frames, sent)
        (self._writer.flush_later if may_wait else self._writer.flush_soon)()
        return sent

    def close(self, reason: str = "closed on this side") -> None:
        """Send what waits, as far as the other side reads, and close."""
        if not self._why:
            self._why = reason
            self._writer.flush()
            self.transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._why = self._why or reason
        self.transport.abort()

    # What refs do.

    def tell(self, envelope: Envelope[Any]) -> None:  # Any: whatever the other side understands
        """Send a tell, or count it as a dead letter."""
        message = envelope.message
        writer = self._writer
        outbox = writer.ordinary
        if self._why:
            self._dead_letters.record(envelope.target, "link closed", message)
            return
        if is_control(message):
            outbox = writer.control
            if writer.overflown:
                self._overflow()
        elif outbox.cut_size >= ACCOUNT_LIMIT:
            self._dead_letters.record(envelope.target, "link full", message)
            return
        try:
            outbox.add(envelope)
        except CANNOT_ENCODE as error:
            self._dead_letters.record(envelope.target, "cannot be sent", message)
            self._log.error("message.cannot_be_sent", target=envelope.target, kind=type(message).__name__, reason=str(error))
        if not writer.flush_due:
            writer.flush_soon()

    async def ask(self, target: str, message: Any, *, timeout_s: float, generation: int) -> Any:  # Any: typed by Ref
        """Send an ask and wait for its outcome; see `Ref.ask`.

        Raises:
            Unreachable: the link is closed; nothing was sent.
            Busy: too much waits on the link; nothing was sent.
            AskError: another of its classes, for what became of it over there.
        """
        writer = self._writer
        if self._why:
            raise Unreachable(f"no answer from {target!r}: link {self.name} is closed: {self._why}")
        control = is_control(message)
        if writer.full and not control:
            raise Busy(f"no answer from {target!r}: {writer.ordinary.size} bytes wait on link {self.name}")
        self._last_ask = ask_id = self._last_ask + 1
        deadline = self._clock.monotonic() + timeout_s
        outbox = writer.control if control else writer.ordinary
        outbox.add(Envelope(target, ASK, ask_id, current_trace.get(), deadline, generation, message))
        writer.flush_soon()
        question = self._questions[ask_id] = Question(target)
        try:
            return await question.answer(self._clock, timeout_s)
        finally:
            self._questions.pop(ask_id, None)

    def watch_actor(self, name: str, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Monitor an actor of the other node; see `Ref.watch`."""
        return self._monitors.watch(name, notify)

    # Out.

    def _reply(self, ask_id: int, control: bool, kind: int, content: object) -> None:
        """Take the outcome of an ask of the other side to it. Never refused: it is bounded by the asks that were taken."""
        if self._why:
            return
        outbox = self._writer.control if control else self._writer.ordinary
        trace_id = current_trace.get()
        try:
            if kind in (ANSWER, FAILED):
                outbox.add(Envelope("", kind, ask_id, trace_id, 0.0, ANY_LIFE, content))
            else:
                outbox.add(Envelope(str(content or ""), kind, ask_id, trace_id, 0.0, ANY_LIFE, None))
        except CANNOT_ENCODE as error:
            words = f"its answer cannot be sent: {error}"
            self._log.error("answer.cannot_be_sent", kind=type(content).__name__, reason=str(error))
            outbox.add(Envelope(words, UNANSWERED, ask_id, trace_id, 0.0, ANY_LIFE, None))
        self._writer.flush_soon()

    def _overflow(self) -> None:
        self._log.error("link.control_overflow")
        self.abort("more control messages than a correct program sends")

    def pause_writing(self) -> None:
        """The transport has enough."""
        self._writer.pause()

    def resume_writing(self) -> None:
        """The transport has room again."""
        self._writer.resume()

    # In.

    def frame_received(self, kind: int, payload: memoryview) -> None:
        """Take one frame.

        Raises:
            JunkError, or another of frames.JUNK: it makes no sense; the caller then says `junk`.
        """
        if kind == ENVELOPES:
            self._take_batch(payload)
        elif kind == BYTES:
            self._take_bytes(payload)
        elif kind == NOTICE:
            self._monitors.take(decode_notice(payload))
        else:
            raise JunkError(f"frame of kind {kind} on an open link")

    def junk(self, error: Exception) -> None:
        """What arrived makes no sense: close this link, at once."""
        self._log.error("link.junk", reason=str(error))
        self.abort(f"junk: {error}")

    def _take_batch(self, payload: memoryview) -> None:
        take = self._inlet.take
        for envelope in self._decode(payload):
            kind = envelope.kind
            if kind == TELL:
                take(envelope)
            elif kind == ASK:
                control = is_control(envelope.message)
                self._inlet.take_ask(Obligation(envelope, partial(self._reply, envelope.ask_id, control)))
            else:
                self._take_outcome(envelope)

    def _take_outcome(self, envelope: Envelope[Any]) -> None:  # Any: whatever answers what was asked
        question = self._questions.get(envelope.ask_id)
        if question is not None:
            answered = envelope.kind in (ANSWER, FAILED)
            question.settle(envelope.kind, envelope.message if answered else envelope.target)
        else:
            self._dead_letters.record("", "late answer", envelope.message)

    def _take_bytes(self, payload: memoryview) -> None:
        done = self._bulk_reader.feed(payload)
        if done is None:
            return
        if self.on_bytes is None:
            self._dead_letters.record("", "bytes for nobody", done)
        else:
            self.on_bytes(*done)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone: end all that hung on it."""
        self._why = self._why or (f"link lost: {error}" if error else "closed by the other side")
        reason = self._why
        current_trace.set("")  # the end of a link belongs to no request, whatever was said on it last
        self.closed.set_result(reason)
        self._log.info("link.closed", reason=reason)
        for question in list(self._questions.values()):
            question.settle(UNREACHABLE, f"link {self.name}: {reason}")
        self._writer.bulk.fail(Unreachable(f"link {self.name}: {reason}"))
        self._monitors.lose()
        for notify in list(self._link_watchers):
            notify(Down(kind="link", name=self.name, reason=reason))
        self._link_watchers.clear()
