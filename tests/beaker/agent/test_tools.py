"""What the model is told of its tools, and what it gets back."""

import pytest

from beaker.agent.tools import (
    RESULT_LIMIT_CHARS,
    BadCall,
    ListVariablesArguments,
    ProposeCellArguments,
    cut,
    decode_call,
    describe_reply,
    tool_definitions,
)
from beaker.messages.turn import Variable, Variables


def test_the_schemas_are_the_public_ones() -> None:
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tool_definitions()}
    assert set(parameters["list_variables"]["properties"]) == set()
    assert set(parameters["propose_cell"]["properties"]) == {"code", "language", "after"}
    assert parameters["propose_cell"]["required"] == ["code"]
    assert all(tool["function"]["description"] for tool in tool_definitions())


@pytest.mark.parametrize("arguments", ["{}", "", "null", " "])
def test_a_call_without_arguments_may_be_written_in_several_ways(arguments: str) -> None:
    assert decode_call("list_variables", arguments) == ListVariablesArguments()


def test_unknown_arguments_are_passed_over() -> None:
    assert decode_call("propose_cell", '{"code": "1", "title": "x"}') == ProposeCellArguments(code="1")


def test_a_cell_that_is_too_long_is_refused_with_its_size() -> None:
    bad = decode_call("propose_cell", '{"code": "' + "x" * 100_001 + '"}')
    assert isinstance(bad, BadCall)
    assert "100001 characters" in bad.text


def test_variables_are_listed_one_by_one_with_the_note_first() -> None:
    seen = Variables(
        variables=[Variable(name="n", type="int", summary="3"), Variable(name="f", type="function", summary="")], note="as of 12:00:00"
    )
    assert describe_reply(seen) == "(as of 12:00:00)\nn: int = 3\nf: function"


def test_many_variables_are_cut_within_the_limit_and_counted() -> None:
    seen = Variables(variables=[Variable(name=f"name_{index}", type="str", summary="x" * 200) for index in range(200)])
    text = describe_reply(seen)
    assert len(text) <= RESULT_LIMIT_CHARS
    shown = text.count("\nname_") + 1
    assert text.endswith(f"... and {200 - shown} more variables")


def test_an_empty_session_is_a_sentence() -> None:
    assert describe_reply(Variables(variables=[])) == "The session holds no variables yet."


@pytest.mark.parametrize("size", [0, 10, 59, 60, 61, 1000])
def test_a_cut_text_is_never_longer_than_the_limit(size: int) -> None:
    assert len(cut("x" * size, 60)) <= 60
