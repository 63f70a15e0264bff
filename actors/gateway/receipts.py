"""What the system of a client has taken of what was sent to it, by the numbers of messages.

A message that was handed to our own system is not there yet: when the network breaks, what lies in the send buffer is lost. TCP says
how many bytes were acknowledged, so each message is noted twice: when it has left this process, and when the other side has all of its
bytes. A message is counted where it ends in the stream; the system is asked for all clients together a few times a second, and for one
that goes a last time: no message waits for that, nor costs a call.

The descriptor is a copy of the connection's: its own is closed before anybody hears of the loss. Where nothing can be asked, a unix
socket or another system than Linux, what has left counts as taken. With TLS the bytes on the wire are not ours to count, and lie in the
process for a while: there a message counts, as left too, once the system has said that nothing waits, twice with a pause between.

What has left counts as got where the worker was killed, since the system delivers it. It does not where the client has said something
that nobody has read: then the connection is reset, with all that waits. So little may wait there for a client that does not read.
"""

import asyncio
import socket
import sys
from collections import deque
from typing import Final

from actors.gateway.slots import Slots
from actors.kernel.sockets.unsent import acknowledged_bytes, copy_of, unsent_bytes

LOOK_S: Final = 0.1
"""Between two looks at those for whom something is under way: some systems take 40 ms to acknowledge."""

UNSENT_BYTES: Final = 64 * 1024
"""What the system takes from us, beyond what is under way in the network: enough to have something to send at each turn of ours. Without a
limit it takes megabytes for a client that reads nothing."""

_TINY, _SHORT = 126, 65_536
"""Payloads below are announced in 2 and 4 bytes, others in 10 (RFC 6455, 5.2)."""


def frame_bytes(payload_bytes: int) -> int:
    """A frame of a server with so much in it.

    >>> frame_bytes(0), frame_bytes(126), frame_bytes(100_000)
    (2, 130, 100010)
    """
    return payload_bytes + (2 if payload_bytes < _TINY else 4 if payload_bytes < _SHORT else 10)


class Rounds:
    """Looks at all connections of a worker for which something is under way."""

    def __init__(self) -> None:
        self._open: set[Receipts] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, receipts: "Receipts") -> None:
        """Something was sent to this one."""
        self._open.add(receipts)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def discard(self, receipts: "Receipts") -> None:
        """It is over."""
        self._open.discard(receipts)

    def _look(self) -> None:
        self._open = {receipts for receipts in self._open if receipts.look()}
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look) if self._open else None


class Receipts:
    """Of one connection.

    Args:
        transport: of it.
        slot: of `slots`, where what is known is noted, until `close`.
        rounds: of the worker.
    """

    def __init__(self, transport: asyncio.BaseTransport, *, slots: Slots, slot: int, rounds: Rounds) -> None:
        self._slots = slots
        self._slot = slot
        self._rounds = rounds
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        self._copy = _copy_of(transport)
        self._base: int | None = None
        """How much the other side had of what came before the first message."""
        self._passed = 0
        """Bytes of frames that have left."""
        self._before = -1
        """With TLS: what had left at the look before, if nothing waited then."""
        self._under_way: deque[tuple[int, int]] = deque()
        """Where a message ends, and its number."""

    def let_little_wait(self) -> None:
        """From now on the system takes no more than `UNSENT_BYTES` that it cannot send."""
        if sys.platform == "linux" and self._copy is not None:
            self._copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def control(self, size_bytes: int) -> None:
        """A ping or pong with so much in it has left."""
        self._passed += frame_bytes(size_bytes)

    def left(self, number: int, size_bytes: int | None) -> None:
        """A message with so much in its frame has left; None: it is not for this client, who has reached it nevertheless."""
        if size_bytes is not None:
            self._passed += frame_bytes(size_bytes)
        if self._copy is None:
            self._slots.left(self._slot, number)
            self._slots.took(self._slot, number)
            return
        if not self._is_tls:
            self._slots.left(self._slot, number)
            if self._base is None:
                self._base = self._written() - self._passed
        if not self._under_way:
            self._rounds.add(self)
        self._under_way.append((self._passed, number))

    def look(self) -> bool:
        """Note what was taken; whether more is under way."""
        waiting = self._under_way
        taken = self._taken()
        number = 0
        while waiting and waiting[0][0] <= taken:
            number = waiting.popleft()[1]
        if number:
            if self._is_tls:
                self._slots.left(self._slot, number)
            self._slots.took(self._slot, number)
        return bool(waiting)

    def close(self) -> None:
        """Look a last time."""
        self._rounds.discard(self)
        if self._copy is not None:
            self.look()
            self._under_way.clear()
            self._copy.close()
            self._copy = None

    def _written(self) -> int:
        """How much the system was given for this connection; in front of all if that cannot be said: then nothing counts as taken."""
        assert self._copy is not None
        acknowledged = acknowledged_bytes(self._copy)
        while True:
            unsent = unsent_bytes(self._copy.fileno())
            before, acknowledged = acknowledged, acknowledged_bytes(self._copy)
            if acknowledged is None or unsent is None:
                return sys.maxsize
            if acknowledged == before:  # else what was acknowledged in between would be in neither number
                return acknowledged + unsent

    def _taken(self) -> int:
        """How many bytes of frames the other side has."""
        assert self._copy is not None
        if self._is_tls:
            nothing_waits = unsent_bytes(self._copy.fileno()) == 0
            before, self._before = self._before, self._passed if nothing_waits else -1
            return before if nothing_waits else -1
        acknowledged = acknowledged_bytes(self._copy)
        return -1 if acknowledged is None or self._base is None else acknowledged - self._base


def _copy_of(transport: asyncio.BaseTransport) -> socket.socket | None:
    """The connection once more, if its system says what was acknowledged."""
    own = transport.get_extra_info("socket")
    if own is None or sys.platform != "linux" or own.family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    try:
        copy = copy_of(own.fileno())
    except OSError:
        return None  # no descriptor is left, or it has gone already
    if acknowledged_bytes(copy) is None:
        copy.close()
        return None
    return copy
