"""What an actor is given: tasks and timers that end with its life, monitors, the trace."""

import asyncio

import pytest

from actors.runtime.actor import Actor, Asked, Down
from actors.runtime.failures import (
    Unreachable,
)
from actors.runtime.kit import ManualClock, Probe, run_to_idle, turn_loop
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace
from tests.actors.runtime.asking import Lives
from tests.actors.runtime.vocabulary import (
    Crash,
    Double,
    Doubled,
    Note,
    Vocabulary,
    Worker,
    numbers,
)


async def test_a_node_finds_its_actors_by_name(node: Node) -> None:
    await node.spawn("worker", Worker)
    assert await node.ref("worker").ask(Double(number=3), timeout_s=1) == Doubled(number=6)
    with pytest.raises(Unreachable, match="there are: worker"):
        node.ref("walker")


async def test_a_failing_task_crashes_its_actor(node: Node) -> None:
    class Tasked(Worker):
        async def on_start(self) -> None:
            self.context.spawn(self._work(), name="work")

        async def _work(self) -> None:
            if self.context.generation == 1:
                raise RuntimeError("broken pipe of thought")

    watcher: Probe[Vocabulary] = Probe()
    await node.spawn("watcher", lambda: watcher)
    ref = await node.spawn("worker", Tasked)
    watcher.context.monitor(ref)
    down = await watcher.expect_down()
    assert (down.reason, down.restarting) == ("crashed: RuntimeError: broken pipe of thought", True)
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)


async def test_tasks_are_cancelled_after_on_stop(node: Node) -> None:
    order: list[str] = []

    class Tasked(Worker):
        async def on_start(self) -> None:
            self.context.spawn(self._work(), name="work")

        async def _work(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                order.append("task")

        async def on_stop(self) -> None:
            order.append("on_stop")

    await node.spawn("worker", Tasked)
    await turn_loop()
    await node.stop_actor("worker")
    assert order == ["on_stop", "task"]


async def test_a_timer_tells_by_the_clock_and_dies_with_its_life(node: Node, clock: ManualClock) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives, mailbox_size=1)
    lives.made[0].context.call_later(5, Note(number=1))
    lives.made[0].context.call_later(6, Note(number=2)).cancel()
    await clock.advance(4.9)
    assert lives.made[0].seen == []
    ref.tell(Note(number=0))
    await clock.advance(2)
    assert numbers(lives.made[0].seen) == [0, 1]
    lives.made[0].context.call_later(5, Note(number=3))
    ref.tell(Crash())
    await clock.advance(10)
    assert lives.made[1].seen == []
    assert clock.pending == 0


async def test_a_monitor_hears_a_stop_and_at_once_of_one_long_gone(node: Node) -> None:
    watcher: Probe[Vocabulary] = Probe()
    await node.spawn("watcher", lambda: watcher)
    ref = await node.spawn("worker", Worker)
    watcher.context.monitor(ref)
    await node.stop_actor("worker")
    assert await watcher.expect_down() == Down(kind="actor", name="worker", generation=1, reason="stopped")
    watcher.context.monitor(ref)
    assert await watcher.expect_down() == Down(kind="actor", name="worker", reason="not there")


async def test_a_monitor_ends_with_the_life_that_set_it(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    target = await node.spawn("target", Worker)
    lives.made[0].context.monitor(target)
    ref.tell(Crash())
    await run_to_idle(node)
    await node.stop_actor("target")
    await run_to_idle(node)
    assert lives.made[1].seen == []


async def test_the_trace_follows_from_message_to_message_and_into_tasks(node: Node) -> None:
    traces: list[str] = []
    probe: Probe[Vocabulary] = Probe()
    end: Ref[Vocabulary] = await node.spawn("end", lambda: probe)

    class Middle(Actor[Note]):
        def receive(self, message: Note, asked: Asked | None) -> None:
            self.context.spawn(self._forward(message), name="forward")

        async def _forward(self, message: Note) -> None:
            traces.append(current_trace.get())
            end.tell(message)

    middle = await node.spawn("middle", Middle)
    token = current_trace.set("0123456789abcdef")
    middle.tell(Note(number=1))
    current_trace.reset(token)
    middle.tell(Note(number=2))
    await run_to_idle(node)
    await turn_loop()
    assert (traces, probe.traces) == (["0123456789abcdef", ""], ["0123456789abcdef", ""])
