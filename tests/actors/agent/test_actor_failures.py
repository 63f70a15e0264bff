"""The AgentActor when things go wrong: what the user is told, what is kept, how often the endpoint is asked."""

import asyncio

import pytest
from msgspec.structs import replace

from actors.agent.actor import LEFT, WAKING
from actors.agent.model import Failed, Heard, Listener, Model, Offers, Opened
from actors.runtime.kit import ManualClock
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn import CUT
from beaker.agent.turn_state import CallModel, Quirks
from beaker.messages.base import TurnId
from beaker.messages.turn import Delta, Ended, Stop, Waiting
from tests.actors.agent.stage import FAST, KEY, answer, on, question, staged
from tests.scripted.replies import CUT as CUT_STREAM
from tests.scripted.replies import HANG, MALFORMED, NO_FINISH, STALL, Reply, Speak, bad_call, failure, list_variables


@pytest.mark.parametrize(
    ("script", "reason", "calls"),
    [
        ([failure(401, f"bad key {KEY}")], "It comes from environment OPENAI_API_KEY: set a valid one where Jupyter is started", 1),
        ([failure(404, "no such model")], "It offers: scripted-1.", 1),
        ([failure(500, "out of order")], "Tried 3 times.", 3),
        ([failure(429, "slow", headers={"Retry-After": "3600"})], "ask again after", 1),
        ([bad_call()], "agent.repair_limit", 4),
        ([list_variables()], "agent.step_limit", 25),
    ],
    ids=["401", "404", "500", "429 for an hour", "bad calls for ever", "endless loop"],
)
async def test_each_failure_ends_the_turn_with_its_remedy(script: list[Reply], reason: str, calls: int) -> None:
    ended, _, server = await answer(script)
    assert ended.status == "error"
    assert reason in ended.reason
    assert KEY not in ended.reason + ended.text
    assert len(server.requests) == calls


async def test_retry_after_is_waited_for_and_the_answer_comes() -> None:
    ended, stage, server = await answer([failure(429, "slow", headers={"Retry-After-Ms": "200"}), Speak(text="now")])
    assert (ended.status, ended.text) == ("ok", "now")
    assert server.requests[1].at - server.requests[0].at >= 0.2
    assert any("(2 of 3)" in message.words for message in stage.kernel.seen if isinstance(message, Waiting))


@pytest.mark.parametrize(
    ("reply", "text"),
    [(CUT_STREAM, "one two "), (MALFORMED, "one "), (NO_FINISH, "one two"), (STALL, "one two ")],
    ids=["cut", "malformed", "no finish reason", "silence"],
)
async def test_half_an_answer_is_kept_and_marked_and_never_said_twice(reply: Reply, text: str) -> None:
    clock = ManualClock()
    async with on([reply], clock=clock) as (stage, server):
        stage.agent.tell(question())
        while not "".join(stage.deltas()).startswith(text):
            await stage.kernel.expect(Delta)
        await clock.advance(121)  # which only the silent one needs
        ended = await stage.ended()
    assert ended.status == "error"
    assert ended.text == f"{text}\n\n{CUT}"
    assert "".join(stage.deltas()) == ended.text
    assert len(server.requests) == 1


async def test_words_say_what_a_silent_endpoint_keeps_waiting_for() -> None:
    clock = ManualClock()
    async with on([HANG], clock=clock) as (stage, server):
        stage.agent.tell(question())
        await server.stalled()
        await clock.advance(16)
        while (await stage.kernel.expect(Waiting)).words != "no data for 15 s":
            pass


async def test_a_turn_that_takes_too_long_is_ended() -> None:
    clock, limits = ManualClock(), replace(FAST, time_s=60.0)
    async with on([STALL], limits=limits, clock=clock) as (stage, server):
        stage.agent.tell(question())
        await server.stalled()
        await clock.advance(59)
        assert not any(isinstance(said, Ended) for said in stage.kernel.seen)
        await clock.advance(2)
        ended = await stage.ended()
        await server.left()
    assert ended.status == "error"
    assert "agent.turn_time_limit_s" in ended.reason


async def test_a_model_without_tools_is_told_of_once_in_the_conversation() -> None:
    script: list[Reply] = [failure(400, "tiny does not support tools"), Speak(text="first"), Speak(text="second")]
    async with on(script) as (stage, server):
        stage.agent.tell(question(1))
        first = await stage.ended()
        stage.agent.tell(question(2))
        second = await stage.ended()
    assert "cannot call tools" in first.text
    assert first.text.endswith("first")
    assert second.text == "second"
    assert ["tools" in request.body for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("prompt", ["", "x" * 5_000_000], ids=["empty", "5 MB"])
async def test_what_is_no_question_is_refused_without_a_call(prompt: str) -> None:
    async with on([Speak(text="x")]) as (stage, server):
        stage.agent.tell(question(prompt=prompt))
        ended = await stage.ended()
    assert (ended.status, server.requests) == ("error", [])
    assert ended.reason.startswith("The question")


async def test_while_the_sdk_loads_the_user_is_told_and_can_stop() -> None:
    never = asyncio.Event()

    async def load() -> ModelFailure:
        await never.wait()
        raise AssertionError

    async with staged(load) as stage:
        stage.agent.tell(question())
        assert await stage.kernel.expect(Waiting) == Waiting(turn=TurnId(1), words=WAKING)
        stage.agent.tell(Stop(turn=TurnId(1)))
        assert (await stage.ended()).status == "stopped"


async def test_without_a_model_every_question_is_told_why() -> None:
    async def load() -> ModelFailure:
        return ModelFailure(kind="refused", reason="OPENAI_BASE_URL is 'olama'.")

    async with staged(load) as stage:
        for number in (1, 2):
            stage.agent.tell(question(number))
            assert await stage.ended() == Ended(turn=TurnId(number), status="error", text="", reason="OPENAI_BASE_URL is 'olama'.")


class _BrokenModel:
    """Raises what no model raises."""

    async def open(self, wanted: str | None) -> Opened:
        return Opened(name="broken", quirks=Quirks())

    async def hear(self, call: CallModel, listener: Listener, *, model: str, step: int) -> Heard | Failed:
        listener.say("one ")
        raise RuntimeError("a bug of ours")

    async def offers(self) -> Offers:
        return Offers(endpoint="broken", model="broken", names=[])

    async def close(self) -> None:
        return


async def test_a_crash_ends_every_turn_with_what_it_has() -> None:
    async def load() -> Model:
        return _BrokenModel()

    async with staged(load) as stage:
        stage.agent.tell(question(1))
        stage.agent.tell(question(2))
        assert await stage.ended() == Ended(turn=TurnId(1), status="error", text="one ", reason=LEFT)
        assert await stage.ended() == Ended(turn=TurnId(2), status="error", text="", reason=LEFT)
        await stage.gave_up.wait()


async def test_a_node_that_stops_ends_every_turn() -> None:
    async with on([STALL]) as (stage, server):
        stage.agent.tell(question(1))
        stage.agent.tell(question(2))
        await server.stalled()
        await stage.node.stop()
        assert [(await stage.ended()).reason, (await stage.ended()).reason] == [LEFT, LEFT]
        await server.left()
