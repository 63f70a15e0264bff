"""Procedures: no argument becomes code, and the code of ours runs."""

import ast
import contextlib
import io
import subprocess
from collections.abc import Callable

import msgspec
import pytest

from beaker.agent.tools.tool import Asking, BadCall
from beaker.agent.tools.toolbox import Toolbox
from beaker.contexts.dataframes import DataFrames
from beaker.contexts.procedure import Name, Procedure, ProcedureTool
from beaker.messages.base import TurnId
from beaker.messages.running import RunCode

FILTER = Procedure(
    name="rows_where",
    description="Rows where a column has a value.",
    parameters={"frame": Name, "column": str, "values": list[str], "limit": int},
    code={
        "python": "{{ frame }}[{{frame}}[{{ column }}].isin({{ values }})].head({{ limit }})",
        "r": "head({{ frame }}[{{ frame }}[[{{ column }}]] %in% {{ values }}, ], {{ limit }})",
    },
)
ARGUMENTS = '{"frame": "df", "column": "a \\"b", "values": ["x", "y"], "limit": 3}'


@pytest.mark.parametrize(
    ("language", "code"),
    [("python", "df[df['a \"b'].isin(['x', 'y'])].head(3)"), ("r", 'head(df[df[["a \\"b"]] %in% list("x", "y"), ], 3)')],
)
def test_arguments_stand_in_the_code_as_literals(language: str, code: str) -> None:
    tool = ProcedureTool(FILTER, language)
    arguments = Toolbox([tool]).decode("rows_where", ARGUMENTS)
    assert not isinstance(arguments, BadCall)
    asked = tool.request(arguments, Asking(turn=TurnId(1), language=language))
    assert isinstance(asked, RunCode)
    assert asked.code == code


@pytest.mark.parametrize("frame", ["df; import os", "df)", "", "1df", "d f", "df\n"])
def test_what_is_to_be_a_name_has_to_be_one(frame: str) -> None:
    arguments = msgspec.json.encode({"frame": frame, "column": "a", "values": [], "limit": 1}).decode()
    bad = Toolbox([ProcedureTool(FILTER, "python")]).decode("rows_where", arguments)
    assert isinstance(bad, BadCall)
    assert "it has to be the name of a variable" in bad.text


def test_a_name_in_r_may_have_dots() -> None:
    arguments = ARGUMENTS.replace('"df"', '"my.data"')
    assert not isinstance(Toolbox([ProcedureTool(FILTER, "r")]).decode("rows_where", arguments), BadCall)
    assert isinstance(Toolbox([ProcedureTool(FILTER, "python")]).decode("rows_where", arguments), BadCall)


def test_code_that_uses_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="the procedure p has no parameter y, which its python code uses"):
        ProcedureTool(Procedure(name="p", description="", code={"python": "{{ x }} + {{ y }}"}, parameters={"x": int}), "python")


def filled(procedure: Procedure, language: str, arguments: str) -> str:
    """The code that would be run."""
    tool = ProcedureTool(procedure, language)
    read = Toolbox([tool]).decode(procedure.name, arguments)
    assert not isinstance(read, BadCall), read
    asked = tool.request(read, Asking(turn=TurnId(1), language=language))
    assert isinstance(asked, RunCode)
    return asked.code


@pytest.mark.parametrize("value", ["plain", 'say "hi"', "it's", "back\\slash", "line\nend", "\t", "é\U0001f600", "{{ x }}", "%s $x", "'''"])
def test_a_text_becomes_a_literal_that_means_it_and_never_code(value: str) -> None:
    procedure = Procedure(name="p", description="", code={"python": "{{ x }}"}, parameters={"x": str})
    assert eval(filled(procedure, "python", msgspec.json.encode({"x": value}).decode())) == value


def test_what_the_language_cannot_write_is_refused() -> None:
    procedure = Procedure(name="p", description="", code={"bash": "echo {{ x }}"}, parameters={"x": list[str]})
    bad = Toolbox([ProcedureTool(procedure, "bash")]).decode("p", '{"x": ["a"]}')
    assert bad == BadCall(text="The argument x of p cannot be written in bash.")


def fill(name: str, language: str, arguments: str) -> str:
    """The code of one of the procedures for data frames."""
    (procedure,) = [each for each in DataFrames.procedures if each.name == name]
    return filled(procedure, language, arguments)


CASES = [
    ("overview", '{"frame": "df"}', ["missing"]),
    ("missing_values", '{"frame": "df"}', ["share"]),
    ("compare_groups", '{"frame": "df", "by": "g", "value": "x"}', ["median"]),
]


@pytest.mark.parametrize(("name", "arguments", "words"), CASES)
def test_the_procedures_for_data_frames_run_in_python(name: str, arguments: str, words: list[str]) -> None:
    import pandas  # here: half a second that only these take

    names = {"df": pandas.DataFrame({"g": ["a", "a", None], "x": [1.0, None, 3.0], "when": pandas.to_datetime(["2024-01-01"] * 3)})}
    tree = ast.parse(fill(name, "python", arguments))
    final = tree.body.pop()
    assert isinstance(final, ast.Expr)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(tree, "procedure", "exec"), names)
        shown = eval(compile(ast.Expression(final.value), "procedure", "eval"), names)
    assert all(word in str(shown) for word in words)


@pytest.mark.parametrize(("name", "arguments", "words"), CASES)
def test_the_procedures_for_data_frames_run_in_r(name: str, arguments: str, words: list[str], need_tool: Callable[..., str]) -> None:
    frame = 'df <- data.frame(g = c("a", "a", NA), x = c(1, NA, 3))\n'
    ran = subprocess.run(
        [need_tool("Rscript"), "-e", frame + fill(name, "r", arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert all(word in ran.stdout for word in words)
