"""The edge-triggered socket sends: what its peer does not take yet waits, in order, and who sends is told when it is too much."""

import secrets
import time

import pytest
import zmq

from actors.kernel.sockets import backlog
from actors.kernel.sockets.spill import cost_of
from actors.kernel.sockets.zmq_edge import BY_REFERENCE_BYTES
from actors.kernel.sockets.zmq_sockets import FEW, USUAL
from actors.runtime.kit import turn_loop
from tests.actors.kernel.sockets.edges import MANY, Edges, heard_by
from tests.kit.kernel_stage import until


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


async def test_an_answer_that_comes_while_a_message_is_sent_is_read(edges: Edges) -> None:
    got: list[bytes] = []
    edges.address = "inproc://z"
    peer = edges.peer(zmq.ROUTER)
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]))
    edge.send([b"x"])
    await turn_loop()

    def answer_now() -> None:
        peer.send_multipart([b"edge", b"answer"])
        time.sleep(0.005)  # libzmq looks for arrivals in a send if the last look is a while ago

    edges.context.before_next_send = answer_now
    edge.send([b"x"])
    await until(lambda: got == [b"answer"], "the answer")


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
    """The look for more answers uses up the edge that the room makes."""
    edges.address = "inproc://z"
    peer = edges.peer(zmq.ROUTER, hwm=10)
    heard: list[bytes] = []

    def make_room() -> None:
        while peer.poll(0):
            heard.append(peer.recv_multipart()[1])

    edge = edges.edge("dealer", lambda _frames: make_room(), send_limit=FEW)
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
