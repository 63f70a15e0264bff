"""One ZeroMQ socket on the event loop, read through its file descriptor: the way of all messages but the heartbeat's.

`zmq.asyncio` makes a future per message and costs 6-10 times as much. The descriptor is edge-triggered: it becomes
readable once for any number of events, and sending can use such an edge up; so the socket's EVENTS are looked at again
after every send, and when a burst of reads ended early. A read burst is bounded, so that a flood on one
socket leaves the other sockets their turn.
"""

import asyncio
import sys
from collections.abc import Callable

import zmq

from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.spill import cost_of
from actors.kernel.sockets.zmq_sockets import USUAL, Context, Curve, Kind, bind_socket, make_socket
from actors.runtime.malloc import LARGE_BYTES

Receive = Callable[[list[bytes]], None]

BURST = 64
BURST_BYTES = 1_000_000
"""Messages, and bytes unless said otherwise, read in one turn of the loop: about 2 ms of relaying."""
REST_READ = 4096
"""Messages read at once when a rest is ended early: more than any publisher sends in a rest, and an end for one that never stops."""
BY_REFERENCE_BYTES = LARGE_BYTES
"""A frame of this size is sent without a copy of it being made, for each listener: 1 MB takes 12 us instead of 660 (m), most of which go
into fresh memory. Of smaller ones pyzmq's account of what libzmq still holds costs more than the copy."""
LINGER_MS = 1000
"""How long last words may take to leave after a socket is closed, as at ipykernel."""

_NOW = int(zmq.NOBLOCK)
_NOW_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_IN, _OUT = int(zmq.POLLIN), int(zmq.POLLOUT)
"""Plain numbers: pyzmq's own are members of enumerations, whose `&` takes 1.3 us and makes an object (m)."""


class EdgeSocket:
    """A ZeroMQ socket whose messages go to one callback.

    Args:
        kind: a `manual xpub` leaves it to `receive` what a subscription means, see `admit`; an `xpub` takes it as it is, once
            `receive` was told.
        receive: called with the frames of each message, on the loop's thread.
        burst_bytes: how much is read in one turn of the loop; one message may go beyond.
        context, identity, receive_limit, send_limit, max_message_bytes, curve: see `make_socket`.
    """

    def __init__(
        self,
        context: Context,
        kind: Kind,
        receive: Receive,
        *,
        identity: bytes = b"",
        receive_limit: int = USUAL,
        send_limit: int = USUAL,
        burst_bytes: int = BURST_BYTES,
        max_message_bytes: int = -1,
        curve: Curve | None = None,
    ) -> None:
        self._socket = socket = make_socket(
            context,
            kind,
            identity=identity,
            receive_limit=receive_limit,
            send_limit=send_limit,
            max_message_bytes=max_message_bytes,
            curve=curve,
        )
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._names_speakers = kind in {"router", "manual xpub"}
        self._checking = False
        self._paused = False
        self._closed = False
        self._burst_bytes = burst_bytes
        self._read_bytes = 0
        self._waiting: Backlog[list[bytes]] = Backlog()
        self.rest_s = 0.0
        """How long it rests after a burst that left nothing: what comes meanwhile is read together. 0 where each is read at once."""
        self._rest: asyncio.TimerHandle | None = None
        self.speaker: int | None = None
        """Of a `router` or `manual xpub`: the descriptor of the connection that the message now being received came by, if any."""
        self.on_flushed: Callable[[], None] | None = None
        """Called once after messages had to wait and all have left."""
        if kind == "xpub":
            self._receive = self._subscribe_first(receive)
        self._descriptor: int = socket.getsockopt(zmq.FD)  # type: ignore[assignment]  # the stub says int | bytes

    def bind(self, address: str) -> int | None:
        """Bind and begin to read.

        Returns:
            The port when `address` was a tcp address with port 0, else None.

        Raises:
            AddressError: the address is in use or not this machine's.
        """
        chosen = bind_socket(self._socket, address)
        self._start()
        return chosen

    def connect(self, address: str) -> None:
        """Connect and begin to read; it goes on trying until it is closed."""
        self._socket.connect(address)
        self._start()

    @property
    def full(self) -> bool:
        """Whether so much waits that nothing more should be sent."""
        return self._waiting.full

    def send(self, frames: list[bytes]) -> bool:
        """Send one message, or keep it until the other side takes more.

        Returns:
            False when too many are waiting: the caller should pause what feeds it until `on_flushed`.
        """
        if self._closed:
            return True
        if self._waiting:
            self._waiting.append(frames, cost_of(frames))
            return not self._waiting.full
        try:
            self._send_now(frames)
        except zmq.Again:
            self._waiting.append(frames, cost_of(frames))
            self._check_soon()
            return not self._waiting.full
        self._look_again()
        return True

    def reach(self, frames: list[bytes]) -> bool:
        """Of a `router` without a send limit: send to the client that the first frame names; False if it is not connected."""
        if self._closed:
            return True
        try:
            self._send_now(frames)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        finally:
            self._look_again()
        return True

    def admit(self, topic: bytes) -> None:
        """Of a `manual xpub`: let the peer whose subscription was received last hear this topic."""
        self._socket.setsockopt(zmq.SUBSCRIBE, topic)

    def exclude(self, topic: bytes) -> None:
        """Of a `manual xpub`: the peer whose subscription was received last hears this topic no longer."""
        self._socket.setsockopt(zmq.UNSUBSCRIBE, topic)

    def pause(self) -> None:
        """Stop reading. libzmq goes on until it holds `receive_limit` messages of each peer; then the senders wait."""
        self._paused = True

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        self._check_soon()

    def end_rest(self) -> None:
        """Read what came during a rest now."""
        if self._wake():
            self._check()

    def read_rest(self) -> bool:
        """If it rests: end that, and read what has come meanwhile in this turn; returns whether it did."""
        if not self._wake():
            return False
        if self.read_all(REST_READ) == REST_READ:
            self._check_soon()
        return True

    def read_all(self, at_most: int = sys.maxsize) -> int:
        """Read what is there now without leaving the turn; returns how many messages it was."""
        count = 0
        while count < at_most and not self._closed and self._read_one():
            count += 1
        return count

    def close(self, *, linger_ms: int = LINGER_MS) -> None:
        """Stop reading and let what was sent leave within the linger time; 0 for a peer that is dead."""
        if not self._closed:
            self._closed = True
            self._waiting.clear()
            self._wake()
            self._loop.remove_reader(self._descriptor)
            self._socket.close(linger_ms)

    def _start(self) -> None:
        self._loop.add_reader(self._descriptor, self._check)
        self._check_soon()

    def _wake(self) -> bool:
        rested, self._rest = self._rest, None
        if rested is not None:
            rested.cancel()
        return rested is not None

    def _check_soon(self) -> None:
        if not self._checking:
            self._checking = True
            self._loop.call_soon(self._check)

    def _look_again(self) -> None:
        """After a send, which may have used up the edge of what has arrived. A turn of the loop for it would cost four times as much."""
        if not self._paused and self._rest is None and self._events() & _IN:
            self._check_soon()

    def _events(self) -> int:
        """What can be done now; to ask is also what re-arms the edge-triggered descriptor."""
        events: int = self._socket.getsockopt(zmq.EVENTS)  # type: ignore[assignment]  # the stub says int | bytes
        return events

    def _check(self) -> None:
        self._checking = False
        if self._closed:
            return
        events = self._events()
        if self._waiting and events & _OUT:
            self._flush()
            # What arrived during the flush made an edge, and a send may have used it up.
            self._check_soon()
        if self._paused or self._rest is not None or not events & _IN:
            return
        more, enough = True, self._read_bytes + self._burst_bytes
        try:
            for count in range(BURST):
                more = self._read_one() and not self._paused and not self._closed
                if more and count == 0:
                    # Most messages come alone, and to ask costs a sixth of a read that finds nothing. Behind a second there are others.
                    more = bool(self._events() & _IN)
                if not more:
                    # Nothing left (the next message makes an edge), or resume() looks again.
                    if self.rest_s and not self._closed:
                        self._rest = self._loop.call_later(self.rest_s, self.end_rest)
                    return
                if self._read_bytes >= enough:
                    return
        finally:
            if more or self._waiting:
                # The burst was long enough, or a handler failed: what lies there now makes no edge. Nor does the room that the
                # other side has made for what waits, once a read has heard of it.
                self._check_soon()

    def _read_one(self) -> bool:
        receive = self._socket.recv
        try:
            frame = receive(_NOW, False)
        except zmq.Again:
            return False
        if self._names_speakers:
            self._look_for_speaker(frame)
        frames = [frame.bytes]
        while frame.more:
            frame = receive(_NOW, False)
            frames.append(frame.bytes)
        self._read_bytes += sum(map(len, frames))
        self._receive(frames)
        return True

    def _look_for_speaker(self, frame: zmq.Frame) -> None:
        try:
            # Deprecated because a descriptor may be another's by the time it is used; whoever uses this one checks that.
            self.speaker = int(frame.get(zmq.SRCFD))
        except zmq.ZMQError:
            self.speaker = None  # libzmq's own word about a peer that has left

    def _send_now(self, frames: list[bytes]) -> None:
        """As `send_multipart`, which takes four times as long: it computes its flags anew for each frame."""
        send = self._socket.send
        for frame in frames[:-1]:
            send(frame, _NOW_MORE, len(frame) < BY_REFERENCE_BYTES)
        send(frames[-1], _NOW, len(frames[-1]) < BY_REFERENCE_BYTES)

    def _subscribe_first(self, receive: Receive) -> Receive:
        def subscription(frames: list[bytes]) -> None:
            kind, topic = frames[0][:1], frames[0][1:]
            if kind == b"\x01":
                self.admit(topic)
            elif kind == b"\x00":
                self.exclude(topic)
            receive(frames)

        return subscription

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._send_now(self._waiting.first())
            except zmq.Again:
                return  # room for more makes an edge
            self._waiting.popleft()
        if self.on_flushed is not None:
            self.on_flushed()
