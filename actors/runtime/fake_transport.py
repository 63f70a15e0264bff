"""Part of the test kit: two nodes linked without a socket, and a connection that can be stalled and cut by hand."""

import asyncio
from typing import Any

from actors.runtime.codec import Codec
from actors.runtime.frames import JUNK, OPEN_LIMITS, FrameReader
from actors.runtime.hello import Peer
from actors.runtime.link import Link
from actors.runtime.node import Node

__all__ = ["FakeTransport", "link_nodes"]


class FakeTransport(asyncio.Transport):
    """One end of a connection in memory; what is written arrives at the other end in the next turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.written_bytes = 0
        """All bytes ever written."""
        self.stalled = False
        """True while the other side seems not to read."""
        self._other: FakeTransport | None = None
        self._link: Link | None = None
        self._reader = FrameReader(OPEN_LIMITS)
        self._out = bytearray()
        self._high = 64 * 1024
        self._low = 16 * 1024
        self._paused = False
        self._reading = True
        self._closing = False

    def attach(self, link: Link, other: "FakeTransport") -> None:
        """Say whose connection this is, and where it leads."""
        self._link = link
        self._other = other

    def stall(self) -> None:
        """Let nothing through, as when the other process is stopped."""
        self.stalled = True

    def flow(self) -> None:
        """Let through what has gathered, and what comes."""
        self.stalled = False
        asyncio.get_running_loop().call_soon(self._deliver)

    def cut(self) -> None:
        """Lose the connection, with all that was on its way."""
        self._out.clear()
        self._lose(ConnectionResetError("cut by the test"))

    def receive(self, data: bytes) -> None:
        """Hand bytes to this end, as if the other had written them."""
        assert self._link is not None
        try:
            for kind, payload in self._reader.feed(data):
                self._link.frame_received(kind, payload)
        except JUNK as error:
            self._link.junk(error)

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:  # Any: any shape of memory
        if self._closing:
            return
        self._out += data
        self.written_bytes += len(data)
        if len(self._out) > self._high and not self._paused and self._link is not None:
            self._paused = True
            self._link.pause_writing()
        asyncio.get_running_loop().call_soon(self._deliver)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or self._high
        self._low = low or self._low

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._deliver()
            self._lose(None)

    def abort(self) -> None:
        self._lose(None)

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        if self._other is not None:
            asyncio.get_running_loop().call_soon(self._other._deliver)

    def is_reading(self) -> bool:
        return self._reading

    def _deliver(self) -> None:
        other = self._other
        if self.stalled or other is None or not other._reading or not self._out:
            return
        data = bytes(self._out)
        self._out.clear()
        other.receive(data)
        if self._paused and self._link is not None:
            self._paused = False
            self._link.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        for end in (self, self._other):
            if end is not None and not end._closing and end._link is not None:
                end._closing = True
                asyncio.get_running_loop().call_soon(end._link.connection_lost, error)


def link_nodes(first: Node, second: Node, *, codec: Codec, second_codec: Codec | None = None) -> tuple[Link, Link]:
    """Link two nodes of this process in memory.

    Args:
        first, second: the nodes.
        codec: what may arrive at the first.
        second_codec: what may arrive at the second; the same if None.

    Returns:
        The first node's link to the second, and the second's to the first.
    """
    here, there = FakeTransport(), FakeTransport()
    link = first.make_link(codec, Peer(uid=0, pid=2, role=second.role, protocol=second.protocol), here)
    back = second.make_link(second_codec or codec, Peer(uid=0, pid=1, role=first.role, protocol=first.protocol), there)
    here.attach(link, there)
    there.attach(back, here)
    return link, back
