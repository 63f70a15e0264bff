"""A link that is lost or stalled: every ask is answered, monitors hear of it, and no more is held than the account allows."""

import asyncio

import pytest

from actors.runtime.actor import Down
from actors.runtime.failures import AskTimeout, Busy, Crashed, Stopped, Unreachable
from actors.runtime.fake_transport import FakeTransport
from actors.runtime.kit import PATIENCE_S, ManualClock, Probe, link_nodes, run_to_idle, turn_loop
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.writer import ACCOUNT_LIMIT
from tests.actors.runtime.asking import outcome
from tests.actors.runtime.linking import connect, listen
from tests.actors.runtime.vocabulary import (
    Crash,
    Double,
    Doubled,
    Keep,
    Note,
    Progress,
    Urgent,
    Vocabulary,
    Worker,
    codec,
)


async def test_losing_the_link_answers_every_ask_and_tells_monitors(server: Node, client: Node, path: str) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    watcher: Probe[Vocabulary] = Probe()
    await client.spawn("watcher", lambda: watcher)
    watcher.context.monitor(link)
    watcher.context.monitor(link.ref("there"))
    kept = [asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=PATIENCE_S)) for _ in range(3)]
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    links[0].abort("the test pulled the plug")
    assert [await outcome(asking) for asking in kept] == [Unreachable] * 3
    downs = [await watcher.expect_down() for _ in range(2)]
    assert downs == [
        Down(kind="actor", name="there", link=link.name, reason="link lost"),
        Down(kind="link", name=link.name, reason=await link.closed),
    ]
    with pytest.raises(Unreachable):
        await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
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
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    worker.tell(Crash())
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    assert heard == []


async def test_stopping_a_node_answers_asks_over_its_links_and_closes_them(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    kept = asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=PATIENCE_S))
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    await server.stop()
    assert await outcome(kept) is Stopped
    assert await link.closed == "closed by the other side"


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
        await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
    assert set(client.dead_letters.counts) == {("there", "link full")}
    ref.tell(Urgent(number=5))
    urgent = asyncio.ensure_future(ref.ask(Crash(), timeout_s=PATIENCE_S))
    await turn_loop()
    assert link.waiting_bytes < ACCOUNT_LIMIT + 300_000
    transport.flow()
    assert await outcome(urgent) is Crashed
    assert Urgent(number=5) in worker.seen
    assert await ref.ask(Double(number=1), timeout_s=PATIENCE_S) == Doubled(number=2)


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
    await asyncio.wait_for(first, PATIENCE_S)
    await turn_loop(20)
    assert got == [1_500_000]


async def test_a_cut_connection_loses_what_was_under_way_and_says_so(server: Node, client: Node) -> None:
    await server.spawn("there", Worker)
    link, back = link_nodes(client, server, codec=codec)
    transport = stalled(link)
    asking = asyncio.ensure_future(link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S))
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
