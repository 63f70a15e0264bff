"""Links: the same promises between nodes, over real unix sockets, and over a connection that the test can stall."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.runtime.actor import Down
from actors.runtime.failures import AskError, AskFailed, AskTimeout, Busy, Crashed, Stopped, TooLarge, Unanswered, Unreachable
from actors.runtime.fake_transport import FakeTransport
from actors.runtime.frames import HELLO, frame
from actors.runtime.hello import Peer, Refusal, Refused
from actors.runtime.kit import ManualClock, Probe, link_nodes, run_to_idle, turn_loop
from actors.runtime.link import Link
from actors.runtime.listener import AddressTaken
from actors.runtime.node import Node
from actors.runtime.trace import current_trace
from actors.runtime.writer import ACCOUNT_LIMIT
from tests.actors.runtime.vocabulary import (
    Crash,
    Double,
    Doubled,
    Forget,
    Keep,
    Note,
    Progress,
    Refuse,
    Sorry,
    Urgent,
    Vocabulary,
    Worker,
    codec,
    numbers,
)

SECRET = b"open sesame"


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("s") / "a.sock")


@pytest.fixture
async def server() -> AsyncIterator[Node]:
    node = Node("server", protocol=3)
    yield node
    await node.stop()


@pytest.fixture
async def client() -> AsyncIterator[Node]:
    node = Node("client", protocol=3)
    yield node
    await node.stop()


async def listen(node: Node, path: str, refused: list[Refusal] | None = None) -> list[Link]:
    links: list[Link] = []
    await node.listen(
        path,
        codec=codec,
        admit=lambda peer: None,
        secret=SECRET,
        on_link=links.append,
        on_refused=lambda _peer, refusal: (refused if refused is not None else []).append(refusal),
    )
    return links


async def connect(node: Node, path: str) -> Link:
    return await node.connect(path, codec=codec, secret=SECRET, timeout_s=10)


async def outcome(asking: "asyncio.Future[Any]") -> object:
    try:
        return await asking
    except AskError as error:
        return type(error)


async def test_actors_of_both_nodes_reach_each_other(server: Node, client: Node, path: str) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    await client.spawn("here", Worker)
    link = await connect(client, path)
    assert await link.ref("there").ask(Double(number=4), timeout_s=10) == Doubled(number=8)
    assert await links[0].ref("here").ask(Double(number=5), timeout_s=10) == Doubled(number=10)
    assert link.peer == Peer(uid=os.getuid(), pid=os.getpid(), role="server", protocol=3)
    assert links[0].peer == Peer(uid=os.getuid(), pid=os.getpid(), role="client", protocol=3)


async def test_the_socket_is_for_its_owner_only_and_goes_with_its_listener(server: Node, path: str) -> None:
    await listen(server, path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    await server.stop()
    with pytest.raises(FileNotFoundError):
        os.stat(path)


async def test_every_outcome_of_an_ask_crosses_a_link(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = await server.spawn("there", Worker)
    ref = (await connect(client, path)).ref("there")
    with pytest.raises(AskFailed) as caught:
        await ref.ask(Refuse(), timeout_s=10)
    assert caught.value.failure == Sorry(reason="not today")
    with pytest.raises(Unanswered):
        await ref.ask(Forget(), timeout_s=10)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=10))
    await ref.ask(Double(number=1), timeout_s=10)
    worker.tell(Crash())
    with pytest.raises(Crashed):
        await kept
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=10))
    await ref.ask(Double(number=1), timeout_s=10)
    await server.stop_actor("there")
    with pytest.raises(Stopped):
        await kept
    with pytest.raises(Unreachable):
        await ref.ask(Double(number=1), timeout_s=10)


async def test_a_tell_to_nobody_is_a_dead_letter_over_there(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    link.ref("nobody").tell(Note(number=1))
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    assert server.dead_letters.counts == {("nobody", "no such actor"): 1}


async def test_ten_thousand_tells_arrive_in_order_through_a_mailbox_of_one(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = Worker()
    await server.spawn("there", lambda: worker, mailbox_size=1)
    ref = (await connect(client, path)).ref("there")
    for number in range(10_000):
        ref.tell(Note(number=number))
    await ref.ask(Double(number=1), timeout_s=10)
    assert numbers(worker.seen) == list(range(10_000))
    assert (client.dead_letters.total, server.dead_letters.total) == (0, 0)


async def test_control_overtakes_what_a_full_mailbox_holds_up(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = Worker()
    await server.spawn("there", lambda: worker, mailbox_size=1)
    ref = (await connect(client, path)).ref("there")
    for number in range(500):
        ref.tell(Note(number=number))
    ref.tell(Urgent())
    await ref.ask(Double(number=1), timeout_s=10)
    assert worker.seen.index(Urgent()) <= 1


async def test_the_trace_crosses_a_link(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    probe: Probe[Vocabulary] = Probe(reply=lambda message: Doubled(number=0))
    await server.spawn("there", lambda: probe)
    link = await connect(client, path)
    token = current_trace.set("feedfeedfeedfeed")
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    current_trace.reset(token)
    assert probe.traces == ["feedfeedfeedfeed"]


async def test_a_message_for_a_former_life_is_a_dead_letter_over_there(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = await server.spawn("there", Worker)
    worker.tell(Crash())
    await run_to_idle(server)
    link = await connect(client, path)
    link.ref("there", generation=1).tell(Note(number=1))
    with pytest.raises(Unreachable, match="life"):
        await link.ref("there", generation=1).ask(Double(number=1), timeout_s=10)
    assert await link.ref("there", generation=2).ask(Double(number=1), timeout_s=10) == Doubled(number=2)
    assert server.dead_letters.counts == {("there", "former life"): 1}


async def test_a_message_above_a_megabyte_is_refused_here_and_the_link_lives_on(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    ref = (await connect(client, path)).ref("there")
    with pytest.raises(TooLarge, match="limit is 1000000"):
        await ref.ask(Note(number=1, text="x" * 1_000_001), timeout_s=10)
    ref.tell(Note(number=1, text="x" * 1_000_001))
    assert client.dead_letters.counts == {("there", "cannot be sent"): 1}
    ref.tell(Note(number=1, text="x" * 999_900))
    assert await ref.ask(Double(number=1), timeout_s=10) == Doubled(number=2)


async def test_an_answer_that_cannot_be_sent_is_told_to_the_asker(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    probe: Probe[Vocabulary] = Probe(reply=lambda message: Note(number=1, text="x" * 1_000_001))
    await server.spawn("there", lambda: probe)
    ref = (await connect(client, path)).ref("there")
    with pytest.raises(Unanswered, match="cannot be sent: a message of"):
        await ref.ask(Double(number=1), timeout_s=10)


async def test_losing_the_link_answers_every_ask_and_tells_monitors(server: Node, client: Node, path: str) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    watcher: Probe[Vocabulary] = Probe()
    await client.spawn("watcher", lambda: watcher)
    watcher.context.monitor(link)
    watcher.context.monitor(link.ref("there"))
    kept = [asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=10)) for _ in range(3)]
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    links[0].abort("the test pulled the plug")
    assert [await outcome(asking) for asking in kept] == [Unreachable] * 3
    downs = [await watcher.expect_down() for _ in range(2)]
    assert downs == [
        Down(kind="actor", name="there", link=link.name, reason="link lost"),
        Down(kind="link", name=link.name, reason=await link.closed),
    ]
    with pytest.raises(Unreachable):
        await link.ref("there").ask(Double(number=1), timeout_s=10)
    link.ref("there").tell(Note(number=1))
    assert client.dead_letters.counts == {("there", "link closed"): 1}
    watcher.context.monitor(link)
    assert (await watcher.expect_down()).name == link.name


async def test_a_monitor_across_a_link_hears_each_death(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = await server.spawn("there", Worker)
    link = await connect(client, path)
    watcher: Probe[Vocabulary] = Probe()
    await client.spawn("watcher", lambda: watcher)
    watcher.context.monitor(link.ref("there"))
    watcher.context.monitor(link.ref("nobody"))
    assert await watcher.expect_down() == Down(kind="actor", name="nobody", link=link.name, reason="not there")
    worker.tell(Crash())
    down = await watcher.expect_down()
    assert (down.name, down.link, down.generation, down.restarting) == ("there", link.name, 1, True)
    await server.stop_actor("there")
    assert (await watcher.expect_down()).reason == "stopped"


async def test_a_monitor_that_ended_hears_nothing(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = await server.spawn("there", Worker)
    link = await connect(client, path)
    heard: list[Down] = []
    link.ref("there").watch(heard.append)()
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    worker.tell(Crash())
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    assert heard == []


async def test_stopping_a_node_answers_asks_over_its_links_and_closes_them(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    kept = asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=10))
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    await server.stop()
    assert await outcome(kept) is Stopped
    assert await link.closed == "closed by the other side"


@pytest.mark.parametrize("sizes", [[], [0], [10, 0, 300_000], [20_000_000]])
async def test_bytes_arrive_whole_beside_messages(server: Node, client: Node, path: str, sizes: list[int]) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    arrived: asyncio.Future[tuple[int, list[bytes]]] = asyncio.get_running_loop().create_future()
    links[0].on_bytes = lambda stream, frames: arrived.set_result((stream, [bytes(piece) for piece in frames]))
    frames = [os.urandom(min(size, 1000)) * (size // 1000 or 1) for size in sizes]
    sent = link.send_bytes(7, frames)
    assert await link.ref("there").ask(Double(number=1), timeout_s=10) == Doubled(number=2)
    await asyncio.wait_for(sent, 20)
    assert await asyncio.wait_for(arrived, 20) == (7, frames)


async def test_bytes_for_nobody_are_counted(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    await link.send_bytes(7, [b"x"])
    await link.ref("there").ask(Double(number=1), timeout_s=10)
    assert server.dead_letters.total == 1


# Greetings.


async def test_a_wrong_secret_is_refused_and_both_sides_learn_of_it(server: Node, client: Node, path: str) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    with pytest.raises(Refused, match="secret") as caught:
        await client.connect(path, codec=codec, secret=b"open barley", timeout_s=10)
    assert caught.value.refusal.code == "secret"
    assert refused == [caught.value.refusal]


async def test_unequal_protocols_are_refused_with_both_numbers(server: Node, path: str) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    older = Node("client", protocol=2)
    with pytest.raises(Refused, match="protocol 3, the other 2") as caught:
        await older.connect(path, codec=codec, secret=SECRET, timeout_s=10)
    assert (caught.value.refusal.code, caught.value.refusal.protocol) == ("protocol", 3)
    assert refused == [caught.value.refusal]


async def test_the_table_of_roles_has_its_say(server: Node, client: Node, path: str) -> None:
    seen: list[Peer] = []

    def admit(peer: Peer) -> Refusal | None:
        seen.append(peer)
        return Refusal("peer", f"pid {peer.pid} is no agent of ours")

    await server.listen(path, codec=codec, admit=admit, secret=SECRET)
    with pytest.raises(Refused, match="no agent of ours"):
        await connect(client, path)
    assert seen == [Peer(uid=os.getuid(), pid=os.getpid(), role="client", protocol=3)]


async def test_another_uid_gets_no_secret_and_no_link(server: Node, client: Node, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    monkeypatch.setattr("actors.runtime.hello.own_uid", lambda: os.getuid() + 1)
    with pytest.raises(Refused, match="no business here"):
        await connect(client, path)
    assert [refusal.code for refusal in refused] == ["uid"]
    monkeypatch.setattr("actors.runtime.greeting.own_uid", lambda: os.getuid() + 1)
    with pytest.raises(Refused, match="gets no secret"):
        await connect(client, path)


async def test_nobody_listening_is_unreachable_at_once(client: Node, path: str) -> None:
    with pytest.raises(Unreachable, match="nobody listens"):
        await connect(client, path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    with pytest.raises(Unreachable, match="nobody listens"):
        await connect(client, path)


async def test_a_listener_that_never_greets_is_unreachable_in_time(client: Node, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with pytest.raises(Unreachable, match=r"greeted within 0\.05 s"):
            await client.connect(path, codec=codec, secret=SECRET, timeout_s=0.05)


async def test_a_stale_socket_file_is_replaced_and_a_living_one_is_not(server: Node, client: Node, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    await listen(server, path)
    with pytest.raises(AddressTaken, match="listens at"):
        await listen(client, path)


async def test_a_path_that_is_too_long_is_refused_by_name(server: Node) -> None:
    with pytest.raises(ValueError, match="more than 100 bytes"):
        await listen(server, "/tmp/" + "x" * 100)


async def test_a_connection_that_does_not_greet_is_closed_by_the_clock(path: str) -> None:
    clock = ManualClock()
    node = Node("server", clock=clock)
    await listen(node, path)
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(10):
        while clock.pending == 0:  # noqa: ASYNC110 - the accepting loop is our own: it needs turns, not an event
            await asyncio.sleep(0)
    await clock.advance(1.9)
    assert not reader.at_eof()
    await clock.advance(0.2)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    await node.stop()


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", frame(HELLO, b"\xc1"), frame(HELLO, b"\x90"), frame(2, b""), b"\x00" * 64])
async def test_junk_for_a_greeting_closes_that_connection_only(server: Node, client: Node, path: str, junk: bytes) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(junk)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    assert await link.ref("there").ask(Double(number=1), timeout_s=10) == Doubled(number=2)


async def test_what_is_told_in_on_link_arrives_with_the_welcome(server: Node, client: Node, path: str) -> None:
    probe: Probe[Vocabulary] = Probe()
    await client.spawn("here", lambda: probe)
    await server.listen(
        path, codec=codec, admit=lambda peer: None, secret=SECRET, on_link=lambda link: link.ref("here").tell(Note(number=1))
    )
    await connect(client, path)
    assert await probe.expect(Note) == Note(number=1)


# A side that does not read, by a connection that the test stalls.


def stalled(link: Link) -> FakeTransport:
    transport = link.transport
    assert isinstance(transport, FakeTransport)
    transport.stall()
    return transport


async def test_a_side_that_does_not_read_fills_the_account_and_no_more(server: Node, client: Node) -> None:
    worker = Worker()
    await server.spawn("there", lambda: worker)
    link, _ = link_nodes(client, server, codec=codec)
    ref = link.ref("there")
    transport = stalled(link)
    message = Note(number=1, text="x" * 10_000)
    for _ in range(2):  # again after a turn, in which the connection takes its own share
        for _ in range(2 * ACCOUNT_LIMIT // 10_000):
            ref.tell(message)
            ref.tell(Progress())
        await turn_loop()
    with pytest.raises(Busy, match="wait on link"):
        await ref.ask(Double(number=1), timeout_s=10)
    assert set(client.dead_letters.counts) == {("there", "link full")}
    ref.tell(Urgent(number=5))
    urgent = asyncio.ensure_future(ref.ask(Crash(), timeout_s=10))
    await turn_loop()
    assert link.waiting_bytes < ACCOUNT_LIMIT + 300_000
    transport.flow()
    assert await outcome(urgent) is Crashed
    assert Urgent(number=5) in worker.seen
    assert await ref.ask(Double(number=1), timeout_s=10) == Doubled(number=2)


async def test_bytes_beyond_the_limit_wait_for_the_reader(server: Node, client: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.link.BULK_LIMIT", 1_000_000)
    link, back = link_nodes(client, server, codec=codec)
    transport = stalled(link)
    first = link.send_bytes(1, [bytes(1_500_000)])
    with pytest.raises(Busy):
        link.send_bytes(1, [b"x"])
    await turn_loop()
    assert not first.done()
    got: list[int] = []
    back.on_bytes = lambda stream, frames: got.append(len(frames[0]))
    transport.flow()
    await asyncio.wait_for(first, 10)
    await turn_loop(20)
    assert got == [1_500_000]


async def test_a_cut_connection_loses_what_was_under_way_and_says_so(server: Node, client: Node) -> None:
    await server.spawn("there", Worker)
    link, back = link_nodes(client, server, codec=codec)
    transport = stalled(link)
    asking = asyncio.ensure_future(link.ref("there").ask(Double(number=1), timeout_s=10))
    sending = link.send_bytes(1, [bytes(2_000_000)])
    await turn_loop()
    transport.cut()
    assert await outcome(asking) is Unreachable
    with pytest.raises(Unreachable):
        await sending
    assert (await link.closed).startswith("link lost")
    await back.closed


async def test_a_late_answer_is_a_dead_letter() -> None:
    clock = ManualClock()
    client, server = Node("client", clock=clock), Node("server", clock=clock)
    worker = Worker()
    await server.spawn("there", lambda: worker)
    link, _ = link_nodes(client, server, codec=codec)
    asking = asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=5))
    await run_to_idle(server)
    await clock.advance(6)
    assert await outcome(asking) is AskTimeout
    worker.kept[0].answer(Doubled(number=1))
    await turn_loop()
    assert client.dead_letters.counts == {("", "late answer"): 1}
    await client.stop()
    await server.stop()


async def test_more_control_than_a_correct_program_sends_closes_the_link(
    server: Node, client: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.runtime.writer.CONTROL_LIMIT", 1000)
    link, _ = link_nodes(client, server, codec=codec)
    stalled(link)
    link.ref("there").tell(Note(number=1, text="x" * 400_000))
    await turn_loop()
    for number in range(100):
        link.ref("there").tell(Urgent(number=number))
    assert "more control messages" in await link.closed
