"""Turns that wait for the user: put aside, off the clock, and stopped all the same."""

import time

from msgspec.structs import replace

from actors.agent.turn_clock import TurnClock
from actors.agent.turn_run import RunLimits
from actors.runtime.kit import ManualClock, Probe
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.running import AskUser, CodeRan, Parked, RunCode, UserAnswered
from beaker.messages.turn import Began, Stop, Waiting
from tests.actors.agent.stage import FAST, STOP_LIMIT_S, on, question
from tests.scripted.replies import Speak, ask_user, list_variables, run


async def test_a_parked_turn_lets_the_next_begin_and_goes_on_when_it_is_answered() -> None:
    probe: Probe[KernelMessage] = Probe()
    async with on([run("1"), Speak(text="the second"), Speak(text="the first")], kernel=probe) as (stage, _):
        stage.agent.tell(question(1))
        _, asked = await probe.expect_ask(RunCode)
        stage.agent.tell(question(2))
        stage.agent.tell(Parked(turn=TurnId(1)))
        second = await stage.ended()
        assert (second.turn, second.text) == (2, "the second")
        asked.answer(CodeRan(status="ok", output="1"))
        first = await stage.ended()
        assert (first.turn, first.text) == (1, "the first")


async def test_after_a_parked_turn_is_over_questions_still_come_one_by_one() -> None:
    probe: Probe[KernelMessage] = Probe()
    async with on([run("1"), run("2"), Speak(text="a"), Speak(text="b"), Speak(text="c")], kernel=probe) as (stage, server):
        stage.agent.tell(question(1))
        _, first = await probe.expect_ask(RunCode)
        stage.agent.tell(Parked(turn=TurnId(1)))
        stage.agent.tell(question(2))
        _, second = await probe.expect_ask(RunCode)
        stage.agent.tell(question(3))
        first.answer(CodeRan(status="ok", output=""))
        assert (await stage.ended()).turn == 1
        assert len(server.requests) == 3, "question 3 waits for question 2, not for question 1"
        second.answer(CodeRan(status="ok", output=""))
        assert [(await stage.ended()).turn, (await stage.ended()).turn] == [2, 3]


async def test_a_parked_turn_is_stopped_without_another_call() -> None:
    probe: Probe[KernelMessage] = Probe()
    async with on([run("1"), Speak(text="never")], kernel=probe) as (stage, server):
        stage.agent.tell(question(1))
        await probe.expect_ask(RunCode)
        stage.agent.tell(Parked(turn=TurnId(1)))
        stopping = time.monotonic()
        stage.agent.tell(Stop(turn=TurnId(1)))
        assert (await stage.ended()).status == "stopped"
        assert time.monotonic() - stopping < STOP_LIMIT_S
        assert len(server.requests) == 1


async def test_the_time_of_a_turn_does_not_count_while_the_user_is_asked() -> None:
    probe: Probe[KernelMessage] = Probe()
    clock = ManualClock()
    limits = RunLimits(turn=FAST.turn, time_s=600.0, delta_interval_s=0.0)
    async with on([ask_user("Which?"), Speak(text="Thanks.")], kernel=probe, limits=limits, clock=clock) as (stage, _):
        stage.agent.tell(question(1))
        _, asked = await probe.expect_ask(AskUser)
        await clock.advance(3_600)
        asked.answer(UserAnswered(text="that"))
        assert (await stage.ended()).status == "ok"


async def test_a_turn_clock_counts_only_what_it_runs() -> None:
    clock, rung = ManualClock(), list[float]()
    timer = TurnClock(clock, 10.0, lambda: rung.append(clock.monotonic()))
    began = clock.monotonic()
    timer.start()
    await clock.advance(4)
    with timer.halted():
        await clock.advance(1000)
    await clock.advance(5.9)
    assert rung == []
    await clock.advance(0.2)
    assert rung == [began + 1010.0]
    timer.stop()


async def test_calls_beyond_the_pace_wait_with_words_and_never_fail() -> None:
    clock, limits = ManualClock(), replace(FAST, calls_per_s=0.5, time_s=1.0)
    async with on([list_variables(), Speak(text="done")], limits=limits, clock=clock) as (stage, server):
        stage.agent.tell(question(1))
        assert (await stage.kernel.expect(Waiting)).words == "looking at the variables"
        waits = await stage.kernel.expect(Waiting)
        assert waits.words == "waiting 2 s: the model may be called 0.5 times a second (agent.requests_per_s)"
        assert len(server.requests) == 1
        await clock.advance(1.9)
        assert len(server.requests) == 1
        await clock.advance(0.1)
        ended = await stage.ended()
        assert (ended.status, ended.text, len(server.requests)) == ("ok", "done", 2)


async def test_the_pace_is_one_for_all_questions_and_a_short_wait_has_no_words() -> None:
    clock, limits = ManualClock(), replace(FAST, calls_per_s=2.0)
    async with on([Speak(text="so")], limits=limits, clock=clock) as (stage, server):
        for turn in (1, 2):
            stage.agent.tell(question(turn))
            await stage.kernel.expect(Began)
            await stage.ended()
            await clock.advance(0.25)
        stage.agent.tell(question(3))
        await stage.kernel.expect(Began)
        await clock.advance(0.25)
        assert len(server.requests) == 2
        await clock.advance(0.25)
        assert (await stage.ended()).text == "so"
        assert not any(isinstance(said, Waiting) for said in stage.kernel.seen)


async def test_a_question_that_waits_for_the_pace_is_stopped_without_another_call() -> None:
    async with on([list_variables()], limits=replace(FAST, calls_per_s=0.1), clock=ManualClock()) as (stage, server):
        stage.agent.tell(question(1))
        while not (await stage.kernel.expect(Waiting)).words.startswith("waiting "):
            pass
        stage.agent.tell(Stop(turn=TurnId(1)))
        assert (await stage.ended()).status == "stopped"
        assert len(server.requests) == 1
