"""Everybody who listens to iopub, each with an account of their own.

A bound PUB socket has one queue per connection, but it tells nothing about them: without a limit a client that stops reading
makes this process grow with all that is printed, and with a limit it makes others lose. So each subscriber to everything
gets, unseen, a topic of its own (XPUB_MANUAL: we decide what a subscription means) and every message is sent to each by
name. To whom what was given before has not gone out yet, it is not given more: that waits in a `Spill`. A client that reads,
however slowly, gets every message in order. One that takes nothing for `stopped_s` while more than `lag_bytes` wait for it
misses outputs from then on, and is told how many in the place where they are missing.

Subscribers to some topics only, which no Jupyter client is, share one account and see topics as the subkernel wrote them.
For the others the topic has a few bytes in front; what a topic says is for filters, and they have none.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from actors.kernel.sockets.connection import Connection, Progress
from actors.kernel.sockets.flushing import Flushing
from actors.kernel.sockets.lane import Lane, Rules
from actors.kernel.sockets.spill import cost_of
from beaker.wire.parts import DELIMITER

LEFT_AFTER_S = 0.1
"""libzmq closes a connection a moment after it has told that its subscriptions are over."""

_MARK = b"\x00"
"""First byte of the topics of ours; no topic of a kernel begins with it."""


class Socket(Protocol):
    """What is needed of an XPUB socket in manual mode."""

    @property
    def speaker(self) -> int | None:
        """Descriptor of the connection that the last subscription came by."""
        ...

    def send(self, frames: list[bytes]) -> bool:
        """To all whose topics match."""
        ...

    def admit(self, topic: bytes) -> None:
        """Let the last speaker hear this topic."""
        ...

    def exclude(self, topic: bytes) -> None:
        """Take a topic from the last speaker."""
        ...


@dataclass(slots=True)
class _Listener:
    """One connection."""

    connection: Connection | None
    topics: set[bytes] = field(default_factory=set[bytes])
    """Not how often: libzmq does not count the subscriptions of one peer either."""
    lane: Lane | None = None
    """Its own, if it wants everything."""
    mark: bytes = b""
    """The topic of that lane."""

    @property
    def gone(self) -> bool:
        """Whether the connection is closed; what cannot be seen is not."""
        return self.connection is not None and self.connection.gone

    def progress(self) -> Progress:
        """How far it has read; who cannot be seen takes everything."""
        return Progress() if self.connection is None else self.connection.progress()


class Audience:
    """Gives each message to each listener.

    Args:
        on_subscribed: called with the topic, before that subscriber hears anything.
        rules: of all accounts.
    """

    def __init__(self, *, on_subscribed: Callable[[bytes], None], rules: Rules) -> None:
        self._on_subscribed = on_subscribed
        self._loop = asyncio.get_running_loop()
        self._rules = rules
        self._listeners: list[_Listener] = []
        self._lanes: list[Lane] = []
        self._shared = Lane(self._rules, self._send, self._slowest_of_the_shared)
        self._numbers = 0
        self._flushing = Flushing(lambda: self._lanes)
        self.socket: Socket | None = None
        """Set once, before anybody can subscribe."""

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def event(self, frames: list[bytes]) -> None:
        """A subscription, or the end of one."""
        kind, topic = frames[0][:1], frames[0][1:]
        assert self.socket is not None
        if kind not in {b"\x00", b"\x01"} or topic.startswith(_MARK):
            return
        speaker = self.socket.speaker
        if kind == b"\x01":
            self._subscribed(self._listener(speaker), topic)
            self._on_subscribed(topic)
        elif speaker is not None and (listener := self._find(speaker)) is not None:
            self._unsubscribed(listener, topic)
        else:
            self._loop.call_later(LEFT_AFTER_S, self._forget_the_gone)

    def publish(self, frames: list[bytes]) -> None:
        """To all who listen: at once to those who take it, and as soon as they do to the others."""
        cost = cost_of(frames)
        for lane in self._lanes:
            lane.put(frames, cost)
            if lane.behind:
                self._flushing.wake()

    def close(self) -> None:
        """Give whoever reads what waits for them, and forget the others."""
        self._flushing.close()
        for lane in self._lanes:
            lane.end()
        self._lanes.clear()
        self._listeners.clear()

    # Who listens.

    def _find(self, descriptor: int) -> _Listener | None:
        for listener in self._listeners:
            if listener.connection is not None and listener.connection.descriptor == descriptor and not listener.gone:
                return listener
        return None

    def _listener(self, descriptor: int | None) -> _Listener:
        known = None if descriptor is None else self._find(descriptor)
        if known is None:
            self._forget_the_gone()
            known = _Listener(None if descriptor is None else Connection(descriptor))
            self._listeners.append(known)
        return known

    def _subscribed(self, listener: _Listener, topic: bytes) -> None:
        assert self.socket is not None
        listener.topics.add(topic)
        if topic == b"" and listener.lane is None:
            self._numbers += 1
            listener.mark = _MARK + self._numbers.to_bytes(4, "big")
            listener.lane = Lane(self._rules, partial(self._send_marked, listener.mark), listener.progress)
            for narrower in filter(None, listener.topics):
                self.socket.exclude(narrower)  # or it would hear those messages twice
        # Even if all that is known: it may be of one that left before its word was read, and whose descriptor this one has.
        if topic == b"":
            self.socket.admit(listener.mark)
        elif listener.lane is None:
            self.socket.admit(topic)
        self._count_lanes()

    def _unsubscribed(self, listener: _Listener, topic: bytes) -> None:
        assert self.socket is not None
        listener.topics.discard(topic)
        if topic == b"" and listener.lane is not None:
            self.socket.exclude(listener.mark)
            listener.lane.close()
            listener.lane = None
            for narrower in listener.topics:
                self.socket.admit(narrower)
        elif listener.lane is None:
            self.socket.exclude(topic)
        self._count_lanes()

    def _forget_the_gone(self) -> None:
        for listener in [listener for listener in self._listeners if listener.gone]:
            self._listeners.remove(listener)
            if listener.lane is not None:
                listener.lane.close()
        self._count_lanes()

    def _count_lanes(self) -> None:
        self._lanes = [listener.lane for listener in self._listeners if listener.lane is not None]
        if any(listener.lane is None and listener.topics for listener in self._listeners):
            self._lanes.append(self._shared)
        else:
            self._shared.close()

    # What is on its way.

    def _send(self, frames: list[bytes]) -> None:
        assert self.socket is not None
        self.socket.send(frames)

    def _send_marked(self, mark: bytes, frames: list[bytes]) -> None:
        self._send([mark, *frames] if frames[0] == DELIMITER else [mark + frames[0], *frames[1:]])

    def _slowest_of_the_shared(self) -> Progress:
        # What the slowest does not take, nobody is given.
        shared = [listener.progress() for listener in self._listeners if listener.lane is None]
        return max(shared, key=_unsent, default=Progress())


def _unsent(progress: Progress) -> int:
    return progress.unsent
