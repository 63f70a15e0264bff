"""How looks at variables read for the model."""

import msgspec
import pytest

from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, BadCall
from beaker.agent.tools.variables import ListVariablesTool, ShowVariableArguments, ShowVariableTool
from beaker.messages.look import VariableShown
from beaker.messages.turn import Variable, Variables

describe = ListVariablesTool().describe


def test_variables_are_listed_one_by_one_with_the_note_first() -> None:
    seen = Variables(
        variables=[Variable(name="n", type="int", summary="3"), Variable(name="f", type="function", summary="")], note="as of 12:00:00"
    )
    assert describe(seen) == "(as of 12:00:00)\nn: int = 3\nf: function"


def test_many_variables_are_cut_within_the_limit_and_counted() -> None:
    seen = Variables(variables=[Variable(name=f"name_{index}", type="str", summary="x" * 200) for index in range(200)])
    text = describe(seen)
    assert len(text) <= RESULT_LIMIT_CHARS
    shown = text.count("\nname_") + 1
    assert text.endswith(f"... and {200 - shown} more variables")


def test_an_empty_session_is_a_sentence() -> None:
    assert describe(Variables(variables=[])) == "The session holds no variables yet."


def test_one_variable_is_shown_with_its_note_within_the_limit() -> None:
    show = ShowVariableTool().describe
    assert show(VariableShown(name="x", text="int\n3", note="as of 12:00:00")) == "(as of 12:00:00)\nx: int\n3"
    assert len(show(VariableShown(name="x", text="y" * 100_000, note="old"))) <= RESULT_LIMIT_CHARS


@pytest.mark.parametrize("name", ["df.head()", "x; y", "", "1x", "a b", "__import__('os')"])
def test_only_a_name_is_shown(name: str) -> None:
    bad = BUILT_IN.decode("show_variable", msgspec.json.encode({"name": name}).decode())
    assert isinstance(bad, BadCall)
    assert BUILT_IN.decode("show_variable", '{"name": "my.df"}') == ShowVariableArguments(name="my.df")
