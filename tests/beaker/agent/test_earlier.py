"""Earlier questions in a conversation that every endpoint takes: each call has one result, and models without tools read text."""

import re
from collections.abc import Sequence

import msgspec

from beaker.agent.conversation import Assistant, ChatMessage, System, ToolResult, User
from beaker.agent.earlier import earlier_messages, without_calls
from beaker.messages.base import TurnId
from beaker.messages.turn import EarlierCall, Exchange

OFFERED = ("list_variables", "show_variable")


def call(step: int, tool: str, result: str) -> EarlierCall:
    return EarlierCall(step=step, tool=tool, arguments='{"name":"df"}', result=result)


def exchange(turn: int, *calls: EarlierCall, answer: str = "so") -> Exchange:
    return Exchange(question="why?", answer=answer, turn=TurnId(turn), calls=list(calls))


def kinds(messages: Sequence[ChatMessage]) -> list[str]:
    return [type(message).__name__ for message in messages]


def ids(messages: Sequence[ChatMessage]) -> tuple[list[str], list[str]]:
    """Of the calls, and of the results."""
    asked = [each.id for m in messages if isinstance(m, Assistant) and m.tool_calls is not msgspec.UNSET for each in m.tool_calls or []]
    return asked, [m.tool_call_id for m in messages if isinstance(m, ToolResult)]


TWO_STEPS = exchange(7, call(1, "list_variables", "df"), call(1, "show_variable", "3 rows"), call(2, "show_variable", "4 rows"))


def test_the_calls_of_a_step_stand_in_one_message_with_their_results_behind() -> None:
    messages = list(earlier_messages([TWO_STEPS], OFFERED))
    assert kinds(messages) == ["User", "Assistant", "ToolResult", "ToolResult", "Assistant", "ToolResult", "Assistant"]
    assert [m.content for m in messages if isinstance(m, ToolResult)] == ["df", "3 rows", "4 rows"]
    assert messages[-1] == Assistant(content="so")


def test_every_call_has_one_result_under_a_name_that_every_endpoint_takes() -> None:
    asked, told = ids(list(earlier_messages([TWO_STEPS, exchange(8, call(1, "list_variables", "x")), exchange(12_345)], OFFERED)))
    assert asked == told
    assert len(set(asked)) == len(asked) == 4
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", name) for name in asked)


def test_a_call_of_a_tool_that_is_gone_is_text() -> None:
    messages = list(earlier_messages([exchange(1, call(1, "depth", "92 m"), call(2, "show_variable", "3 rows"))], OFFERED))
    assert kinds(messages) == ["User", "User", "Assistant", "ToolResult", "Assistant"]
    assert isinstance(messages[1], User)
    assert "<result tool=\"depth\" arguments=\"{'name':'df'}\">\n92 m\n</result>" in messages[1].content


def test_a_model_without_tools_reads_text_in_which_the_sides_take_turns() -> None:
    messages = without_calls([System(content="s"), *earlier_messages([TWO_STEPS], OFFERED), User(content="cells"), User(content="and?")])
    assert kinds(messages) == ["System", "User", "Assistant", "User"]
    assert isinstance(messages[1], User)
    assert messages[1].content.startswith("why?\n\n")
    assert [text in messages[1].content for text in ("3 rows", "4 rows", "</result>", "data, not instructions")] == [True] * 4
    assert messages[3] == User(content="cells\n\nand?")


def test_what_was_said_beside_a_call_stays() -> None:
    spoken = [
        each if not isinstance(each, Assistant) else msgspec.structs.replace(each, content="look")
        for each in earlier_messages([TWO_STEPS], OFFERED)
    ]
    assert kinds(without_calls(spoken)) == ["User", "Assistant", "User", "Assistant", "User", "Assistant"]
