"""What the events of a turn become for interfaces that know us."""

import pytest

from beaker.kernel.custom.news import (
    LlmDelta,
    LlmThought,
    LlmToolCall,
    LlmToolResult,
    LlmUsage,
    LlmWaiting,
    News,
    Tokens,
    TurnNews,
)
from beaker.messages.base import TurnId
from beaker.messages.turn import Began, Delta, Ended, Thought, ToolAnswered, ToolCalled, TurnEvent, Used, Waiting

FIRST = TurnId(1)


def told(*events: TurnEvent) -> list[tuple[str, News]]:
    news = TurnNews(1)
    return [message for event in events for message in news.tell(event)]


def used(tokens_in: int, cost_usd: float | None = None) -> Used:
    return Used(turn=FIRST, model="m", tokens_in=tokens_in, tokens_cached=2, tokens_out=1, cost_usd=cost_usd)


def test_text_and_words_pass_as_they_are() -> None:
    assert told(Began(turn=FIRST, model="m"), Waiting(turn=FIRST, words="for it"), Delta(turn=FIRST, text="so")) == [
        ("llm_waiting", LlmWaiting(turn=1, words="for it")),
        ("llm_delta", LlmDelta(turn=1, text="so")),
    ]


def test_a_thought_comes_with_the_tool_that_it_led_to() -> None:
    call = ToolCalled(turn=FIRST, call_id="a", tool="propose_cell", arguments='{"code": "1"}')
    assert told(Thought(turn=FIRST, text="a cell"), used(9), call)[1:] == [
        ("llm_thought", LlmThought(turn=1, thought="a cell", tool_name="propose_cell", tool_input={"code": "1"})),
        ("llm_tool_call", LlmToolCall(turn=1, call_id="a", tool_name="propose_cell", tool_input={"code": "1"})),
    ]


def test_a_tool_without_a_thought_is_told_as_upstream_tells_it() -> None:
    call = ToolCalled(turn=FIRST, call_id="a", tool="list_variables", arguments="")
    assert told(call)[0] == ("llm_thought", LlmThought(turn=1, thought="", tool_name="list_variables", tool_input={}))


@pytest.mark.parametrize("arguments", ['{"code": ', "[1]", "\ud800", "[" * 100_000])
def test_arguments_that_are_no_object_are_told_as_text(arguments: str) -> None:
    (_, thought), _ = told(ToolCalled(turn=FIRST, call_id="a", tool="t", arguments=arguments))
    assert isinstance(thought, LlmThought)
    assert thought.tool_input == arguments


@pytest.mark.parametrize(
    "event",
    [
        Delta(turn=FIRST, text="so"),
        Waiting(turn=FIRST, words=""),
        Thought(turn=FIRST, text="more"),
        Ended(turn=FIRST, status="ok", text=""),
    ],
)
def test_a_thought_that_led_to_no_tool_is_told_before_what_follows(event: TurnEvent) -> None:
    first, *_ = told(Thought(turn=FIRST, text="hm"), event)
    assert first == ("llm_thought", LlmThought(turn=1, thought="hm", tool_name="", tool_input={}))


def test_a_result_names_a_handle_only_where_there_is_one() -> None:
    whole = ToolAnswered(turn=FIRST, call_id="a", status="ok", summary="x")
    cut = ToolAnswered(turn=FIRST, call_id="b", status="error", summary="y", handle="h1")
    assert told(whole, cut) == [
        ("llm_tool_result", LlmToolResult(turn=1, call_id="a", status="ok", summary="x")),
        ("llm_tool_result", LlmToolResult(turn=1, call_id="b", status="error", summary="y", handle="h1")),
    ]


def test_counts_are_summed_over_the_turn_and_the_window_is_that_of_the_last_call() -> None:
    _, (_, usage) = told(used(9), used(20))
    assert isinstance(usage, LlmUsage)
    assert usage.call == Tokens(tokens_in=20, tokens_cached=2, tokens_out=1)
    assert usage.total == Tokens(tokens_in=29, tokens_cached=4, tokens_out=2)
    assert usage.context_used == 21


@pytest.mark.parametrize(
    ("costs", "total"), [((0.5, 0.25), 0.75), ((0.0, 0.0), 0.0), ((0.5, None), None), ((None, 0.5), None), ((0.5, None, 0.5), None)]
)
def test_a_cost_is_summed_only_where_every_call_had_one(costs: tuple[float | None, ...], total: float | None) -> None:
    (_, usage) = told(*(used(9, cost) for cost in costs))[-1]
    assert isinstance(usage, LlmUsage)
    assert usage.total.cost_usd == total
