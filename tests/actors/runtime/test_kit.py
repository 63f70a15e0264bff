"""The test kit keeps its own promises."""

import asyncio

import pytest

from actors.runtime.failures import AskTimeout
from actors.runtime.kit import ManualClock, Probe, run_to_idle
from actors.runtime.node import Node
from tests.actors.runtime.vocabulary import Double, Doubled, Note, Vocabulary


async def test_timers_fire_in_order_each_at_its_time() -> None:
    clock = ManualClock(start_s=100.0)
    fired: list[tuple[str, float]] = []
    for name, delay_s in (("b", 2.0), ("a", 1.0), ("c", 2.0), ("late", 9.0)):
        clock.call_later(delay_s, lambda name=name: fired.append((name, clock.monotonic())))  # type: ignore[misc]  # lambdas have no annotations
    await clock.advance(5.0)
    assert fired == [("a", 101.0), ("b", 102.0), ("c", 102.0)]
    assert (clock.monotonic(), clock.pending) == (105.0, 1)


async def test_a_cancelled_timer_does_not_fire() -> None:
    clock = ManualClock()
    clock.call_later(1.0, lambda: pytest.fail("it fired")).cancel()
    await clock.advance(2.0)
    assert clock.pending == 0


async def test_a_sleeper_that_sleeps_again_is_woken_at_both_times() -> None:
    clock = ManualClock(start_s=0.0)
    woken: list[float] = []

    async def sleeper() -> None:
        for _ in range(3):
            await clock.sleep(1.0)
            woken.append(clock.monotonic())

    task = asyncio.ensure_future(sleeper())
    await clock.advance(10.0)
    assert woken == [1.0, 2.0, 3.0]
    await task


async def test_the_wall_clock_jumps_alone() -> None:
    clock = ManualClock(start_s=5.0)
    before = clock.wall()
    clock.jump_wall(-3600.0)
    assert (clock.monotonic(), clock.wall()) == (5.0, before - 3600.0)


async def test_a_probe_finds_a_message_by_class_and_leaves_the_others() -> None:
    probe: Probe[Vocabulary] = Probe()
    ref = probe.ref("kernel")
    ref.tell(Note(number=1))
    ref.tell(Doubled(number=2))
    assert await probe.expect(Doubled) == Doubled(number=2)
    assert probe.unread() == [Note(number=1)]


async def test_a_probe_answers_when_the_test_says_so() -> None:
    probe: Probe[Vocabulary] = Probe()
    answer = asyncio.ensure_future(probe.ref().ask(Double(number=4), timeout_s=5))
    message, asked = await probe.expect_ask(Double)
    asked.answer(Doubled(number=message.number * 2))
    assert await answer == Doubled(number=8)


async def test_a_probe_with_a_reply_answers_at_once() -> None:
    probe: Probe[Vocabulary] = Probe(reply=lambda message: Doubled(number=7))
    assert await probe.ref().ask(Double(number=4), timeout_s=5) == Doubled(number=7)


async def test_a_probe_says_what_it_saw_when_it_waits_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.kit.PATIENCE_S", 0.01)
    probe: Probe[Vocabulary] = Probe()
    probe.ref().tell(Note(number=1))
    with pytest.raises(AssertionError, match=r"no Doubled within .*Note\(number=1"):
        await probe.expect(Doubled)


async def test_an_ask_times_out_by_the_clock_of_its_node() -> None:
    clock = ManualClock()
    node = Node("test", clock=clock)
    probe: Probe[Vocabulary] = Probe()
    ref = await node.spawn("probe", lambda: probe)
    asking = asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=3600))
    await clock.advance(3599)
    assert not asking.done()
    await clock.advance(2)
    with pytest.raises(AskTimeout, match="within 3600 s"):
        await asking
    await node.stop()


async def test_idle_means_that_all_told_messages_were_handled() -> None:
    node = Node("test")
    probe: Probe[Vocabulary] = Probe()
    ref = await node.spawn("probe", lambda: probe)
    for number in range(700):
        ref.tell(Note(number=number))
    await run_to_idle(node)
    assert len(probe.seen) == 700
    await node.stop()
