"""What a link has to say, until the connection takes it: corked, in order of urgency, never waiting.

Four sources: the runtime's notices, control messages, ordinary messages, bulk bytes. One turn of the loop gathers; then
all goes out, the most urgent first, until the transport asks for a pause. Control that gathers during a pause thereby
overtakes the ordinary messages that gathered before it. What may wait goes with what comes next, or a moment later: to be woken costs
the other side more than to read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from actors.runtime.bulk import BulkSender
from actors.runtime.frames import NOTICE, EncodeInto, Outbox, frame

ACCOUNT_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of ordinary messages that may wait for a side that does not read: 20,000 usual messages."""
CONTROL_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of control messages and notices that may wait; no correct program comes near, so beyond it the link closes."""
WRITE_HIGH: Final = 256 * 1024
WRITE_LOW: Final = 64 * 1024
"""Where the transport asks for a pause and for more: little, since what lies there is not overtaken by control."""
GATHER_S: Final = 0.001
"""How long what may wait does, at most: nobody sees it, and a short cell is over by then."""


class LinkWriter:
    """Owns what waits to be written on one link.

    Args:
        transport: the connection.
        encode_into: of the link's codec.
    """

    def __init__(self, transport: asyncio.Transport, encode_into: EncodeInto) -> None:
        self.control = Outbox(encode_into)
        self.ordinary = Outbox(encode_into)
        self.bulk = BulkSender()
        self.flush_due = False
        """True when a flush comes in this turn of the loop; asked per message, hence a plain attribute."""
        self.on_flush: Callable[[], None] | None = None
        """Called at the end of each flush."""
        self._notices: deque[bytes] = deque()
        self._notice_bytes = 0
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._later: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)

    @property
    def full(self) -> bool:
        """True when ordinary messages must be refused."""
        return self.ordinary.cut_size >= ACCOUNT_LIMIT

    @property
    def overflown(self) -> bool:
        """True when more control waits than a correct program sends."""
        return self.control.size + self._notice_bytes > CONTROL_LIMIT

    def notice(self, payload: bytes) -> None:
        """Queue a notice of the runtime."""
        self._notices.append(frame(NOTICE, payload))
        self._notice_bytes += len(payload)
        self.flush_soon()

    def flush_soon(self) -> None:
        """Write before the next turn of the loop."""
        if not self.flush_due:
            self.flush_due = True
            self._loop.call_soon(self.flush)

    def flush_later(self) -> None:
        """Write in a moment, with what else comes until then."""
        if not self.flush_due and self._later is None:
            self._later = self._loop.call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Write what waits, until the transport asks for a pause."""
        self.flush_due = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._transport.is_closing():
            return
        write = self._transport.write
        for source in (self._next_notice, self.control.next_frame, self.ordinary.next_frame, self.bulk.next_frame):
            while not self._paused and (piece := source()) is not None:
                write(piece)
        if self.on_flush is not None:
            self.on_flush()

    def pause(self) -> None:
        """The transport has enough."""
        self._paused = True

    def resume(self) -> None:
        """The transport has room again."""
        self._paused = False
        self.flush()

    def _next_notice(self) -> bytes | None:
        if not self._notices:
            return None
        taken = self._notices.popleft()
        self._notice_bytes -= len(taken) - 4
        return taken
