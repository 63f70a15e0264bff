"""Subscribers that read, slowly or not at all; on real sockets, and with a connection that a test fills and empties."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import zmq

from actors.kernel.sockets.audience import Audience
from actors.kernel.sockets.lane import Rules
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import NONE
from actors.runtime.log import Log
from beaker.wire.parts import DELIMITER
from tests.actors.kernel.sockets.stillness import stillness
from tests.kit.kernel_stage import until
from tests.kit.running_kernel import wait_until

Frames = list[bytes]

ZMTP_GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
ZMTP_READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
ZMTP_SUBSCRIBE = b"\x00\x01\x01"
"""A subscriber to everything, as bytes (ZMTP 3.0)."""


def message(kind: bytes, body: bytes = b"", parent: bytes = b"p") -> Frames:
    return [b"topic", DELIMITER, b"signature", kind, parent, b"{}", body]


def notice(count: int, parent: bytes) -> Frames:
    return message(b"notice", b"%d" % count, parent)


def describe(frames: Frames) -> tuple[str, bytes]:
    return frames[3].decode(), frames[4]


class Stage:
    """An audience on a real socket, and subscribers of it."""

    def __init__(self, address: str, *, lag_bytes: int = 1_000_000, stopped_s: float = 0.2) -> None:
        self.topics: Frames = []
        self.now = 0.0
        """What the audience takes for the time: how long it needs to be given something counts for nothing, however busy the machine."""
        self.on_subscribed: Callable[[bytes], None] = self.topics.append
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._address = address
        self._peers: list[zmq.Socket[bytes]] = []
        self.audience = Audience(
            on_subscribed=lambda topic: self.on_subscribed(topic),
            rules=Rules(describe, lag_bytes, stopped_s, lambda: self.now, Log(), "iopub.dropped", notice=notice),
        )
        self.edge = self.audience.socket = EdgeSocket(self._context, "manual xpub", self.audience.event, send_limit=NONE)
        self.port = self.edge.bind(address)
        if self.port is not None:
            self._address = f"tcp://127.0.0.1:{self.port}"

    async def subscriber(self, *topics: bytes, hwm: int = 1) -> "zmq.Socket[bytes]":
        """Subscribed and admitted; with a receive limit, or 0 for none."""
        peer = self.peer(*topics, hwm=hwm)
        wanted = len(self.topics) + len(topics or (b"",))
        peer.connect(self._address)
        await until(lambda: len(self.topics) == wanted, "the subscription")
        return peer

    def peer(self, *topics: bytes, hwm: int = 1) -> "zmq.Socket[bytes]":
        """A subscriber that is not connected yet."""
        peer = self._context.socket(zmq.SUB)
        self._peers.append(peer)
        peer.linger = 0
        peer.rcvhwm = hwm
        peer.rcvbuf = 100_000
        for topic in topics or (b"",):
            peer.subscribe(topic)
        return peer

    async def standstill(self) -> None:
        """Those who do not read take what the system's buffers hold; then time passes in which they take nothing."""
        await stillness(self._context)
        self.now += 1.0

    async def close(self) -> None:
        self.audience.close()
        self.edge.close(linger_ms=0)
        for peer in self._peers:
            peer.close()
        self._context.term()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage("tcp://127.0.0.1:0")
    yield made
    await made.close()


async def heard(peer: "zmq.Socket[bytes]", last: bytes) -> list[Frames]:
    """All that a peer hears, up to the message with this body; from the delimiter on."""
    found: list[Frames] = []

    def ended() -> bool:
        while peer.poll(0):
            frames = peer.recv_multipart()
            found.append(frames[frames.index(DELIMITER) :])
            if frames[-1] == last:
                return True
        return False

    await until(ended, f"the message {last!r}")
    return found


def descriptors() -> set[int]:
    """All that are open in this process."""
    found = set[int]()
    for number in range(256):
        with contextlib.suppress(OSError):
            os.fstat(number)
            found.add(number)
    return found


def bodies(frames: list[Frames]) -> Frames:
    return [each[-1] for each in frames]


async def test_a_subscriber_that_reads_late_gets_every_message_byte_for_byte(stage: Stage) -> None:
    peer = await stage.subscriber()
    sent = [message(b"stream", b"%d " % number * 10_000) for number in range(400)]
    for each in [*sent, message(b"status", b"end")]:
        stage.audience.publish(each)
    found = await heard(peer, b"end")
    assert [DELIMITER, *found[0][1:]] == sent[0][1:]
    assert bodies(found) == [*(each[-1] for each in sent), b"end"]


async def test_one_that_has_stopped_holds_nobody_back_and_is_told_what_it_missed(stage: Stage) -> None:
    stopped, reader = await stage.subscriber(), await stage.subscriber(hwm=0)
    body = b"x" * 100_000
    for number in range(200):
        stage.audience.publish(message(b"stream", b"%d " % number + body))
    await stage.standstill()
    for number in range(200, 300):
        stage.audience.publish(message(b"stream", b"%d " % number + body, b"%d" % number))
    stage.audience.publish(message(b"status", b"idle"))
    stage.audience.publish(message(b"stream", b"late", b"late"))
    assert [int(each.split()[0]) for each in bodies(await heard(reader, b"late"))[:-2]] == list(range(300))
    everything = await heard(stopped, b"1")
    kinds = [each[2] for each in everything]
    assert kinds == [b"stream"] * 200 + [b"notice", b"status", b"notice"]
    assert everything[200][-1] == b"100"
    assert everything[200][3] == b"299", "in the cell whose outputs are missing"
    assert everything[201][-1] == b"idle"
    stage.audience.publish(message(b"stream", b"again"))
    assert bodies(await heard(stopped, b"again")) == [b"again"]


async def test_a_slow_reader_is_never_called_stopped_however_much_waits(stage: Stage) -> None:
    peer = await stage.subscriber()
    for number in range(300):
        stage.audience.publish(message(b"stream", b"%d " % number + b"x" * 50_000))
    found: Frames = []
    for _ in range(100):
        await until(lambda: peer.poll(0), "the next message")
        found.append(peer.recv_multipart()[-1])
        stage.now += 0.01  # until its system takes something again, it reads some twenty of these at most
        stage.audience.publish(message(b"stream", b"%d " % (300 + len(found))))
    stage.audience.publish(message(b"stream", b"end"))
    found += bodies(await heard(peer, b"end"))
    assert [int(each.split()[0]) for each in found[:300]] == list(range(300))
    assert b"x" not in b"".join(found[300:])
    assert all(not each.isdigit() for each in found), "a number alone is a notice"


async def test_statuses_are_dropped_too_once_they_alone_would_fill_the_disk(stage: Stage) -> None:
    stopped = await stage.subscriber()
    for _ in range(100):
        stage.audience.publish(message(b"status", b"x" * 100_000))
    await stage.standstill()
    for _ in range(27):
        stage.audience.publish(message(b"status", b"x" * 50_000))
    found = await heard(stopped, b"7")
    assert [each[2] for each in found] == [b"status"] * 120 + [b"notice"]


async def test_a_full_disk_is_told_as_a_gap_where_it_is(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = await stage.subscriber()

    def full(self: object, frames: Frames) -> None:
        raise OSError(28, "No space left on device")

    for _ in range(150):
        stage.audience.publish(message(b"stream", b"x" * 100_000))
    with monkeypatch.context() as broken:
        broken.setattr("actors.kernel.sockets.spill.Spill._write", full)
        for _ in range(3):
            stage.audience.publish(message(b"stream", b"lost" * 30_000))
    stage.audience.publish(message(b"status", b"end"))
    assert [each[2] for each in (await heard(peer, b"end"))[150:]] == [b"notice", b"status"]


async def test_each_subscription_means_what_it_says_and_nothing_comes_twice(stage: Stage) -> None:
    all_and_some = await stage.subscriber(b"", b"a", b"top")
    some = await stage.subscriber(b"top", b"other")
    for frames in (message(b"1"), [b"another", *message(b"2")[1:]], [DELIMITER, *message(b"3")[2:]], [b"", *message(b"4")[1:]]):
        stage.audience.publish(frames)
    stage.audience.publish(message(b"5", b"end"))
    assert [each[2] for each in await heard(all_and_some, b"end")] == [b"1", b"2", b"3", b"4", b"5"]
    assert [some.recv_multipart() for _ in range(2)] == [message(b"1"), message(b"5", b"end")], "with its topic as it was written"
    all_and_some.unsubscribe(b"")
    others = await stage.subscriber(b"a")
    stage.audience.publish([b"a1", *message(b"6")[1:]])
    await until(lambda: others.poll(0), "the message")
    stage.audience.publish(message(b"7", b"end"))
    assert [each[2] for each in await heard(all_and_some, b"end")] == [b"6", b"7"]


async def test_a_topic_of_ours_cannot_be_subscribed_to(stage: Stage) -> None:
    spy = await stage.subscriber(b"mine", hwm=0)
    spy.subscribe(b"\x00")
    reader = await stage.subscriber()
    stage.audience.publish(message(b"1", b"end"))
    await heard(reader, b"end")
    stage.audience.publish([b"mine", *message(b"2")[1:]])
    await until(lambda: spy.poll(0), "the message")
    assert spy.recv_multipart()[0] == b"mine"


async def test_a_subscriber_that_left_costs_nothing_any_more(stage: Stage) -> None:
    leaving, staying = await stage.subscriber(), await stage.subscriber(hwm=0)
    for _ in range(300):
        stage.audience.publish(message(b"stream", b"x" * 100_000))
    leaving.close()
    await until(lambda: stage.audience.count == 1, "its end")
    stage.audience.publish(message(b"stream", b"end"))
    assert len(await heard(staying, b"end")) == 301


async def test_what_waits_for_a_reader_leaves_when_the_kernel_ends(stage: Stage) -> None:
    peer = await stage.subscriber(hwm=0)
    for number in range(300):
        stage.audience.publish(message(b"stream", b"%d " % number + b"x" * 50_000))
    stage.audience.publish(message(b"shutdown_reply", b"end"))
    stage.audience.close()
    stage.edge.close(linger_ms=60_000)
    assert len(await heard(peer, b"end")) == 301


async def test_over_unix_sockets_it_is_the_same(short_folder: Path) -> None:
    stage = Stage(f"ipc://{short_folder}/a")
    try:
        stopped, reader = await stage.subscriber(), await stage.subscriber(hwm=0)
        for number in range(300):
            stage.audience.publish(message(b"stream", b"%d " % number + b"x" * 100_000))
        stage.audience.publish(message(b"status", b"end"))
        assert len(await heard(reader, b"end")) == 301
        assert len(await heard(stopped, b"end")) == 301
    finally:
        await stage.close()


async def test_one_that_gets_the_descriptor_of_another_before_that_one_was_heard_of_hears_everything(stage: Stage) -> None:
    """The other came, subscribed and left while the loop was busy with something else, as it is until the first `await`."""
    late = stage.peer()
    await until(lambda: stage.edge.read_all() == 0, "a still socket")
    before = descriptors()
    with socket.create_connection(("127.0.0.1", stage.port)) as other:
        other.sendall(ZMTP_GREETING)
        other.recv(len(ZMTP_GREETING), socket.MSG_WAITALL)
        other.sendall(ZMTP_READY + ZMTP_SUBSCRIBE)
        between = descriptors()
    wait_until(lambda: descriptors() == before, what="its end")
    late.connect(f"tcp://127.0.0.1:{stage.port}")
    wait_until(lambda: descriptors() == between, what="a connection with the same descriptors")
    await until(lambda: len(stage.topics) == 2, "both subscriptions")
    stage.audience.publish(message(b"status", b"end"))
    assert bodies(await heard(late, b"end")) == [b"end"]
