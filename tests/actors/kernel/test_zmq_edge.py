"""The edge-triggered socket with real peers: nothing stalls, nothing is lost, nobody is read who must wait."""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from actors.kernel import backlog
from actors.kernel.spill import cost_of
from actors.kernel.zmq_edge import BURST, BY_REFERENCE_BYTES, EdgeSocket
from actors.kernel.zmq_sockets import FEW, NONE, USUAL, AddressError, Kind
from actors.runtime.kit import turn_loop
from tests.kit.kernel_stage import until

MANY = 20_000


class Interruptible(zmq.Socket[bytes]):
    """A socket of a process that something happens to just before it sends, or reads."""

    def send(self, *args: Any, **options: Any) -> Any:  # Any: as its overloads
        context = self.context
        assert isinstance(context, Context)
        happens, context.before_next_send = context.before_next_send, None
        if happens is not None:
            happens()
        return super().send(*args, **options)

    def recv(self, *args: Any, **options: Any) -> Any:  # Any: as its overloads
        context = self.context
        assert isinstance(context, Context)
        happens, context.before_next_recv = context.before_next_recv, None
        if happens is not None:
            happens()
        return super().recv(*args, **options)


class Context(zmq.Context[zmq.Socket[bytes]]):
    """Makes sockets of that kind."""

    _socket_class = Interruptible
    before_next_send: Callable[[], None] | None = None
    before_next_recv: Callable[[], None] | None = None


class Edges:
    """Makes edge sockets and plain peers of one test, and closes them."""

    def __init__(self, folder: Path) -> None:
        self.context = Context()
        self.address = f"ipc://{folder}/z"
        """Of the one socket that binds. Through `inproc://z` a message is there as soon as it was sent."""
        self._edges: list[EdgeSocket] = []
        self._peers: list[zmq.Socket[bytes]] = []

    def edge(
        self,
        kind: Kind,
        receive: Callable[[list[bytes]], None] = lambda _: None,
        *,
        receive_limit: int = USUAL,
        send_limit: int = NONE,
        max_message_bytes: int = -1,
    ) -> EdgeSocket:
        """A socket under test, bound or connected."""
        made = EdgeSocket(
            self.context,
            kind,
            receive,
            identity=b"edge" if kind == "dealer" else b"",
            receive_limit=receive_limit,
            send_limit=send_limit,
            max_message_bytes=max_message_bytes,
        )
        self._edges.append(made)
        (made.bind if kind in {"router", "xpub"} else made.connect)(self.address)
        return made

    def peer(self, kind: int, *, identity: bytes = b"", hwm: int = 1000) -> "zmq.Socket[bytes]":
        """A plain socket at the other end."""
        peer = self.context.socket(kind)
        self._peers.append(peer)
        peer.linger = 0
        peer.hwm = hwm
        if identity:
            peer.setsockopt(zmq.IDENTITY, identity)
        if kind == zmq.SUB:
            peer.subscribe(b"")
        (peer.connect if kind in {zmq.DEALER, zmq.SUB} else peer.bind)(self.address)
        return peer

    def close(self) -> None:
        """Close them all."""
        for made in self._edges:
            made.close(linger_ms=0)
        for peer in self._peers:
            peer.close()
        self.context.term()


@pytest.fixture
def edges(short_folder: Path) -> Iterator[Edges]:
    made = Edges(short_folder)
    yield made
    made.close()


async def in_thread(work: Callable[[], None]) -> None:
    """Run a peer beside the loop; one that hangs fails the test by the patience of `until`."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    await until(lambda: not thread.is_alive(), "the peer's end")


async def heard_by(peer: "zmq.Socket[bytes]", count: int) -> list[list[bytes]]:
    """What a peer hears while the loop turns: so many messages."""
    found: list[list[bytes]] = []

    def enough() -> bool:
        while len(found) < count and peer.poll(0):
            found.append(peer.recv_multipart())
        return len(found) >= count

    await until(enough, f"message {count}")
    return found


@pytest.mark.parametrize("count", [1, BURST - 1, BURST, BURST + 1, 3 * BURST])
async def test_all_messages_that_lie_there_are_read_however_many(edges: Edges, count: int) -> None:
    got: list[bytes] = []
    edges.address = "inproc://z"
    edges.edge("router", lambda frames: got.append(frames[1]))
    peer = edges.peer(zmq.DEALER)
    for number in range(count):
        peer.send(b"%d" % number)
    await until(lambda: len(got) == count, "all messages")
    assert got == [b"%d" % number for number in range(count)]


async def test_messages_that_come_while_others_are_sent_are_read(edges: Edges) -> None:
    """Sending uses up the edge that an arriving message made."""
    got: list[bytes] = []
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]))
    peer = edges.peer(zmq.ROUTER)
    for number in range(300):
        edge.send([b"to %d" % number])
        peer.recv_multipart()
        peer.send_multipart([b"edge", b"from %d" % number])
        edge.send([b"again"])
        peer.recv_multipart()
    await until(lambda: len(got) == 300, "all messages")


async def test_a_handler_that_answers_on_the_socket_it_is_read_from_misses_nothing(edges: Edges) -> None:
    def echo(frames: list[bytes]) -> None:
        edge.send([*frames, b"echo"])

    edge = edges.edge("router", echo)
    peer = edges.peer(zmq.DEALER, hwm=0)
    for _ in range(2000):
        peer.send(b"x")
    assert await heard_by(peer, 2000) == [[b"x", b"echo"]] * 2000


async def test_twenty_thousand_messages_each_way_at_once_on_one_socket(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]))
    peer = edges.peer(zmq.ROUTER, hwm=0)
    heard: list[bytes] = []

    def talk() -> None:
        peer.poll()
        for number in range(MANY):
            peer.send_multipart([b"edge", b"%d" % number])
            while peer.poll(0):
                heard.append(peer.recv_multipart()[1])
        while len(heard) < MANY and peer.poll(10_000):
            heard.append(peer.recv_multipart()[1])

    async def send_all() -> None:
        for number in range(MANY):
            edge.send([b"%d" % number])
            if number % 50 == 0:
                await asyncio.sleep(0)

    await asyncio.gather(in_thread(talk), send_all())
    await until(lambda: len(got) == MANY, "all messages")
    assert got == heard == [b"%d" % number for number in range(MANY)]


async def test_a_handler_that_fails_costs_its_message_and_no_other(edges: Edges) -> None:
    got: list[bytes] = []

    def receive(frames: list[bytes]) -> None:
        if frames[1] == b"bad":
            raise ValueError("bad")
        got.append(frames[1])

    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
    edges.address = "inproc://z"
    edges.edge("router", receive)
    peer = edges.peer(zmq.DEALER)
    for message in (b"1", b"bad", b"2"):
        peer.send(message)
    await until(lambda: got == [b"1", b"2"], "the messages around the bad one")
    assert len(failures) == 1


async def test_a_paused_socket_reads_nothing_and_sends_on(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]))
    peer = edges.peer(zmq.ROUTER)
    edge.pause()
    for number in range(10):
        edge.send([b"%d" % number])
        assert peer.recv_multipart()[1] == b"%d" % number
        peer.send_multipart([b"edge", b"answer"])
    assert got == []
    edge.resume()
    await until(lambda: len(got) == 10, "what had gathered")


async def test_a_handler_can_pause_in_the_middle_of_a_burst(edges: Edges) -> None:
    got: list[bytes] = []

    def receive(frames: list[bytes]) -> None:
        got.append(frames[1])
        edge.pause()

    edge = edges.edge("router", receive)
    peer = edges.peer(zmq.DEALER)
    for number in range(5):
        peer.send(b"%d" % number)
    for expected in range(5):
        await until(lambda: len(got) > expected, "the next message")  # noqa: B023 - awaited within the turn
        assert len(got) == expected + 1
        edge.resume()
    assert got == [b"0", b"1", b"2", b"3", b"4"]


async def test_what_had_to_wait_leaves_in_order_and_is_told_once(edges: Edges) -> None:
    edge = edges.edge("dealer", send_limit=FEW)
    flushed: list[int] = []
    edge.on_flushed = lambda: flushed.append(1)
    for number in range(1000):
        edge.send([b"%d" % number])
    peer = edges.peer(zmq.ROUTER, hwm=0)
    await until(lambda: bool(flushed), "the flush")
    heard = [frames[1] for frames in await heard_by(peer, 1000)]
    assert heard == [b"%d" % number for number in range(1000)]
    edge.send([b"last"])
    assert [frames[1] for frames in await heard_by(peer, 1)] == [b"last"]
    assert flushed == [1]


async def test_more_than_the_peer_takes_at_once_leaves_as_it_reads(edges: Edges) -> None:
    edge = edges.edge("dealer", send_limit=FEW)
    flushed: list[int] = []
    edge.on_flushed = lambda: flushed.append(1)
    peer = edges.peer(zmq.ROUTER, hwm=10)
    for number in range(3000):
        edge.send([b"%d" % number, b"x" * 10_000])
    assert not flushed
    heard = [frames[1] for frames in await heard_by(peer, 3000)]
    assert heard == [b"%d" % number for number in range(3000)]
    assert flushed == [1]


@pytest.mark.parametrize(("limit", "size"), [("LIMIT_MESSAGES", 1), ("LIMIT_BYTES", 1000)])
async def test_who_sends_is_told_when_too_many_wait_and_when_none_does(
    edges: Edges, monkeypatch: pytest.MonkeyPatch, limit: str, size: int
) -> None:
    monkeypatch.setattr(backlog, limit, 5 * cost_of([bytes(size)]) if limit == "LIMIT_BYTES" else 5)
    edge = edges.edge("dealer", send_limit=FEW)
    assert [edge.send([bytes(size)]) for _ in range(FEW + 7)] == [*[True] * (FEW + 4), *[False] * 3]
    assert edge.full
    edges.peer(zmq.ROUTER)
    await until(lambda: not edge.full, "room")


async def test_one_message_may_be_larger_than_all_that_may_wait(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LIMIT_BYTES", 1000)
    edge = edges.edge("dealer", send_limit=FEW)
    for _ in range(FEW):
        edge.send([b"x"])
    assert not edge.send([bytes(100_000)])
    peer = edges.peer(zmq.ROUTER, hwm=0)
    assert (await heard_by(peer, FEW + 1))[-1][1] == bytes(100_000)


async def test_who_sends_to_a_paused_socket_is_made_to_wait_and_loses_nothing(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("router", lambda frames: got.append(frames[1]), receive_limit=FEW)
    edge.pause()
    peer = edges.peer(zmq.DEALER, hwm=FEW)
    sent = 0
    while peer.poll(1000, zmq.POLLOUT):
        peer.send(b"%d " % sent + bytes(200_000))
        sent += 1
        assert sent < 200, "40 MB, where the system's buffers take a few"
    assert got == []
    edge.resume()
    await until(lambda: len(got) == sent, "all of them")
    assert [int(frame.split()[0]) for frame in got] == list(range(sent))


async def test_an_answer_that_comes_while_what_waited_leaves_is_read(edges: Edges) -> None:
    """The flush uses up the edge that the answer makes: libzmq looks for arrivals in a send if the last look is a while ago."""
    got: list[bytes] = []
    edges.address = "inproc://z"
    peer = edges.peer(zmq.ROUTER, hwm=10)
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]), send_limit=USUAL)
    for _ in range(USUAL + 100):
        edge.send([b"x"])
    await turn_loop()

    def answer_now() -> None:
        peer.send_multipart([b"edge", b"answer"])
        time.sleep(0.005)  # the system gives the processor to somebody else

    edges.context.before_next_send = answer_now
    for _ in range(600):
        peer.recv_multipart()
    await until(lambda: got == [b"answer"], "the answer")


async def test_room_that_is_made_while_an_answer_is_read_is_used(edges: Edges) -> None:
    """The read uses up the edge that the room makes: libzmq looks for news in a read that finds nothing."""
    edges.address = "inproc://z"
    peer = edges.peer(zmq.ROUTER, hwm=10)
    heard: list[bytes] = []

    def make_room() -> None:
        while peer.poll(0):
            heard.append(peer.recv_multipart()[1])

    def receive(_frames: list[bytes]) -> None:
        edges.context.before_next_recv = make_room

    edge = edges.edge("dealer", receive, send_limit=FEW)
    for number in range(100):
        edge.send([b"%d" % number])
    await turn_loop()
    peer.send_multipart([b"edge", b"answer"])
    await until(lambda: heard, "the answer to be read")

    def all_heard() -> bool:
        make_room()
        return len(heard) == 100

    await until(all_heard, "what waited")


async def test_whether_a_client_is_there_is_said_of_each_message_for_it(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("router", lambda frames: got.append(frames[1]))
    assert not edge.reach([b"away", b"lost"])
    peer = edges.peer(zmq.DEALER, identity=b"away")
    peer.send(b"here")
    await until(lambda: bool(got), "the client")
    assert edge.reach([b"away", b"reached"])
    assert await heard_by(peer, 1) == [[b"reached"]]


async def test_large_frames_and_small_ones_arrive_as_they_were_and_in_order(edges: Edges) -> None:
    edge = edges.edge("xpub", lambda frames: heard.append(frames[0]))
    heard: list[bytes] = []
    peers = [edges.peer(zmq.SUB) for _ in range(2)]
    await until(lambda: len(heard) == len(peers), "the subscriptions")
    sent = [[b"small", secrets.token_bytes(size), b"small"] for size in (10, BY_REFERENCE_BYTES - 1, BY_REFERENCE_BYTES, 1_000_000)]
    for frames in sent:
        edge.send([*frames])
    for peer in peers:
        assert await heard_by(peer, len(sent)) == sent


async def test_iopub_loses_nothing_when_its_reader_is_slow(edges: Edges) -> None:
    subscribed: list[bytes] = []
    edge = edges.edge("xpub", lambda frames: subscribed.append(frames[0]))
    peer = edges.peer(zmq.SUB, hwm=0)
    await until(lambda: bool(subscribed), "the subscription")
    for number in range(MANY):
        edge.send([b"topic", b"%d" % number])
    heard = [frames[1] for frames in await heard_by(peer, MANY)]
    assert heard == [b"%d" % number for number in range(MANY)]


async def test_last_words_leave_after_a_socket_is_closed(edges: Edges) -> None:
    subscribed: list[bytes] = []
    edge = edges.edge("xpub", lambda frames: subscribed.append(frames[0]))
    peer = edges.peer(zmq.SUB, hwm=0)
    await until(lambda: bool(subscribed), "the subscription")
    for number in range(1000):
        edge.send([b"%d" % number])
    edge.close()
    edge.close()
    assert edge.send([b"too late"]), "a closed socket swallows"
    assert await heard_by(peer, 1000) == [[b"%d" % number] for number in range(1000)]


async def test_nothing_is_read_after_a_handler_closed_its_socket(edges: Edges) -> None:
    got: list[bytes] = []

    def receive(frames: list[bytes]) -> None:
        got.append(frames[1])
        edge.close(linger_ms=0)

    edges.address = "inproc://z"
    edge = edges.edge("router", receive)
    peer = edges.peer(zmq.DEALER)
    peer.send(b"1")
    peer.send(b"2")
    await until(lambda: bool(got), "the first message")
    assert edge.read_all() == 0
    assert got == [b"1"]


async def test_what_lies_there_can_be_read_at_once(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("router", lambda frames: got.append(frames[1]))
    edge.pause()
    peer = edges.peer(zmq.DEALER)
    for number in range(3 * BURST):
        peer.send(b"%d" % number)
    read = 0

    def more() -> bool:
        nonlocal read
        read += edge.read_all()
        return read == 3 * BURST

    await until(more, "all messages")
    assert len(got) == 3 * BURST


async def test_an_address_that_is_taken_is_named(edges: Edges) -> None:
    first = EdgeSocket(edges.context, "router", lambda _: None)
    port = first.bind("tcp://127.0.0.1:0")
    second = EdgeSocket(edges.context, "router", lambda _: None)
    with pytest.raises(AddressError, match=f"cannot listen on tcp://127.0.0.1:{port}: Address already in use"):
        second.bind(f"tcp://127.0.0.1:{port}")
    first.close()
    second.close()


async def test_a_peer_that_sends_too_large_a_frame_is_cut_off_and_others_are_not(edges: Edges) -> None:
    got: list[bytes] = []
    edges.edge("router", lambda frames: got.append(frames[1]), max_message_bytes=1000)
    giant, small = edges.peer(zmq.DEALER), edges.peer(zmq.DEALER)
    giant.send(b"x" * 2000)
    small.send(b"y" * 1000)
    await until(lambda: bool(got), "the small message")
    assert got == [b"y" * 1000]
