"""The lives of an actor: crashes and restarts answer what was open, and too many of them are given up."""

import asyncio

import pytest

from actors.runtime.failures import (
    Crashed,
    NameTaken,
    Stopped,
    Unreachable,
)
from actors.runtime.kit import ManualClock, Probe, run_to_idle, turn_loop
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from tests.actors.runtime.asking import Lives, outcome
from tests.actors.runtime.vocabulary import (
    Crash,
    Double,
    Doubled,
    Keep,
    Note,
    Vocabulary,
    Worker,
    numbers,
)


async def test_a_crash_answers_open_asks_and_the_same_ref_reaches_the_next_life(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    queued = asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))
    await asyncio.sleep(0)
    ref.tell(Crash())
    assert [await outcome(kept), await outcome(queued)] == [Crashed, Crashed]
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)
    assert [worker.stopped for worker in lives.made] == [1, 0]


async def test_what_lay_in_the_mailbox_at_a_crash_is_a_dead_letter(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    ref.tell(Note(number=1))
    ref.tell(Crash())
    await run_to_idle(node)
    assert [numbers(worker.seen) for worker in lives.made] == [[], []]
    assert node.dead_letters.counts == {("worker", "crashed"): 1}


async def test_a_message_for_a_former_life_is_a_dead_letter(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    former = lives.made[0].context.ref
    former.tell(Note(number=1))
    await run_to_idle(node)
    ref.tell(Crash())
    await run_to_idle(node)
    former.tell(Note(number=2))
    with pytest.raises(Unreachable, match="life"):
        await former.ask(Double(number=1), timeout_s=1)
    assert [numbers(worker.seen) for worker in lives.made] == [[1], []]
    assert node.dead_letters.counts == {("worker", "former life"): 1}


async def test_too_many_crashes_are_given_up_loudly(clock: ManualClock) -> None:
    gave_up: list[tuple[str, str]] = []
    node = Node("test", clock=clock, on_gave_up=lambda name, reason: gave_up.append((name, reason)))
    lives = Lives()
    watcher: Probe[Vocabulary] = Probe()
    await node.spawn("watcher", lambda: watcher)
    ref = await node.spawn("worker", lives, restart=RestartPolicy(limit=2, window_s=30))
    watcher.context.monitor(ref)
    for _ in range(3):
        ref.tell(Crash())
        await run_to_idle(node)
    await turn_loop()
    assert [(down.generation, down.restarting) for down in watcher.downs] == [(1, True), (2, True), (3, False)]
    assert gave_up == [("worker", "crashed: ValueError: crashed as told")]
    assert await outcome(asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))) is Stopped
    await node.stop()


async def test_restarts_far_apart_are_forgiven(node: Node, clock: ManualClock) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives, restart=RestartPolicy(limit=1, window_s=30))
    for _ in range(4):
        ref.tell(Crash())
        await clock.advance(31)
    assert len(lives.made) == 5


async def test_a_name_is_taken_until_its_actor_is_gone(node: Node) -> None:
    await node.spawn("worker", Worker)
    with pytest.raises(NameTaken, match="'worker'"):
        await node.spawn("worker", Worker)
    await node.stop_actor("worker")
    await node.spawn("worker", Worker)


async def test_a_first_start_that_fails_is_the_spawners_to_hear(node: Node) -> None:
    class Stillborn(Worker):
        async def on_start(self) -> None:
            raise OSError("no such socket")

    with pytest.raises(OSError, match="no such socket"):
        await node.spawn("worker", Stillborn)
    await node.spawn("worker", Worker)


async def test_a_spawner_that_is_cancelled_leaves_no_actor(node: Node) -> None:
    class Slow(Worker):
        async def on_start(self) -> None:
            await asyncio.Event().wait()

    spawning = asyncio.ensure_future(node.spawn("worker", Slow))
    await turn_loop()
    spawning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spawning
    with pytest.raises(Unreachable, match="there are: none"):
        node.ref("worker")


class SlowToRestart(Worker):
    """Starts at once the first time, and never again."""

    async def on_start(self) -> None:
        if self.context.generation > 1:
            await asyncio.Event().wait()


async def test_an_actor_that_is_starting_can_be_stopped(node: Node) -> None:
    ref = await node.spawn("worker", SlowToRestart)
    ref.tell(Crash())
    await turn_loop()
    queued = asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))
    await turn_loop()
    assert not queued.done()
    await asyncio.wait_for(node.stop_actor("worker"), 10)
    assert await outcome(queued) is Stopped


async def test_a_spawner_hears_that_its_actor_was_stopped_while_it_started(node: Node) -> None:
    class Slow(Worker):
        async def on_start(self) -> None:
            await asyncio.Event().wait()

    spawning = asyncio.ensure_future(node.spawn("worker", Slow))
    await turn_loop()
    await node.stop()
    assert await outcome(spawning) is Stopped
