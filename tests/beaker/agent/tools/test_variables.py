"""How looks at variables read for the model."""

from beaker.agent.tools.tool import RESULT_LIMIT_CHARS
from beaker.agent.tools.variables import ListVariablesTool
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
