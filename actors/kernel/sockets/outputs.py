"""What the subkernel publishes: always drained, and handed on in order, at once or in turns.

A cell's few messages are handed on as they come. What is printed faster than it can be relayed is drained first, into a `Spill`: in
libzmq's memory it could not be bounded without losing it. And the outputs of a flood gather for a moment: to wait for each alone costs
us, and whoever reads it, twice what it costs among others, on the processors that its sender needs.
"""

import asyncio
from collections.abc import Callable

from actors.kernel.sockets.spill import Spill, cost_of
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import NONE, Context

RELAY_BYTES = 1_000_000
"""Relayed in one turn of the loop: about 2 ms, nearly all of it for the signature."""
DRAIN_BYTES = 16 * RELAY_BYTES
"""Read in one turn; writing to the page cache takes a tenth of signing."""
FLOOD = 32
"""Outputs without a status between them: more than an ordinary cell has."""
REST_S = 0.004
"""How long they gather then: with a thousand a second few come alone, and nobody sees a delay of a fourth of a picture on a screen."""


class Outputs:
    """The iopub socket of one life of a subkernel.

    Args:
        receive: called with the frames of each message; returns its type, empty for one that is none.
    """

    def __init__(self, context: Context, receive: Callable[[list[bytes]], str]) -> None:
        self._receive = receive
        self._socket = EdgeSocket(context, "sub", self._came, receive_limit=NONE, burst_bytes=DRAIN_BYTES)
        self._loop = asyncio.get_running_loop()
        self._drained = Spill()
        self._relayed_bytes = 0
        """Since the last turn of `_relay`."""
        self._relaying = False
        self._since_status = 0
        """Messages since the last status."""
        self.count = 0
        """Messages handed on that are no status: what cells print and show."""

    @property
    def drained(self) -> int:
        """How many messages were read and not handed on yet."""
        return len(self._drained)

    def connect(self, address: str) -> None:
        """Begin to read."""
        self._socket.connect(address)

    def hurry(self) -> None:
        """Let what was printed so far gather no longer: something comes on another channel that should not overtake it."""
        if self._socket.read_rest():
            self._relay_all()

    def drain(self) -> int:
        """Read and hand on what lies there now; returns how many messages were read."""
        count = self._socket.read_all()
        self._relay_all()
        return count

    def close(self) -> None:
        """Disconnect, and forget what was not handed on."""
        # What was not delivered yet belongs to a process that is gone; ending the context would wait for it.
        self._socket.close(linger_ms=0)
        self._drained.close()

    def _came(self, frames: list[bytes]) -> None:
        self._relayed_bytes += sum(map(len, frames))
        if self._relayed_bytes < RELAY_BYTES and not self._drained:
            self._hand_on(frames)
            return
        try:
            self._drained.append(frames)
        except OSError:  # no room on the disk: then it is drained as fast as it is relayed
            self._relay_all()
            self._hand_on(frames)
            return
        self._relay_soon()

    def _hand_on(self, frames: list[bytes]) -> None:
        if self._receive(frames) == "status":
            self._since_status = 0
        else:
            self._since_status += 1
            self.count += 1
        self._socket.rest_s = REST_S if self._since_status >= FLOOD else 0.0

    def _relay_soon(self) -> None:
        if not self._relaying:
            self._relaying = True
            self._loop.call_soon(self._relay)

    def _relay(self) -> None:
        self._relaying = False
        self._relayed_bytes = 0
        try:
            while self._drained and self._relayed_bytes < RELAY_BYTES:
                frames = self._drained.popleft()
                self._relayed_bytes += cost_of(frames)
                self._hand_on(frames)
        finally:
            if self._drained:
                self._relay_soon()
            else:
                self._relayed_bytes = 0

    def _relay_all(self) -> None:
        while self._drained:
            self._hand_on(self._drained.popleft())
