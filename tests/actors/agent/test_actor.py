"""The AgentActor between a probe that plays the KernelActor and the scripted endpoint: answers, tools, stops, queues."""

import time

import msgspec

from actors.agent.turn_run import RunLimits
from actors.runtime.kit import Probe
from actors.runtime.trace import current_trace
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.look import CellsRead, OutputRead, ReadCells, ReadOutput, SeenCell
from beaker.messages.running import CodeRan, RunCode
from beaker.messages.turn import (
    Began,
    Delta,
    Ended,
    Exchange,
    Learned,
    ListVariables,
    ProposeCell,
    Stop,
    Thought,
    ToolAnswered,
    ToolCalled,
    TurnFailure,
    Used,
    Waiting,
)
from beaker.waiting_limit import WAITING_LIMIT
from tests.actors.agent.stage import FAST, STOP_LIMIT_S, answer, on, question
from tests.scripted.replies import STALL, Call, Reply, Speak, failure, list_variables, propose


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


async def test_a_question_that_names_a_model_is_put_to_that_one() -> None:
    async with on([Speak(text="x")]) as (stage, server):
        stage.agent.tell(msgspec.structs.replace(question(), model="other-2"))
        await stage.ended()
    assert Began(turn=TurnId(1), model="other-2") in stage.kernel.seen
    assert server.requests[0].body["model"] == "other-2"


async def test_tools_are_asked_of_the_kernel_and_their_results_reach_the_model() -> None:
    ended, stage, server = await answer([list_variables(), propose("df.plot()", text="A plot:"), Speak(text="Run it.")])
    asked = [message for message in stage.kernel.seen if isinstance(message, (ListVariables, ProposeCell))]
    assert asked == [ListVariables(turn=TurnId(1)), ProposeCell(turn=TurnId(1), code="df.plot()", language="python")]
    results = [message["content"] for message in server.requests[2].body["messages"] if message["role"] == "tool"]
    assert results[0] == "df: DataFrame = 10 rows"
    assert results[1].startswith("Proposed as cell 1")
    assert ended.text == "A plot:\n\nRun it."


async def test_calls_answers_thoughts_and_counts_are_told_as_they_happen() -> None:
    script: list[Reply] = [
        Speak(thought="what is there", calls=[Call(name="list_variables", arguments="{}", id="a")]),
        Speak(text="That is all."),
    ]
    _, stage, _ = await answer(script)
    told = [message for message in stage.kernel.seen if isinstance(message, (Thought, ToolCalled, ToolAnswered, Used, ListVariables))]
    first = TurnId(1)
    used = Used(turn=first, model="scripted-1", tokens_in=9, tokens_cached=4, tokens_out=3)
    assert told == [
        Thought(turn=first, text="what is there "),
        used,
        ToolCalled(turn=first, call_id="a", tool="list_variables", arguments="{}"),
        ListVariables(turn=first),
        ToolAnswered(turn=first, call_id="a", status="ok", summary="df: DataFrame = 10 rows", line="Looked at the variables: 1"),
        used,
    ]


async def test_the_result_of_a_call_names_the_whole_of_an_output_that_was_cut_in_it() -> None:
    def cell(number: int, handle: str = "") -> SeenCell:
        return SeenCell(execution_count=number, code="print(text)", output="0123", status="ok", handle=handle)

    def reply(message: object) -> object:
        match message:
            case ReadCells(last=None):
                return CellsRead(cells=[cell(1, "output-1"), cell(2, "output-2"), cell(3)])
            case ReadCells():
                return CellsRead(cells=[cell(1)])
            case ReadOutput(handle=handle, offset=offset):
                return OutputRead(text="0123456789"[offset:], offset=offset, size=10, handle=handle)
            case RunCode():
                return CodeRan(status="ok", output="0 ... 9", execution_count=4, handle="output-4")
            case _:
                return None

    calls = [
        Call(name="read_cells", arguments="{}", id="cut"),
        Call(name="read_cells", arguments='{"to": 1}', id="whole"),
        Call(name="read_output", arguments='{"handle": "output-1", "offset": 4}', id="part"),
        Call(name="read_output", arguments='{"handle": "output-1"}', id="all"),
        Call(name="run_code", arguments='{"code": "print(text)"}', id="ran"),
    ]
    async with on([Speak(calls=calls), Speak(text="So.")], kernel=Probe(reply)) as (stage, _):
        stage.agent.tell(question())
        await stage.ended()
    told = {message.call_id: message.handle for message in stage.kernel.seen if isinstance(message, ToolAnswered)}
    assert told == {"cut": "output-2", "whole": "", "part": "output-1", "all": "", "ran": "output-4"}


async def test_a_call_that_cannot_be_made_is_told_with_the_reason() -> None:
    _, stage, _ = await answer([Speak(calls=[Call(name="fly", arguments="[]", id="a")]), Speak(text="No.")])
    (called,) = [message for message in stage.kernel.seen if isinstance(message, ToolCalled)]
    (answered,) = [message for message in stage.kernel.seen if isinstance(message, ToolAnswered)]
    assert (called.tool, called.arguments) == ("fly", "[]")
    assert (answered.call_id, answered.status) == ("a", "error")
    assert "There is no tool 'fly'" in answered.summary


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
        while "(2 of 3)" not in (await stage.kernel.expect(Waiting)).words:
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


async def test_a_stop_that_overtakes_its_question_ends_it_without_a_call_to_the_model() -> None:
    async with on([Speak(text="second")]) as (stage, server):
        stage.agent.tell(Stop(turn=TurnId(1)))
        stage.agent.tell(question(1))
        assert await stage.ended() == Ended(turn=TurnId(1), status="stopped", text="")
        stage.agent.tell(question(2))
        assert (await stage.ended()).text == "second"
        assert len(server.requests) == 1


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
        for number in range(1, WAITING_LIMIT + 3):
            stage.agent.tell(question(number))
        ended = await stage.ended()
    assert (ended.turn, ended.status) == (WAITING_LIMIT + 2, "error")
    assert f"{WAITING_LIMIT} questions are waiting" in ended.reason


async def test_a_conversation_that_is_too_long_is_shortened_and_answered() -> None:
    history = [Exchange(question="before?", answer="so")]
    async with on([failure(400, "maximum context length is 4096 tokens"), Speak(text="x")]) as (stage, server):
        stage.agent.tell(msgspec.structs.replace(question(), history=history))
        ended = await stage.ended()
    assert (ended.status, ended.text.startswith("*Earlier questions and cells were left out")) == ("ok", True)
    assert ["before?" in str(request.body["messages"]) for request in server.requests] == [True, False]


NO_STREAM_OPTIONS = failure(400, "Unrecognized request argument supplied: stream_options")
NO_TOOLS = failure(400, "scripted-1 does not support tools")


async def test_what_a_model_does_not_take_is_told_and_the_next_agent_does_not_try_it() -> None:
    async with on([NO_STREAM_OPTIONS, NO_TOOLS, Speak(text="x")]) as (stage, server):
        stage.agent.tell(question())
        await stage.ended()
        learned = [message.quirks for message in stage.kernel.seen if isinstance(message, Learned)]
        assert [(each.model, each.endpoint, each.counts_tokens, each.tools) for each in learned] == [
            ("scripted-1", server.base_url, False, True),
            ("scripted-1", server.base_url, False, False),
        ]
        assert len(server.requests) == 3
    for known, calls in ((learned[-1], 1), (msgspec.structs.replace(learned[-1], endpoint="elsewhere"), 3)):
        async with on([NO_STREAM_OPTIONS, NO_TOOLS, Speak(text="x")] if calls == 3 else [Speak(text="x")]) as (stage, server):
            at = server.base_url if known.endpoint != "elsewhere" else known.endpoint
            stage.agent.tell(msgspec.structs.replace(question(), quirks=[msgspec.structs.replace(known, endpoint=at)]))
            ended = await stage.ended()
            assert len(server.requests) == calls
            assert ("cannot call tools" in ended.text) is (calls == 3), "the user is told once"
