"""Actors of one process: every ask is answered once, whatever becomes of the actor."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, assert_type

import pytest

from actors.runtime.actor import Actor, Asked, Down
from actors.runtime.failures import (
    AnsweredTwice,
    AskError,
    AskFailed,
    AskTimeout,
    Busy,
    Crashed,
    NameTaken,
    Stopped,
    Unanswered,
    Unreachable,
)
from actors.runtime.kit import ManualClock, Probe, run_to_idle, turn_loop
from actors.runtime.mailbox import CONTROL_SIZE
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.runtime.supervision import RestartPolicy
from actors.runtime.trace import current_trace
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
    numbers,
)


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def node(clock: ManualClock) -> AsyncIterator[Node]:
    node = Node("test", clock=clock)
    yield node
    await node.stop()


class Lives:
    """A factory that remembers what it made."""

    def __init__(self) -> None:
        self.made: list[Worker] = []

    def __call__(self) -> Worker:
        self.made.append(Worker())
        return self.made[-1]


async def outcome(asking: "asyncio.Future[Any]") -> object:
    """The answer, or the class of the error."""
    try:
        return await asking
    except AskError as error:
        return type(error)


async def test_a_told_message_is_handled_in_order(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    for number in range(600):
        ref.tell(Note(number=number))
    await run_to_idle(node)
    assert numbers(lives.made[0].seen) == list(range(600))


async def test_an_ask_returns_the_answer(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    assert await ref.ask(Double(number=21), timeout_s=1) == Doubled(number=42)


async def test_a_refusal_carries_the_failure(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    with pytest.raises(AskFailed) as caught:
        await ref.ask(Refuse(), timeout_s=1)
    assert caught.value.failure == Sorry(reason="not today")


async def test_letting_go_of_an_ask_is_told_to_the_asker(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    with pytest.raises(Unanswered, match="'worker'"):
        await ref.ask(Forget(), timeout_s=1)


async def test_answering_twice_is_an_error_of_the_actor(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    asking = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    asked = lives.made[0].kept[0]
    asked.answer(Doubled(number=1))
    with pytest.raises(AnsweredTwice, match="Keep"):
        asked.answer(Doubled(number=2))
    assert await asking == Doubled(number=1)


async def test_an_answer_after_the_timeout_hurts_nobody(node: Node, clock: ManualClock) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    asking = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await clock.advance(2)
    with pytest.raises(AskTimeout):
        await asking
    lives.made[0].kept[0].answer(Doubled(number=1))


async def test_an_ask_whose_time_is_over_is_not_handled(node: Node, clock: ManualClock) -> None:
    class Blocking(Worker):
        def receive(self, message: Vocabulary, asked: Asked | None) -> None:
            super().receive(message, asked)
            clock.block(1.0)

    worker = Blocking()
    ref = await node.spawn("worker", lambda: worker)
    ref.tell(Note(number=1))
    with pytest.raises(AskTimeout, match="too old"):
        await ref.ask(Double(number=1), timeout_s=0.5)
    assert worker.seen == [Note(number=1)]


async def test_a_full_mailbox_is_busy_at_once_and_a_dead_letter_for_a_tell(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives, mailbox_size=2)
    for number in range(3):
        ref.tell(Note(number=number))
    ref.tell(Progress())
    with pytest.raises(Busy):
        await ref.ask(Double(number=1), timeout_s=1)
    await run_to_idle(node)
    assert numbers(lives.made[0].seen) == [0, 1]
    assert node.dead_letters.counts == {("worker", "mailbox full"): 2}


async def test_control_overtakes_ordinary(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    ref.tell(Note(number=1))
    ref.tell(Note(number=2))
    ref.tell(Urgent(number=3))
    await run_to_idle(node)
    assert lives.made[0].seen == [Urgent(number=3), Note(number=1), Note(number=2)]


async def test_an_overflowing_control_lane_crashes_the_target(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    for number in range(CONTROL_SIZE + 1):
        ref.tell(Urgent(number=number))
    await run_to_idle(node)
    assert [len(worker.seen) for worker in lives.made] == [0, 0]
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)


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


async def test_stopping_answers_what_is_open_and_runs_on_stop_once(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    await node.stop_actor("worker")
    assert await outcome(kept) is Stopped
    assert lives.made[0].stopped == 1
    assert await outcome(asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))) is Stopped


async def test_an_actor_may_still_answer_while_it_stops(node: Node) -> None:
    class Polite(Worker):
        async def on_stop(self) -> None:
            for asked in self.kept:
                asked.answer(Doubled(number=0))

    ref = await node.spawn("worker", Polite)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    await node.stop_actor("worker")
    assert await kept == Doubled(number=0)


async def test_actors_stop_the_youngest_first() -> None:
    order: list[str] = []

    class Named(Actor[Note]):
        async def on_stop(self) -> None:
            order.append(self.context.name)

    node = Node("test")
    for name in "abc":
        await node.spawn(name, Named)
    await node.stop()
    assert order == ["c", "b", "a"]


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


async def test_context_stop_ends_the_actor_for_good(node: Node) -> None:
    class Once(Worker):
        def receive(self, message: Vocabulary, asked: Asked | None) -> None:
            super().receive(message, asked)
            self.context.stop()

    ref = await node.spawn("worker", Once)
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)
    assert await outcome(asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))) is Stopped


async def test_a_stopping_node_starts_nothing(node: Node) -> None:
    await node.stop()
    with pytest.raises(Unreachable, match="stopping"):
        await node.spawn("worker", Worker)


async def test_an_actor_that_hangs_in_on_stop_is_left_behind(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.cell.STOP_LIMIT_S", 0.05)

    class Hanging(Worker):
        async def on_stop(self) -> None:
            await asyncio.Event().wait()

    await node.spawn("worker", Hanging)
    await asyncio.wait_for(node.stop_actor("worker"), 10)


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


async def test_the_type_of_an_answer_is_known_from_the_request(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    assert_type(await ref.ask(Double(number=1), timeout_s=1), Doubled)
