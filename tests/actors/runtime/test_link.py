"""Links: the same promises between nodes as within one, over real unix sockets."""

import asyncio
import os

import pytest

from actors.runtime.failures import AskFailed, Crashed, Stopped, TooLarge, Unanswered, Unreachable
from actors.runtime.hello import Peer
from actors.runtime.kit import PATIENCE_S, Probe, run_to_idle
from actors.runtime.node import Node
from actors.runtime.trace import current_trace
from tests.actors.runtime.linking import connect, listen
from tests.actors.runtime.vocabulary import (
    Crash,
    Double,
    Doubled,
    Forget,
    Keep,
    Note,
    Refuse,
    Sorry,
    Urgent,
    Vocabulary,
    Worker,
    numbers,
)


async def test_actors_of_both_nodes_reach_each_other(server: Node, client: Node, path: str) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    await client.spawn("here", Worker)
    link = await connect(client, path)
    assert await link.ref("there").ask(Double(number=4), timeout_s=PATIENCE_S) == Doubled(number=8)
    assert await links[0].ref("here").ask(Double(number=5), timeout_s=PATIENCE_S) == Doubled(number=10)
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
        await ref.ask(Refuse(), timeout_s=PATIENCE_S)
    assert caught.value.failure == Sorry(reason="not today")
    with pytest.raises(Unanswered):
        await ref.ask(Forget(), timeout_s=PATIENCE_S)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=PATIENCE_S))
    await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
    worker.tell(Crash())
    with pytest.raises(Crashed):
        await kept
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=PATIENCE_S))
    await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
    await server.stop_actor("there")
    with pytest.raises(Stopped):
        await kept
    with pytest.raises(Unreachable):
        await ref.ask(Double(number=1), timeout_s=PATIENCE_S)


async def test_a_tell_to_nobody_is_a_dead_letter_over_there(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    link.ref("nobody").tell(Note(number=1))
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    assert server.dead_letters.counts == {("nobody", "no such actor"): 1}


async def test_ten_thousand_tells_arrive_in_order_through_a_mailbox_of_one(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    worker = Worker()
    await server.spawn("there", lambda: worker, mailbox_size=1)
    ref = (await connect(client, path)).ref("there")
    for number in range(10_000):
        ref.tell(Note(number=number))
    await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
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
    await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
    assert worker.seen.index(Urgent()) <= 1


async def test_the_trace_crosses_a_link(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    probe: Probe[Vocabulary] = Probe(reply=lambda message: Doubled(number=0))
    await server.spawn("there", lambda: probe)
    link = await connect(client, path)
    token = current_trace.set("feedfeedfeedfeed")
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
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
        await link.ref("there", generation=1).ask(Double(number=1), timeout_s=PATIENCE_S)
    assert await link.ref("there", generation=2).ask(Double(number=1), timeout_s=PATIENCE_S) == Doubled(number=2)
    assert server.dead_letters.counts == {("there", "former life"): 1}


async def test_a_message_above_a_megabyte_is_refused_here_and_the_link_lives_on(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    ref = (await connect(client, path)).ref("there")
    with pytest.raises(TooLarge, match="limit is 1000000"):
        await ref.ask(Note(number=1, text="x" * 1_000_001), timeout_s=PATIENCE_S)
    ref.tell(Note(number=1, text="x" * 1_000_001))
    assert client.dead_letters.counts == {("there", "cannot be sent"): 1}
    ref.tell(Note(number=1, text="x" * 999_900))
    assert await ref.ask(Double(number=1), timeout_s=PATIENCE_S) == Doubled(number=2)


async def test_an_answer_that_cannot_be_sent_is_told_to_the_asker(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    probe: Probe[Vocabulary] = Probe(reply=lambda message: Note(number=1, text="x" * 1_000_001))
    await server.spawn("there", lambda: probe)
    ref = (await connect(client, path)).ref("there")
    with pytest.raises(Unanswered, match="cannot be sent: a message of"):
        await ref.ask(Double(number=1), timeout_s=PATIENCE_S)


@pytest.mark.parametrize("sizes", [[], [0], [10, 0, 300_000], [20_000_000]])
async def test_bytes_arrive_whole_beside_messages(server: Node, client: Node, path: str, sizes: list[int]) -> None:
    links = await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    arrived: asyncio.Future[tuple[int, list[bytes]]] = asyncio.get_running_loop().create_future()
    links[0].on_bytes = lambda stream, frames: arrived.set_result((stream, [bytes(piece) for piece in frames]))
    frames = [os.urandom(min(size, 1000)) * (size // 1000 or 1) for size in sizes]
    sent = link.send_bytes(7, frames)
    assert await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S) == Doubled(number=2)
    await asyncio.wait_for(sent, PATIENCE_S)
    assert await asyncio.wait_for(arrived, PATIENCE_S) == (7, frames)


async def test_bytes_for_nobody_are_counted(server: Node, client: Node, path: str) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    await link.send_bytes(7, [b"x"])
    await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S)
    assert server.dead_letters.total == 1
