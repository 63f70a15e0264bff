"""The AgentActor between a probe that plays the KernelActor and the scripted endpoint, through the real SDK."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from actors.agent.actor import LEFT, QUEUE_LIMIT, WAKING, AgentActor, TurnOver
from actors.agent.model import Failed, Heard, Listener, Model
from actors.agent.model_stream import ModelStream
from actors.agent.role import NO_RESTART
from actors.agent.silence import StreamTimeouts
from actors.agent.turn_run import RunLimits
from actors.runtime.clock import SystemClock
from actors.runtime.kit import Probe
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace
from beaker.agent.endpoint import Endpoint, choose_endpoint, read_presets
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn import CUT
from beaker.agent.turn_state import CallModel, TurnLimits
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import (
    AgentMessage,
    Began,
    Delta,
    Ended,
    ListVariables,
    ProposeCell,
    Proposed,
    Question,
    Stop,
    TurnFailure,
    Variable,
    Variables,
    Waiting,
)
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import CUT as CUT_STREAM
from tests.scripted.replies import HANG, MALFORMED, NO_FINISH, STALL, Reply, Speak, bad_call, failure, list_variables, propose

KEY = "sk-canary-1234567890"
FAST = RunLimits(turn=TurnLimits(backoff_s=0.01), delta_interval_s=0.0)
STOP_LIMIT_S = 2.0
"""0.3 s are promised; on a busy machine a test leaves room, as what it stops would take two minutes."""


def question(number: int = 1, prompt: str = "plot df") -> Question:
    return Question(turn=TurnId(number), prompt=prompt, language="python", history=[], cells=[])


def reply_of_kernel(message: object) -> object:
    """What the KernelActor answers to tools; events want no answer."""
    match message:
        case ListVariables():
            return Variables(variables=[Variable(name="df", type="DataFrame", summary="10 rows")])
        case ProposeCell():
            return Proposed(number=1)
        case _:
            return None


@dataclass
class Stage:
    """A running agent with all that surrounds it."""

    agent: Ref[AgentMessage | TurnOver]
    kernel: Probe[KernelMessage]
    node: Node
    gave_up: asyncio.Event
    """Set when the actor has crashed, which ends its process."""

    async def ended(self) -> Ended:
        return await self.kernel.expect(Ended)

    def deltas(self) -> list[str]:
        return [message.text for message in self.kernel.seen if isinstance(message, Delta)]


@asynccontextmanager
async def staged(
    load: Callable[[], Awaitable[Model | ModelFailure]], *, limits: RunLimits = FAST, kernel: Probe[KernelMessage] | None = None
) -> AsyncIterator[Stage]:
    probe: Probe[KernelMessage] = kernel or Probe(reply_of_kernel)
    gave_up = asyncio.Event()
    node = Node("agent", on_gave_up=lambda _name, _reason: gave_up.set())
    agent = await node.spawn("agent", lambda: AgentActor(probe.ref("kernel"), load, limits=limits), restart=NO_RESTART)
    try:
        yield Stage(agent, probe, node, gave_up)
    finally:
        await node.stop()


@asynccontextmanager
async def on(
    script: Sequence[Reply], *, limits: RunLimits = FAST, timeouts: StreamTimeouts | None = None, kernel: Probe[KernelMessage] | None = None
) -> AsyncIterator[tuple[Stage, ScriptedEndpoint]]:
    async with ScriptedEndpoint(script) as server:

        async def load() -> Model:
            chosen = choose_endpoint({"OPENAI_API_KEY": KEY}, read_presets(), model="scripted-1", base_url=server.base_url)
            assert isinstance(chosen, Endpoint)
            return ModelStream(chosen, KEY, timeouts or StreamTimeouts(), clock=SystemClock())

        async with staged(load, limits=limits, kernel=kernel) as stage:
            yield stage, server


async def answer(
    script: Sequence[Reply], *, limits: RunLimits = FAST, timeouts: StreamTimeouts | None = None
) -> tuple[Ended, Stage, ScriptedEndpoint]:
    async with on(script, limits=limits, timeouts=timeouts) as (stage, server):
        stage.agent.tell(question())
        return await stage.ended(), stage, server


async def test_an_answer_begins_streams_and_ends_whole() -> None:
    ended, stage, _ = await answer([Speak(text="The mean is 4.5.")])
    kinds = [type(message) for message in stage.kernel.seen if not isinstance(message, Waiting)]
    assert kinds[0] is Began
    assert kinds[-1] is Ended
    assert ended == Ended(turn=TurnId(1), status="ok", text="The mean is 4.5.")
    assert "".join(stage.deltas()) == ended.text


async def test_began_names_the_model() -> None:
    _, stage, _ = await answer([Speak(text="x")])
    assert Began(turn=TurnId(1), model="scripted-1") in stage.kernel.seen


async def test_tools_are_asked_of_the_kernel_and_their_results_reach_the_model() -> None:
    ended, stage, server = await answer([list_variables(), propose("df.plot()", text="A plot:"), Speak(text="Run it.")])
    asked = [message for message in stage.kernel.seen if isinstance(message, (ListVariables, ProposeCell))]
    assert asked == [ListVariables(turn=TurnId(1)), ProposeCell(turn=TurnId(1), code="df.plot()", language="python")]
    results = [message["content"] for message in server.requests[2].body["messages"] if message["role"] == "tool"]
    assert results[0] == "df: DataFrame = 10 rows"
    assert results[1].startswith("Proposed as cell 1")
    assert ended.text == "A plot:\n\nRun it."


async def test_text_goes_out_before_the_proposal_that_follows_it() -> None:
    slow = RunLimits(turn=FAST.turn, delta_interval_s=60.0)
    _, stage, _ = await answer([propose("1", text="one two three"), Speak(text="four")], limits=slow)
    kinds = [type(message) for message in stage.kernel.seen]
    before = [message.text for message in stage.kernel.seen[: kinds.index(ProposeCell)] if isinstance(message, Delta)]
    assert "".join(before) == "one two three"


async def test_a_refused_look_is_told_to_the_model_in_the_kernels_words() -> None:
    probe: Probe[KernelMessage] = Probe()
    async with on([list_variables(), Speak(text="sorry")], kernel=probe) as (stage, server):
        stage.agent.tell(question())
        _, asked = await probe.expect_ask(ListVariables)
        asked.fail(TurnFailure(reason="there is no session"))
        await stage.ended()
    assert server.requests[1].body["messages"][-1]["content"] == "That did not work: there is no session"


async def test_many_pieces_become_few_messages_with_the_first_at_once() -> None:
    text = " ".join(str(number) for number in range(400))
    ended, stage, _ = await answer([Speak(text=text)], limits=RunLimits(turn=FAST.turn, delta_interval_s=60.0))
    assert stage.deltas()[0] == "0 "
    assert len(stage.deltas()) == 2
    assert ended.text == text


async def test_stop_during_a_stall_ends_the_turn_and_closes_the_connection() -> None:
    async with on([STALL]) as (stage, server):
        stage.agent.tell(question())
        await server.stalled()
        await stage.kernel.expect(Delta)
        started = time.monotonic()
        stage.agent.tell(Stop(turn=TurnId(1)))
        ended = await stage.ended()
        await server.left()
        assert time.monotonic() - started < STOP_LIMIT_S
    assert ended.status == "stopped"
    assert "one two ".startswith(ended.text)


async def test_after_a_stop_no_call_follows_and_the_next_question_is_answered() -> None:
    script: list[Reply] = [list_variables(), list_variables(), list_variables(), STALL, Speak(text="next")]
    async with on(script) as (stage, server):
        stage.agent.tell(question(1))
        await server.stalled()
        stage.agent.tell(Stop(turn=TurnId(1)))
        await stage.ended()
        assert len(server.requests) == 4
        stage.agent.tell(question(2))
        assert (await stage.ended()).text == "next"


async def test_stop_during_a_wait_for_the_next_attempt_is_at_once() -> None:
    async with on([failure(429, "slow down", headers={"Retry-After": "30"})]) as (stage, server):
        stage.agent.tell(question())
        while "attempt 2 of 3" not in (await stage.kernel.expect(Waiting)).words:
            pass
        started = time.monotonic()
        stage.agent.tell(Stop(turn=TurnId(1)))
        assert (await stage.ended()).status == "stopped"
        assert time.monotonic() - started < STOP_LIMIT_S
        assert len(server.requests) == 1


async def test_stop_in_the_same_moment_as_the_question_leaves_nothing_stuck() -> None:
    async with on([Speak(text="second")]) as (stage, _):
        stage.agent.tell(question(1))
        stage.agent.tell(Stop(turn=TurnId(1)))
        stage.agent.tell(question(2))
        endings = {ended.turn: ended for ended in [await stage.ended(), await stage.ended()]}
    assert endings[TurnId(2)].text == "second"


async def test_a_stop_of_a_turn_that_is_not_there_is_harmless() -> None:
    async with on([Speak(text="x")]) as (stage, _):
        stage.agent.tell(Stop(turn=TurnId(9)))
        stage.agent.tell(question())
        assert (await stage.ended()).status == "ok"


async def test_questions_are_answered_one_after_the_other_and_told_so() -> None:
    async with on([STALL, Speak(text="two"), Speak(text="three")]) as (stage, server):
        for number in (1, 2, 3):
            stage.agent.tell(question(number))
        await server.stalled()
        server.release()
        ended = [await stage.ended() for _ in range(3)]
    assert [(each.turn, each.text) for each in ended] == [(1, "one two three four"), (2, "two"), (3, "three")]
    words = {
        message.turn: message.words for message in stage.kernel.seen if isinstance(message, Waiting) and message.words.startswith("after")
    }
    assert words == {2: "after question 1", 3: "after question 2"}


async def test_each_turn_runs_under_the_trace_of_its_own_question() -> None:
    async with on([STALL, Speak(text="two")]) as (stage, server):
        for number in (1, 2):
            current_trace.set(f"trace-{number}")
            stage.agent.tell(question(number))
        current_trace.set("")
        await server.stalled()
        server.release()
        await stage.ended()
        await stage.ended()
    seen = zip(stage.kernel.seen, stage.kernel.traces, strict=True)
    told = {(message.turn, trace) for message, trace in seen if isinstance(message, (Began, Delta, Waiting, Ended))}
    assert told == {(1, "trace-1"), (2, "trace-2")}


async def test_a_waiting_question_can_be_stopped_without_touching_the_running_one() -> None:
    async with on([STALL, Speak(text="never asked")]) as (stage, server):
        stage.agent.tell(question(1))
        stage.agent.tell(question(2))
        await server.stalled()
        stage.agent.tell(Stop(turn=TurnId(2)))
        assert await stage.ended() == Ended(turn=TurnId(2), status="stopped", text="")
        server.release()
        assert (await stage.ended()).turn == TurnId(1)
        assert len(server.requests) == 1


async def test_too_many_waiting_questions_are_refused() -> None:
    async with on([STALL]) as (stage, _):
        for number in range(1, QUEUE_LIMIT + 3):
            stage.agent.tell(question(number))
        ended = await stage.ended()
    assert (ended.turn, ended.status) == (QUEUE_LIMIT + 2, "error")
    assert f"{QUEUE_LIMIT} questions are waiting" in ended.reason


@pytest.mark.parametrize(
    ("script", "reason", "calls"),
    [
        ([failure(401, f"bad key {KEY}")], "Set a valid one in OPENAI_API_KEY", 1),
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
    assert any("attempt 2 of 3" in message.words for message in stage.kernel.seen if isinstance(message, Waiting))


@pytest.mark.parametrize(
    ("reply", "text"),
    [(CUT_STREAM, "one two "), (MALFORMED, "one "), (NO_FINISH, "one two"), (STALL, "one two ")],
    ids=["cut", "malformed", "no finish reason", "silence"],
)
async def test_half_an_answer_is_kept_and_marked_and_never_said_twice(reply: Reply, text: str) -> None:
    timeouts = StreamTimeouts(first_byte_s=0.2, silence_s=0.1, words_after_s=0.05)
    ended, stage, server = await answer([reply], timeouts=timeouts)
    assert ended.status == "error"
    assert ended.text == f"{text}\n\n{CUT}"
    assert "".join(stage.deltas()) == ended.text
    assert len(server.requests) == 1


async def test_words_say_what_a_silent_endpoint_keeps_waiting_for() -> None:
    timeouts = StreamTimeouts(first_byte_s=10, silence_s=10, words_after_s=0.05)
    async with on([HANG], timeouts=timeouts) as (stage, _):
        stage.agent.tell(question())
        while not (await stage.kernel.expect(Waiting)).words.startswith("no data for 0.0"):
            pass


async def test_a_turn_that_takes_too_long_is_ended() -> None:
    ended, _, server = await answer([STALL], limits=RunLimits(turn=FAST.turn, time_s=0.2, delta_interval_s=0.0))
    assert ended.status == "error"
    assert "agent.turn_time_limit_s" in ended.reason
    await server.left()


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

    async def open(self) -> str:
        return "broken"

    async def hear(self, call: CallModel, listener: Listener, *, step: int) -> Heard | Failed:
        listener.say("one ")
        raise RuntimeError("a bug of ours")

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
