"""A channel of requests and replies with clients that read, that do not, that are away; on real sockets."""

import errno
import os
import threading
from collections.abc import AsyncIterator

import psutil
import pytest
import zmq

from actors.kernel.sockets import absent
from actors.kernel.sockets.client_channel import ClientChannel
from actors.kernel.sockets.lane import Rules
from tests.actors.kernel.sockets.lines import Lines
from tests.actors.kernel.sockets.stillness import stillness
from tests.kit.kernel_stage import until

Frames = list[bytes]

BODY = bytes(100_000)
LAG_BYTES = 1_000_000
STOPPED_S = 0.2


class Stage:
    """A channel, and clients of it."""

    def __init__(self) -> None:
        self.log = Lines()
        self.now = 0.0
        """What the accounts take for the time."""
        self.lost: list[tuple[str, bytes, str]] = []
        self.asked: Frames = []
        """Who asked, in order."""
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._peers: list[zmq.Socket[bytes]] = []
        self.channel = ClientChannel(
            self.context,
            self._receive,
            rules=Rules(
                lambda frames: ("reply", frames[1]),
                LAG_BYTES,
                STOPPED_S,
                lambda: self.now,
                self.log,
                "reply.dropped",
                lost=lambda *what: self.lost.append(what),
            ),
            max_message_bytes=-1,
            curve=None,
        )
        self._port = self.channel.bind("tcp://127.0.0.1:0")

    def _receive(self, frames: Frames) -> None:
        self.channel.heard(frames[0])
        self.asked.append(frames[0])

    def peer(self, identity: bytes, *, hwm: int = 0) -> "zmq.Socket[bytes]":
        """A client that has not asked yet; with a receive limit, or 0 for none."""
        peer = self.context.socket(zmq.DEALER)
        self._peers.append(peer)
        peer.linger = 0
        peer.rcvhwm = hwm
        if hwm:
            peer.rcvbuf = 100_000
        peer.setsockopt(zmq.IDENTITY, identity)
        peer.connect(f"tcp://127.0.0.1:{self._port}")
        return peer

    async def asks(self, peer: "zmq.Socket[bytes]") -> None:
        """A client asks; returns once it was heard."""
        wanted = len(self.asked) + 1
        peer.send(b"?")
        await until(lambda: len(self.asked) == wanted, "the request")

    async def client(self, identity: bytes, *, hwm: int = 0) -> "zmq.Socket[bytes]":
        """A client that has asked something."""
        peer = self.peer(identity, hwm=hwm)
        await self.asks(peer)
        return peer

    def answer(self, identity: bytes, *numbers: int) -> None:
        """Large replies with these numbers."""
        for number in numbers:
            self.channel.send([identity, b"%d" % number, BODY])

    async def standstill(self) -> None:
        """Those who do not read take what the system's buffers hold; then time passes in which they take nothing."""
        await stillness(self.context)
        self.now += 1.0

    def close_sockets(self) -> None:
        for peer in self._peers:
            peer.close()
        self.channel.close()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.close_sockets()
    made.context.term()


async def numbers_heard(peer: "zmq.Socket[bytes]", count: int) -> list[int]:
    """The numbers of so many replies."""
    found: list[int] = []

    def enough() -> bool:
        while len(found) < count and peer.poll(0):
            number, *_ = peer.recv_multipart()
            found.append(int(number))
        return len(found) == count

    await until(enough, f"reply {count}")
    return found


async def test_a_client_that_reads_late_gets_every_reply_and_no_other_waits_for_it(stage: Stage) -> None:
    late, reader = await stage.client(b"late", hwm=1), await stage.client(b"reader")
    stage.answer(b"late", *range(300))
    stage.answer(b"reader", *range(100))
    assert await numbers_heard(reader, 100) == list(range(100))
    assert await numbers_heard(late, 300) == list(range(300))
    assert stage.lost == []


async def test_a_client_that_has_stopped_is_told_of_each_reply_that_it_will_not_get(stage: Stage) -> None:
    stopped = await stage.client(b"stopped", hwm=1)
    sent = 0
    while not stage.lost:
        stage.answer(b"stopped", *range(sent, sent + 50))
        sent += 50
        await stage.standstill()
    first = int(stage.lost[0][1])
    reason = "the client has stopped reading"
    assert stage.lost == [("reply", b"%d" % number, reason) for number in range(first, sent)]
    assert [line["reason"] for line in stage.log.warnings] == [reason]
    assert await numbers_heard(stopped, first) == list(range(first))
    stage.answer(b"stopped", 7)
    assert await numbers_heard(stopped, 1) == [7]


async def test_what_finds_no_room_on_the_disk_is_told_and_all_else_arrives(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    peer = await stage.client(b"late", hwm=1)
    stage.answer(b"late", *range(150))
    with monkeypatch.context() as broken:
        broken.setattr("os.pwritev", full)
        stage.answer(b"late", *range(150, 153))
    stage.answer(b"late", *range(153, 160))
    assert stage.lost == [("reply", b"%d" % number, "No space left on device") for number in range(150, 153)]
    assert await numbers_heard(peer, 157) == [*range(150), *range(153, 160)]


async def test_a_reply_for_a_client_that_is_away_is_delivered_when_it_connects(stage: Stage) -> None:
    stage.answer(b"away", 1, 2)
    assert await numbers_heard(stage.peer(b"away"), 2) == [1, 2]


async def test_a_client_that_comes_back_gets_its_replies_in_order(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absent, "RETRY_S", 0.3)
    stage.answer(b"away", 1)
    peer = await stage.client(b"away")
    stage.answer(b"away", 2)
    assert await numbers_heard(peer, 2) == [1, 2]


async def test_replies_for_one_that_is_away_hold_nobody_else_up(stage: Stage) -> None:
    stage.answer(b"away", 1)
    peer = await stage.client(b"here")
    stage.answer(b"here", 2)
    assert await numbers_heard(peer, 1) == [2]


async def test_a_reply_for_a_client_that_stays_away_is_dropped_after_its_time_and_that_is_logged(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(absent, "KEPT_S", -1.0)
        stage.answer(b"away", 1, 2)
    await until(lambda: stage.log.warnings, "the line in the log")
    assert stage.log.warnings == [{"event": "reply.dropped", "reason": "the client was not connected for 10 s", "dropped": 2}]
    peer = await stage.client(b"away")
    stage.answer(b"away", 3)
    assert await numbers_heard(peer, 1) == [3]


async def test_so_much_is_kept_for_those_who_are_away_and_no_more_and_that_is_logged(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absent, "KEPT_BYTES", 2.5 * len(BODY))
    stage.answer(b"away", *range(5))
    line = {"event": "reply.dropped", "reason": "too many wait for clients that are not connected"}
    assert stage.log.warnings == [{**line, "times": 1}, {**line, "times": 2}]
    peer = await stage.client(b"away")
    assert await numbers_heard(peer, 3) == [0, 1, 2]
    stage.answer(b"away", 9)
    assert await numbers_heard(peer, 1) == [9]


async def test_a_client_that_connects_again_under_its_name_is_given_what_it_reads_by_the_new_connection(stage: Stage) -> None:
    first = await stage.client(b"name", hwm=1)
    stage.answer(b"name", *range(200))
    first.close()
    second = await stage.client(b"name")
    stage.answer(b"name", *range(200, 400))
    found: list[int] = []
    while not found or found[-1] != 399:
        found += await numbers_heard(second, 1)
    assert found == sorted(found)
    assert found[-200:] == list(range(200, 400))


async def test_clients_that_left_without_having_read_do_not_hold_up_the_end(stage: Stage) -> None:
    """What libzmq could not send to them it would keep for ever, and then its context cannot be ended."""
    names = [b"%d" % number for number in range(10)]
    for name in names:
        leaving = await stage.client(name, hwm=1)
        stage.answer(name, *range(50))
        await stage.standstill()
        leaving.close()
        await stage.client(name)
    stage.close_sockets()
    thread = threading.Thread(target=stage.context.term, daemon=True)
    thread.start()
    await until(lambda: not thread.is_alive(), "the end")


async def test_a_client_that_left_has_no_account_once_another_one_comes(stage: Stage) -> None:
    leaving = await stage.client(b"leaving")
    await stage.client(b"staying")
    assert stage.channel.count == 2
    leaving.close()

    async def counted(number: int) -> int:
        await stage.client(b"new%d" % number)
        return stage.channel.count

    came = 1
    while await counted(came) != 1 + came:
        came += 1


async def test_a_client_that_came_again_by_the_descriptor_it_had_is_not_given_everything(stage: Stage) -> None:
    process = psutil.Process()
    before = process.num_fds()
    first = await stage.client(b"name")
    first.close()
    await until(lambda: process.num_fds() <= before, "the end of the connection")
    await stage.client(b"name", hwm=1)
    for _ in range(20):
        stage.answer(b"name", *range(50))
        await stage.standstill()
        if stage.lost:
            return
    raise AssertionError("100 MB are on their way to a client that does not read")


async def test_clients_that_left_before_they_were_heard_have_no_account_once_another_one_comes(stage: Stage) -> None:
    process = psutil.Process()
    before = process.num_fds()
    stage.channel.pause()
    for number in range(5):
        leaving = stage.peer(b"leaving%d" % number)
        leaving.send(b"?")
        leaving.close(linger=60_000)
    await until(lambda: process.num_fds() <= before, "the end of their connections")
    stage.channel.resume()
    await until(lambda: len(stage.asked) == 5, "their requests")
    await stage.client(b"staying")
    assert stage.channel.count == 1


async def test_clients_that_come_ask_and_leave_without_reading_cost_no_more_than_one(stage: Stage) -> None:
    process = psutil.Process()
    before, most = process.num_fds(), 0
    for number in range(200):
        name = b"client %d" % number
        peer = await stage.client(name)
        stage.answer(name, 1, 2, 3)
        peer.close()
        most = max(most, stage.channel.count)
        if number % 10 == 9:  # however slowly libzmq closes connections
            await until(lambda: process.num_fds() <= before, "the end of ten connections")
    await until(lambda: process.num_fds() <= before, "the end of their connections")
    await stage.client(b"the last")
    assert stage.channel.count == 1
    assert most < 20, "they are forgotten while others come"


async def test_what_waits_for_a_reader_leaves_when_the_kernel_ends(stage: Stage) -> None:
    peer = await stage.client(b"reader")
    stage.answer(b"reader", *range(200))
    stage.channel.close()
    assert await numbers_heard(peer, 200) == list(range(200))
