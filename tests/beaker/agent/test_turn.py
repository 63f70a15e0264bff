"""The turn machine, by tables: one thing that happens, and what is to be done then."""

import time
from collections.abc import Sequence

import msgspec
import pytest

from beaker.agent.budget import Budget
from beaker.agent.conversation import Assistant, FunctionCall, System, ToolCall, ToolResult, User
from beaker.agent.model_failure import Kind, ModelFailure
from beaker.agent.tools.proposals import ProposeCellArguments
from beaker.agent.tools.toolbox import Toolbox
from beaker.agent.tools.variables import ListVariablesArguments, ListVariablesTool
from beaker.agent.turn import CUT, LEFT_CHARS, LEFT_OUT, begin, step
from beaker.agent.turn_state import (
    Action,
    CallEnded,
    CallFailed,
    CallModel,
    Finish,
    Input,
    Pause,
    PauseOver,
    Quirks,
    Refuse,
    Say,
    StopWanted,
    Surroundings,
    TimeUp,
    ToolsAnswered,
    ToolUse,
    TurnLimits,
    TurnState,
    UseTools,
)
from beaker.agent.usage import Usage
from beaker.messages.base import TurnId
from beaker.messages.look import SeenCell, VariableShown
from beaker.messages.turn import EarlierCall, Exchange, Proposed, Question, TurnFailure, Variable, Variables
from beaker.settings.schema import AgentSettings

QUESTION = Question(turn=TurnId(1), prompt="plot df", language="python", history=[], cells=[])
LIMITS = TurnLimits(backoff_s=1.0)


def opened(*, limits: TurnLimits = LIMITS, quirks: Quirks | None = None) -> TurnState:
    state, _ = begin(QUESTION, limits=limits, quirks=quirks or Quirks())
    return state


def after(state: TurnState, *inputs: Input) -> tuple[TurnState, Sequence[Action]]:
    actions: Sequence[Action] = ()
    for happened in inputs:
        state, actions = step(state, happened)
    return state, actions


def call(name: str, arguments: str = "{}", call_id: str = "c1") -> ToolCall:
    return ToolCall(id=call_id, type="function", function=FunctionCall(name=name, arguments=arguments))


def said(text: str, finish_reason: str | None = "stop") -> CallEnded:
    return CallEnded(text=text, calls=(), finish_reason=finish_reason)


def called(*calls: ToolCall, text: str = "") -> CallEnded:
    return CallEnded(text=text, calls=calls, finish_reason="tool_calls")


def failed(kind: Kind = "server", *, retryable: bool = True, retry_after_s: float | None = None, text: str = "") -> CallFailed:
    failure = ModelFailure(kind=kind, reason="It failed.", retryable=retryable, retry_after_s=retry_after_s)
    return CallFailed(failure=failure, text=text, at=0.0)


def counted(ended: CallEnded, tokens: int, *, cost_usd: float | None = None) -> CallEnded:
    usage = Usage(tokens_in=tokens - 1, tokens_cached=0, tokens_out=1, cost_usd=cost_usd)
    return msgspec.structs.replace(ended, usage=usage)


LOOK = called(call("list_variables"))
LOOKED = ToolsAnswered(replies=(("c1", Variables(variables=[Variable(name="df", type="DataFrame", summary="")])),))
BAD = called(call("propose_cell", '{"code": '))


def test_a_turn_opens_with_one_model_call() -> None:
    state, actions = begin(QUESTION, limits=LIMITS, quirks=Quirks())
    assert actions == (CallModel(messages=state.conversation, offer="tools", reasoning_off=False),)
    assert [type(message) for message in state.conversation] == [System, User]


def test_earlier_exchanges_stand_before_the_question() -> None:
    question = msgspec.structs.replace(QUESTION, history=[Exchange(question="a", answer="b")])
    state, _ = begin(question, limits=LIMITS, quirks=Quirks())
    assert state.conversation[1:] == (User(content="a"), Assistant(content="b"), User(content="plot df"))


def test_text_without_calls_ends_the_turn() -> None:
    state, actions = after(opened(), said("Done."))
    assert actions == (Finish(status="ok"),)
    assert state.ended


def test_calls_become_uses_in_the_models_order() -> None:
    _, actions = after(opened(), called(call("list_variables", call_id="a"), call("propose_cell", '{"code": "1"}', "b")))
    assert actions == (
        UseTools(
            uses=(
                ToolUse(call_id="a", name="list_variables", arguments=ListVariablesArguments()),
                ToolUse(call_id="b", name="propose_cell", arguments=ProposeCellArguments(code="1")),
            )
        ),
    )


def test_results_go_back_to_the_model_in_the_order_of_the_calls() -> None:
    calls = called(call("list_variables", call_id="a"), call("propose_cell", '{"code": "1"}', "b"), text="let me see")
    replies = ToolsAnswered(replies=(("b", Proposed(number=1)), ("a", TurnFailure(reason="no session"))))
    state, actions = after(opened(), calls, replies)
    assert isinstance(actions[0], CallModel)
    spoken, first, second = state.conversation[-3:]
    assert isinstance(spoken, Assistant)
    assert (spoken.content, len(spoken.tool_calls or [])) == ("let me see", 2)
    assert first == ToolResult(tool_call_id="a", content="That did not work: no session")
    assert isinstance(second, ToolResult)
    assert second.content.startswith("Proposed as cell 1")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("propose_cell", '{"code": ', "could not be read"),
        ("propose_cell", "{}", "missing required field `code`"),
        ("propose_cell", '{"code": " "}', "is empty"),
        ("run_everything", "{}", "There is no tool 'run_everything'"),
        ("list_variables", "[]", "could not be read"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_to_the_model(name: str, arguments: str, words: str) -> None:
    state, actions = after(opened(), called(call(name, arguments)))
    result = state.conversation[-1]
    assert isinstance(result, ToolResult)
    assert words in result.content
    refused, asked = actions
    assert refused == Refuse(call_id=result.tool_call_id, text=result.content, name=name)
    assert isinstance(asked, CallModel)


@pytest.mark.parametrize("bad", [BAD, called(call("propose_cell", "[" * 100_000))], ids=["no JSON", "nested too deep"])
def test_arguments_that_are_no_json_are_not_sent_back(bad: CallEnded) -> None:
    state, _ = after(opened(), bad)
    spoken = state.conversation[-2]
    assert isinstance(spoken, Assistant)
    assert spoken.tool_calls != msgspec.UNSET
    assert [each.function.arguments for each in spoken.tool_calls or []] == ["{}"]


def test_a_good_call_beside_a_bad_one_is_made_and_both_are_answered() -> None:
    state, actions = after(opened(), called(call("list_variables", call_id="a"), call("nothing", call_id="b")))
    refused, uses = actions
    assert isinstance(refused, Refuse)
    assert refused.call_id == "b"
    assert uses == UseTools(uses=(ToolUse(call_id="a", name="list_variables", arguments=ListVariablesArguments()),))
    state, _ = after(state, ToolsAnswered(replies=(("a", Variables(variables=[])),)))
    results = state.conversation[-2:]
    assert [message.tool_call_id for message in results if isinstance(message, ToolResult)] == ["a", "b"]


def test_the_turn_ends_when_a_model_repeats_bad_calls_for_ever() -> None:
    state, calls = opened(), 1
    for _ in range(100):
        state, actions = step(state, BAD)
        if isinstance(actions[-1], Finish):
            break
        calls += 1
    assert calls == 1 + LIMITS.repairs
    assert isinstance(actions[-1], Finish)
    assert actions[-1].status == "error"
    assert "4 times in a row (agent.repair_limit)" in actions[-1].reason


def test_a_proper_call_in_between_forgives_the_bad_ones() -> None:
    state, actions = after(opened(), BAD, BAD, BAD, LOOK, LOOKED, BAD, BAD, BAD)
    assert isinstance(actions[-1], CallModel)
    assert not state.ended


def test_an_endless_tool_loop_ends_at_the_step_limit_with_a_last_word() -> None:
    state, actions = begin(QUESTION, limits=LIMITS, quirks=Quirks())
    offers: list[str] = []
    while not state.ended:
        happened: Input = LOOKED if isinstance(actions[-1], UseTools) else LOOK
        if isinstance(actions[-1], CallModel):
            offers.append(actions[-1].offer)
        state, actions = step(state, happened)
    assert offers == ["tools"] * 24 + ["tools_unused"]
    assert isinstance(actions[-1], Finish)
    assert actions[-1].status == "error"
    assert "25 steps (agent.step_limit)" in actions[-1].reason


def test_the_word_that_a_step_is_the_last_comes_with_what_tools_told_since_some_endpoints_take_no_user_behind_that() -> None:
    state, _ = after(opened(limits=TurnLimits(steps=2)), LOOK, LOOKED)
    last = state.conversation[-1]
    assert isinstance(last, ToolResult)
    assert last.content.endswith("say in a few sentences what you found and what is still open.")
    assert isinstance(state.conversation[-2], Assistant)


def test_an_answer_in_the_only_step_is_an_answer() -> None:
    _, actions = after(opened(limits=TurnLimits(steps=1)), said("Done."))
    assert actions == (Finish(status="ok"),)


def test_a_model_that_wants_tools_in_the_only_step_has_reached_the_limit() -> None:
    _, actions = after(opened(limits=TurnLimits(steps=1)), LOOK)
    assert isinstance(actions[-1], Finish)
    assert (actions[-1].status, "1 steps (agent.step_limit)" in actions[-1].reason) == ("error", True)


def test_an_answer_in_the_last_of_several_steps_is_an_answer_that_says_so() -> None:
    _, actions = after(opened(limits=TurnLimits(steps=2)), LOOK, LOOKED, said("It has 3 rows."))
    assert actions == (
        Say(text="\n\n*This answer took all of its 2 steps (agent.step_limit): ask again if something is still open.*"),
        Finish(status="ok"),
    )


def test_a_retryable_failure_is_tried_three_times_with_growing_waits() -> None:
    state, first = after(opened(), failed())
    state, again = after(state, PauseOver())
    state, second = after(state, failed())
    state, end = after(state, PauseOver(), failed())
    assert isinstance(first[0], Pause)
    assert (first[0].seconds, first[0].words) == (1.0, "waiting 1 s (2 of 3): It failed.")
    assert isinstance(again[0], CallModel)
    assert isinstance(second[0], Pause)
    assert second[0].seconds == 2.0
    assert end == (Finish(status="error", reason="It failed. Tried 3 times."),)


def test_an_endpoint_that_cannot_be_reached_is_given_up_within_20_s() -> None:
    limits, connect_s = TurnLimits(), AgentSettings().connect_timeout_s
    waits = sum(limits.backoff_s * 2**attempt for attempt in range(limits.calls - 1))
    assert limits.calls * connect_s + waits <= 20


def test_retry_after_is_obeyed() -> None:
    _, actions = after(opened(), failed("rate", retry_after_s=7))
    assert isinstance(actions[0], Pause)
    assert actions[0].seconds == 7


def test_a_longer_retry_after_is_an_error_with_the_time() -> None:
    _, actions = after(opened(), failed("rate", retry_after_s=3600))
    until = time.strftime("%H:%M:%S", time.localtime(3600))
    assert isinstance(actions[0], Finish)
    assert actions[0].reason.endswith(f"ask again after {until}.")


def test_attempts_begin_anew_with_each_step() -> None:
    _, actions = after(opened(), failed(), PauseOver(), failed(), PauseOver(), LOOK, LOOKED, failed())
    assert isinstance(actions[0], Pause)
    assert actions[0].words.startswith("waiting 1 s (2 of 3)")


@pytest.mark.parametrize(
    "happened",
    [failed(retryable=False), failed("key", retryable=False), failed(text="half an ")],
    ids=["not retryable", "key", "text was said"],
)
def test_what_cannot_be_mended_ends_the_turn(happened: CallFailed) -> None:
    _, actions = after(opened(), happened)
    assert actions == (Finish(status="error", reason="It failed.", mark=CUT if happened.text else ""),)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (said("half", None), "without a finish reason"),
        (said("half", "length"), "limit of output"),
        (said("half", "content_filter"), "content filter"),
    ],
)
def test_half_an_answer_is_a_failure_and_marked(ended: CallEnded, words: str) -> None:
    _, actions = after(opened(), ended)
    assert isinstance(actions[-1], Finish)
    assert (actions[-1].status, actions[-1].mark) == ("error", CUT)
    assert words in actions[-1].reason


def test_a_stream_that_stops_before_it_said_anything_is_tried_again() -> None:
    _, actions = after(opened(), said("", None))
    assert isinstance(actions[0], Pause)


def test_an_answer_without_a_word_is_an_error() -> None:
    _, actions = after(opened(), said(""))
    assert isinstance(actions[-1], Finish)
    assert actions[-1].status == "error"
    assert "without a word" in actions[-1].reason


def test_silence_after_a_proposal_is_an_answer() -> None:
    proposed = ToolsAnswered(replies=(("c1", Proposed(number=1)),))
    _, actions = after(opened(), called(call("propose_cell", '{"code": "1"}')), proposed, said(""))
    assert actions == (Finish(status="ok"),)


def test_a_model_without_tools_is_told_of_once_and_goes_on_without() -> None:
    state, actions = after(opened(), failed("tools", retryable=False))
    assert isinstance(actions[0], Say)
    assert "It failed." in actions[0].text
    assert isinstance(actions[1], CallModel)
    assert actions[1].offer == "no_tools"
    assert "You have no tools" in str(actions[1].messages[0])
    assert state.quirks == Quirks(tools=False)
    _, later = begin(QUESTION, limits=LIMITS, quirks=state.quirks)
    assert isinstance(later[0], CallModel)
    assert (len(later), later[0].offer) == (1, "no_tools")


def test_a_model_that_takes_tools_only_without_reasoning_gets_them_so() -> None:
    state, actions = after(opened(), failed("effort", retryable=False))
    assert actions == (CallModel(messages=state.conversation, offer="tools", reasoning_off=True),)
    _, again = after(state, failed("effort", retryable=False))
    assert again == (Finish(status="error", reason="It failed."),)


def test_an_endpoint_that_will_not_count_is_asked_again_without_and_only_once() -> None:
    state, actions = after(opened(), failed("count", retryable=False))
    assert actions == (CallModel(messages=state.conversation, offer="tools", reasoning_off=False, counts_tokens=False),)
    _, again = after(state, failed("count", retryable=False))
    assert again == (Finish(status="error", reason="It failed."),)


def test_a_model_that_takes_only_turns_gets_the_instructions_in_the_first_one() -> None:
    cells = [SeenCell(execution_count=1, code="x", output="", status="ok")]
    question = msgspec.structs.replace(QUESTION, history=[Exchange(question="a", answer="b")], cells=cells)
    state, _ = begin(question, limits=LIMITS, quirks=Quirks())
    state, actions = step(state, failed("roles", retryable=False))
    assert isinstance(actions[0], CallModel)
    assert [type(message) for message in actions[0].messages] == [User, Assistant, User]
    assert actions[0].messages[0].content.startswith("You are Beaker")
    assert actions[0].messages[0].content.endswith("\n\na")
    assert actions[0].messages[2].content.endswith("\n\nplot df")
    _, again = step(state, failed("roles", retryable=False))
    assert again == (Finish(status="error", reason="It failed."),)


def test_what_is_too_long_for_a_model_loses_first_what_is_oldest_and_the_user_is_told() -> None:
    calls = [EarlierCall(step=1, tool="list_variables", arguments="{}", result="df")]
    cells = [SeenCell(execution_count=number, code=f"cell_{number}", output="", status="ok") for number in range(1, 6)]
    question = msgspec.structs.replace(QUESTION, history=[Exchange(question="a", answer="b", calls=calls)], cells=cells)
    state, _ = begin(question, limits=LIMITS, quirks=Quirks())
    too_long = failed("long", retryable=False)

    state, actions = step(state, too_long)
    assert isinstance(actions[0], CallModel)
    assert [type(message) for message in actions[0].messages] == [System, User, Assistant, User, User], "without the calls"

    state, actions = step(state, too_long)
    assert actions[0] == Say(text=LEFT_OUT)
    assert isinstance(actions[1], CallModel)
    assert [type(message) for message in actions[1].messages] == [System, User, User]
    assert "cell_5" in actions[1].messages[1].content
    assert "cell_2" not in actions[1].messages[1].content

    look = called(call("show_variable", '{"name": "df"}'))
    shown = ToolsAnswered(replies=(("c1", VariableShown(name="df", text="x" * 20_000)),))
    state, actions = after(state, look, shown, too_long)
    assert isinstance(actions[-1], CallModel)
    assert len(actions[-1].messages[-1].content) <= LEFT_CHARS

    _, actions = step(state, too_long)
    assert actions[-1] == Finish(status="error", reason="It failed.", mark="")


def test_a_question_that_is_too_long_by_itself_is_an_error_at_once() -> None:
    _, actions = after(opened(), failed("long", retryable=False))
    assert actions == (Finish(status="error", reason="It failed."),)


def test_stop_ends_the_turn_and_what_comes_later_changes_nothing() -> None:
    state, actions = after(opened(), LOOK, StopWanted())
    assert actions == (Finish(status="stopped"),)
    for late in (LOOKED, said("x"), PauseOver(), StopWanted(), TimeUp(limit_s=1)):
        assert step(state, late) == (state, ())


def test_a_turn_that_takes_too_long_ends_with_the_limit_named() -> None:
    _, actions = after(opened(), TimeUp(limit_s=600))
    assert isinstance(actions[-1], Finish)
    assert "600 s (agent.turn_time_limit_s)" in actions[-1].reason


def test_a_context_gives_a_turn_its_persona_and_its_tools() -> None:
    surroundings = Surroundings(persona="Speak of lakes.", toolbox=Toolbox([ListVariablesTool()]))
    state, actions = begin(QUESTION, limits=LIMITS, quirks=Quirks(), surroundings=surroundings)
    first = actions[-1]
    assert isinstance(first, CallModel)
    assert first.toolbox is surroundings.toolbox
    assert isinstance(first.messages[0], System)
    assert first.messages[0].content.endswith("\n\nSpeak of lakes.")
    state, actions = step(state, called(call("propose_cell", '{"code": "1"}')))
    assert "There is no tool 'propose_cell'. The tools are: list_variables." in str(actions)


def test_what_the_question_refers_to_and_is_not_there_is_said_first() -> None:
    question = msgspec.structs.replace(QUESTION, missing=["`@x` names no variable of the session", "there is no file `a.csv`"])
    _, actions = begin(question, limits=LIMITS, quirks=Quirks())
    assert actions[0] == Say(text="*`@x` names no variable of the session.*\n\n*There is no file `a.csv`.*\n\n")
    assert isinstance(actions[1], CallModel)


def test_no_call_is_begun_beyond_the_tokens_of_a_turn() -> None:
    limits = TurnLimits(budget=Budget(turn_tokens=1_000))
    state, actions = after(opened(limits=limits), counted(LOOK, 999), LOOKED)
    assert isinstance(actions[-1], CallModel)
    state, actions = after(state, counted(LOOK, 2), LOOKED)
    (finish,) = actions
    assert isinstance(finish, Finish)
    assert finish.status == "error"
    assert "1001 tokens" in finish.reason
    assert "agent.turn_token_limit" in finish.reason


def test_an_answer_that_comes_out_above_the_budget_is_still_whole() -> None:
    _, actions = after(opened(limits=TurnLimits(budget=Budget(turn_tokens=1_000))), counted(said("It is 42."), 5_000))
    assert actions == (Finish(status="ok"),)


@pytest.mark.parametrize(
    ("before", "budget", "setting"),
    [
        ({"spent_tokens": 10_000}, Budget(session_tokens=10_000), "agent.session_token_limit"),
        ({"spent_usd": 20.0}, Budget(), "agent.session_cost_limit_usd"),
    ],
)
def test_a_question_of_a_session_that_has_used_its_budget_makes_no_call(before: dict[str, float], budget: Budget, setting: str) -> None:
    question = msgspec.structs.replace(QUESTION, **before)
    _, actions = begin(question, limits=TurnLimits(budget=budget), quirks=Quirks())
    (finish,) = actions
    assert isinstance(finish, Finish)
    assert setting in finish.reason
