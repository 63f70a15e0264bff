"""The edge-triggered socket reads: nothing stalls, nothing is lost, nobody is read who must wait or has left."""

import asyncio
import threading
from collections.abc import Callable

import pytest
import zmq

from actors.kernel.sockets.zmq_edge import BURST, EdgeSocket
from actors.kernel.sockets.zmq_sockets import FEW, AddressError
from actors.runtime.kit import turn_loop
from tests.actors.kernel.sockets.edges import MANY, Edges, heard_by
from tests.kit.kernel_stage import until

NEVER_S = 3600.0
"""Longer than any test."""


async def in_thread(work: Callable[[], None]) -> None:
    """Run a peer beside the loop; one that hangs fails the test by the patience of `until`."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    await until(lambda: not thread.is_alive(), "the peer's end")


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


async def test_what_comes_during_a_rest_is_read_together_when_that_ends(edges: Edges) -> None:
    got: list[bytes] = []
    edges.address = "inproc://z"
    edge = edges.edge("router", lambda frames: got.append(frames[1]))
    edge.rest_s = NEVER_S
    peer = edges.peer(zmq.DEALER)
    peer.send(b"before")
    await until(lambda: bool(got), "the message before the rest")
    for number in range(3 * BURST):
        peer.send(b"%d" % number)
        await turn_loop()
    assert got == [b"before"]
    edge.end_rest()
    await until(lambda: len(got) == 1 + 3 * BURST, "all of them")


async def test_a_rest_ends_by_itself_and_another_follows(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("router", lambda frames: got.append(frames[1]))
    edge.rest_s = 0.001
    peer = edges.peer(zmq.DEALER)
    for number in range(20):
        peer.send(b"%d" % number)
        await until(lambda: len(got) == number + 1, "the next message")  # noqa: B023 - awaited within the turn


async def test_a_socket_that_rests_sends_on(edges: Edges) -> None:
    got: list[bytes] = []
    edge = edges.edge("dealer", lambda frames: got.append(frames[0]), send_limit=FEW)
    edge.rest_s = NEVER_S
    for number in range(100):
        edge.send([b"%d" % number])
    peer = edges.peer(zmq.ROUTER, hwm=10)
    peer.poll()
    peer.send_multipart([b"edge", b"answer"])
    await until(lambda: bool(got), "the message before the rest")
    assert [frames[1] for frames in await heard_by(peer, 100)] == [b"%d" % number for number in range(100)]


async def test_a_socket_can_be_closed_while_it_rests(edges: Edges) -> None:
    got: list[bytes] = []
    edges.address = "inproc://z"
    edge = edges.edge("router", lambda frames: got.append(frames[1]))
    edge.rest_s = NEVER_S
    peer = edges.peer(zmq.DEALER)
    peer.send(b"1")
    await until(lambda: bool(got), "the message before the rest")
    peer.send(b"2")
    edge.close(linger_ms=0)
    edge.end_rest()
    assert got == [b"1"]


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
