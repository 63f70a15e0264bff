"""What the model is told of its tools, and how its calls are read."""

import json

import pytest

from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.proposals import EditCellArguments, EditCellTool, ProposeCellArguments
from beaker.agent.tools.tool import Asking, BadCall
from beaker.agent.tools.variables import ListVariablesArguments
from beaker.messages.base import TurnId
from beaker.messages.turn import ProposeCell, Proposed, TurnFailure


def test_the_schemas_are_the_public_ones() -> None:
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in BUILT_IN.definitions()}
    assert set(parameters["list_variables"]["properties"]) == set()
    assert set(parameters["propose_cell"]["properties"]) == {"code", "language", "after"}
    assert parameters["propose_cell"]["required"] == ["code"]
    assert parameters["edit_cell"]["required"] == ["cell_id", "code"]
    assert all(tool["function"]["description"] for tool in BUILT_IN.definitions())


def test_an_edit_is_a_proposal_for_the_place_of_a_cell() -> None:
    read = BUILT_IN.decode("edit_cell", '{"cell_id": "3", "code": "x = 1"}')
    assert isinstance(read, EditCellArguments)
    tool = BUILT_IN.tool("edit_cell")
    assert isinstance(tool, EditCellTool)
    asked = tool.request(read, Asking(turn=TurnId(1), language="R"))
    assert asked == ProposeCell(turn=TurnId(1), code="x = 1", language="R", replaces="3")
    for arguments in ('{"cell_id": " ", "code": "x"}', '{"cell_id": "3", "code": " "}'):
        assert isinstance(BUILT_IN.decode("edit_cell", arguments), BadCall)


@pytest.mark.parametrize("arguments", ["{}", "", "null", " "])
def test_a_call_without_arguments_may_be_written_in_several_ways(arguments: str) -> None:
    assert BUILT_IN.decode("list_variables", arguments) == ListVariablesArguments()


def test_unknown_arguments_are_passed_over() -> None:
    assert BUILT_IN.decode("propose_cell", '{"code": "1", "title": "x"}') == ProposeCellArguments(code="1")


def test_arguments_that_are_nested_too_deep_are_sent_back() -> None:
    bad = BUILT_IN.decode("propose_cell", '{"code": ' + "[" * 100_000)
    assert isinstance(bad, BadCall)
    assert "could not be read" in bad.text


def test_unknown_arguments_that_are_nested_too_deep_are_sent_back_or_passed_over() -> None:
    made = BUILT_IN.decode("propose_cell", '{"code": "1", "x": ' + "[" * 100_000 + "]" * 100_000 + "}")
    # From Python 3.14 on an interpreter goes as deep as its stack reaches, and comes to the end of this.
    assert made == ProposeCellArguments(code="1") or (isinstance(made, BadCall) and "could not be read" in made.text)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("read_cells", {"from": 2**70}), ("read_cells", {"to": -1}), ("read_output", {"handle": "output-1", "offset": 2**70})],
)
def test_numbers_that_no_message_can_carry_are_sent_back(name: str, arguments: dict[str, object]) -> None:
    assert isinstance(BUILT_IN.decode(name, json.dumps(arguments)), BadCall)


def test_a_cell_that_is_too_long_is_refused_with_its_size() -> None:
    bad = BUILT_IN.decode("propose_cell", '{"code": "' + "x" * 100_001 + '"}')
    assert isinstance(bad, BadCall)
    assert "100001 characters" in bad.text


def test_a_failure_reads_the_same_for_every_tool() -> None:
    assert BUILT_IN.describe("list_variables", TurnFailure(reason="gone")) == "That did not work: gone"


def test_a_proposal_in_another_language_is_told_to_be_text_only() -> None:
    told = BUILT_IN.describe("propose_cell", Proposed(number=2, text_only=True))
    assert told == "Shown as text with the number 2: it is not in the session's language, so no cell is made of it."
