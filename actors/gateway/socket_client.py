"""One websocket of a kernel, from its upgrade to its end: a queue with one sender, and one reader.

The sender waits until each message has left this process before it notes the message's number, so that what is noted was sent
whatever happens to this process; `receipts.py` notes what has arrived. Only the sender writes, but for the close frame, which comes when
the sender is done: a message is never cut off by our own hand and then told again.

When it is this side that ends it, the client is heard out: what it had said before it knew is cells, of which each wants its reply. So it
is read up to its own close frame, in front of which all of that comes.

Pings are ours and not aiohttp's: that would take a client for dead whose messages we do not read because its kernel has too many.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from aiohttp import WSMsgType, web

from actors.gateway.counts import Counts
from actors.gateway.framing import Frame, Framing, Message, read_frame
from actors.gateway.receipts import Receipts
from actors.runtime.clock import Clock
from actors.runtime.log import Log, SparseLog
from beaker.gateway.delivery import Delivery
from beaker.wire.parts import WireError
from beaker.wire.websocket import OnChannel

NORMAL: Final = 1000
RESTARTING: Final = 1012
TOO_SLOW: Final = 1013
SIGNED_OUT: Final = 1008
"""Codes of closing. JupyterLab connects again after any but 1000 and 1001."""

CLOSE_LIMIT_S: Final = 2.0
"""How long a client may take to say goodbye too, or the next of what it has said before."""

HEARD_OUT_S: Final = 8.0
"""How long all of that may take, where its kernel takes it slowly; less than a gateway's requests have to end, as a rule."""

LINGER_S: Final = 30.0
"""How long a client that took nothing may take to read the message that it is in, and why it is closed. No setting: the client is none for
its kernel any more, and waits for nothing."""


class Room(Protocol):
    """The kernel that a client is in, as far as the client must know it."""

    def fetch(self, client: "SocketClient") -> None:
        """Ask the host for more."""
        ...

    async def say(self, client: "SocketClient", message: OnChannel) -> None:
        """Take a message of the client to the kernel; waits while the host would have no more of it."""
        ...


class SocketClient:
    """One client.

    Args:
        socket: upgraded.
        transport: of it.
        session: the client's own id.
        slot: of the worker's slots, for as long as this lasts.
        receipts: note there what it was sent and has got.
        is_over: tells whether the browser's session has ended by which this was opened; None: it was opened by no session.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        session: str,
        *,
        slot: int,
        receipts: Receipts,
        counts: Counts,
        clock: Clock,
        log: Log,
        is_over: Callable[[], bool] | None = None,
    ) -> None:
        self.session = session
        self.slot = slot
        self.framing: Framing = "v1" if socket.ws_protocol else "legacy"
        self.delivery: Delivery[Message] = Delivery(self._put)
        self.is_over = is_over or (lambda: False)
        """Whether it must not last any longer."""
        self.may_speak = asyncio.Event()
        """Set while the host takes its messages."""
        self.is_reading = False
        """Waits for the client now, and not for the host."""
        self._socket = socket
        self._transport = transport
        self._receipts: Receipts | None = receipts
        self._counts = counts
        self._clock = clock
        self._log = log
        self._malformed = SparseLog(log, "message.malformed")
        self._queue: deque[tuple[int, Frame | None, int]] = deque()
        self._wake = asyncio.Event()
        self._pong: bytes | None = None
        self._ping_due = False
        self._pinged_at: float | None = None
        self._ending: asyncio.Future[tuple[int, str, bool]] = asyncio.get_running_loop().create_future()
        self._heard = 0
        self._progress = (0, 0)
        self._sent = 0
        self._moved_at = clock.monotonic()

    @property
    def is_gone(self) -> bool:
        """The connection is."""
        return self._transport.is_closing()

    @property
    def close_code(self) -> int | None:
        """How it was closed, by whomever."""
        return self._socket.close_code

    @property
    def is_ending(self) -> bool:
        """It is being closed."""
        return self._ending.done()

    async def run(self, room: Room) -> None:
        """Pass messages both ways until one side has enough."""
        sender = asyncio.ensure_future(self._send_all(room))
        reader = asyncio.ensure_future(self._read_all(room))
        try:
            either: list[asyncio.Future[Any]] = [sender, reader, self._ending]  # Any: they have nothing in common
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and not reader.cancelled() and reader.exception() is None:
                # The client may be about to leave without our word: nothing waits for what is under way.
                await self._socket.close(drain=False)
            elif self._ending.done() and not self.is_gone:
                code, words, is_heard_out = self._ending.result()
                if not is_heard_out:
                    await _cancelled(reader)
                    reader = asyncio.ensure_future(self._read_all(None))
                await self._say_goodbye(sender, reader, code, words)
        except BaseException:  # whatever it was: the connection must not be used again
            self._transport.abort()  # the gateway's own mistake, or its end: nothing else may be written to a websocket
            raise
        finally:
            self.forget_slot()
            for task in (reader, sender):
                await _cancelled(task)
            if not self._ending.done():
                self._ending.set_result((NORMAL, "", True))

    def end(self, code: int, words: str, *, is_heard_out: bool = True) -> None:
        """Close it, once the message that it is in has left.

        Args:
            is_heard_out: what the client said before it knew still counts.
        """
        if not self._ending.done():
            self._ending.set_result((code, words, is_heard_out))
            self._queue.clear()  # it is kept for the client by the host
            self._wake.set()

    def forget_slot(self) -> None:
        """Note nothing more: the slot is read, or given to another."""
        if self._receipts is not None:
            self._receipts.close()
            self._receipts = None

    def told(self, number: int, message: Message, *, alone: bool) -> None:
        """The host has told something."""
        self._counts.fell_behind += self.delivery.told(number, message, message.size, alone=alone)

    def wake(self) -> None:
        """Its state has changed."""
        self._wake.set()

    def ping(self, every_s: float) -> None:
        """Ask whether it is there, and give it up if it has not answered since it was asked last."""
        now = self._clock.monotonic()
        if self._pinged_at is not None and self.is_reading and now - self._pinged_at >= every_s:
            self._log.info("websocket.silent", session=self.session)
            self._transport.abort()
        elif self._pinged_at is None:
            self._ping_due = True
            self._wake.set()

    def is_stuck(self, *, lag_bytes: int, stopped_s: float) -> bool:
        """Whether it has taken nothing for so long, while so much waits for it."""
        progress = (self._sent, self._transport.get_write_buffer_size())
        now = self._clock.monotonic()
        if progress != self._progress or not progress[1]:
            self._progress = progress
            self._moved_at = now
        waiting = self.delivery.missed_bytes + self.delivery.waiting_bytes
        return waiting > lag_bytes and now - self._moved_at >= stopped_s

    def _put(self, number: int, message: Message | None) -> None:
        if message is None:
            self._queue.append((number, None, 0))
        else:
            frame: Frame | None = None
            try:
                frame = message.frame(self.framing)
            except WireError as error:
                self._malformed.warning(reason=str(error), by="kernel")
            self._queue.append((number, frame, message.size))
        self._wake.set()

    async def _send_all(self, room: Room) -> None:
        try:
            while not self._ending.done():
                if self._pong is not None:
                    answer, self._pong = self._pong, None
                    await self._socket.pong(answer)
                    if self._receipts is not None:
                        self._receipts.control(len(answer))
                if self._ping_due:
                    self._ping_due = False
                    await self._socket.ping()
                    if self._receipts is not None:
                        self._receipts.control(0)
                    self._pinged_at = self._clock.monotonic()
                if self._queue:
                    await self._send(*self._queue.popleft())
                elif self.delivery.wants_more:
                    room.fetch(self)
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except ConnectionError:
            return  # it has gone, and the reader knows why

    async def _send(self, number: int, frame: Frame | None, size: int) -> None:
        if frame is not None:
            await self._socket.send_frame(*frame)
            if self._transport.is_closing():
                raise ConnectionResetError
            self._sent += 1
            self._counts.message("out", size)
        self.delivery.sent(size)
        if self._receipts is not None:
            self._receipts.left(number, None if frame is None else len(frame[0]))

    async def _read_all(self, room: Room | None) -> None:
        """Read up to the client's goodbye; without a room nobody hears it."""
        while True:
            self.is_reading = True
            received = await self._socket.receive()
            self.is_reading = False
            self._pinged_at = None
            self._heard += 1
            if received.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await self._take(room, received.data)
            elif received.type is WSMsgType.PING:
                self._pong = bytes(received.data)
                self._wake.set()
            elif received.type is not WSMsgType.PONG:
                self.forget_slot()  # at once: who comes back at another worker must not be told again what has arrived
                return

    async def _take(self, room: Room | None, data: str | bytes) -> None:
        try:
            message = read_frame(self.framing, data)
        except WireError as error:
            self._counts.malformed += 1
            self._malformed.warning(reason=str(error), session=self.session)
            return
        self._counts.message("in", len(data))
        if room is not None:
            await room.say(self, message)

    async def _say_goodbye(self, sender: "asyncio.Future[None]", reader: "asyncio.Future[None]", code: int, words: str) -> None:
        done, _ = await asyncio.wait({sender}, timeout=LINGER_S if code == TOO_SLOW else CLOSE_LIMIT_S)
        if done and not self.is_gone:
            # Not by `close`, which throws away what it reads until the client says goodbye too.
            await self._socket.send_frame(code.to_bytes(2, "big") + words.encode()[:_WORDS_LIMIT], WSMsgType.CLOSE)
            await self._hear_out(reader)
        self._transport.abort()

    async def _hear_out(self, reader: "asyncio.Future[None]") -> None:
        """Read until the client says goodbye too, or says nothing for a while."""
        for _ in range(int(HEARD_OUT_S / CLOSE_LIMIT_S)):
            heard = self._heard
            done, _ = await asyncio.wait({reader}, timeout=CLOSE_LIMIT_S)
            if done or (self.is_reading and self._heard == heard):
                break
        if not reader.done():
            self._log.debug("websocket.no_goodbye", session=self.session)


_WORDS_LIMIT: Final = 120
"""A close frame has room for 123 bytes behind its code."""


async def _cancelled(task: "asyncio.Future[None]") -> None:
    """End a task and wait for it; what it failed with is raised."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
