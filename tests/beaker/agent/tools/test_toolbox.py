"""What the model is told of its tools, and how its calls are read."""

import pytest

from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.proposals import ProposeCellArguments
from beaker.agent.tools.tool import BadCall
from beaker.agent.tools.variables import ListVariablesArguments
from beaker.messages.turn import TurnFailure


def test_the_schemas_are_the_public_ones() -> None:
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in BUILT_IN.definitions()}
    assert set(parameters["list_variables"]["properties"]) == set()
    assert set(parameters["propose_cell"]["properties"]) == {"code", "language", "after"}
    assert parameters["propose_cell"]["required"] == ["code"]
    assert all(tool["function"]["description"] for tool in BUILT_IN.definitions())


@pytest.mark.parametrize("arguments", ["{}", "", "null", " "])
def test_a_call_without_arguments_may_be_written_in_several_ways(arguments: str) -> None:
    assert BUILT_IN.decode("list_variables", arguments) == ListVariablesArguments()


def test_unknown_arguments_are_passed_over() -> None:
    assert BUILT_IN.decode("propose_cell", '{"code": "1", "title": "x"}') == ProposeCellArguments(code="1")


def test_a_cell_that_is_too_long_is_refused_with_its_size() -> None:
    bad = BUILT_IN.decode("propose_cell", '{"code": "' + "x" * 100_001 + '"}')
    assert isinstance(bad, BadCall)
    assert "100001 characters" in bad.text


def test_a_failure_reads_the_same_for_every_tool() -> None:
    assert BUILT_IN.describe("list_variables", TurnFailure(reason="gone")) == "That did not work: gone"
