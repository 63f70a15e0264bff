"""What is sent to Python sessions, and how their answers are read."""

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.languages.language import Display, Inspect, Seen
from beaker.languages.python import HUSH, Python, source, string_form

python = Python("python")


def looked(glances: Any, answers: dict[object, str | None]) -> Seen | None:
    """Play the session."""
    said: str | None = None
    try:
        wanted = next(glances)
        while True:
            said = answers[wanted]
            wanted = glances.send(said)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # what the generator returns


def test_what_is_executed_is_one_expression_and_binds_no_name() -> None:
    look = python.look("df", "/nowhere")
    (statement,) = ast.parse(HUSH).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(ast.parse(look.expression, mode="eval").body, ast.Call)
    assert not any(isinstance(node, ast.NamedExpr) for text in (HUSH, look.expression) for node in ast.walk(ast.parse(text)))


def test_the_code_that_runs_in_the_session_imports_only_what_is_loaded_and_any_python_since_3_8_reads_it() -> None:
    tree = ast.parse(source(), feature_version=(3, 8))
    assert {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names} == {"sys"}
    assert [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)] == []


def test_a_list_and_a_detail_are_read() -> None:
    answer = repr(json.dumps({"variables": [["x", "int", "'quoted' \\ 1"]], "more": 2}))
    assert python.read(None, answer).variables == [Seen(name="x", type="int", summary="'quoted' \\ 1")]
    assert python.read(None, answer).more == 2
    assert python.read("x", repr(json.dumps({"found": True, "text": "t"}))).detail == "t"
    assert python.read("x", repr(json.dumps({"found": False}))).detail is None


@pytest.mark.parametrize("answer", ["", "1", "'not json'", "import os", "'[]'", "__import__('os')"])
def test_anything_else_is_no_answer(answer: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        python.read(None, answer)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_quoted_value_means_itself(value: object) -> None:
    quoted = python.quote(value)
    assert quoted is not None
    assert eval(quoted) == value


def test_what_has_no_literal_is_not_quoted() -> None:
    assert python.quote([object()]) is None
    assert python.quote(float("nan")) == 'float("nan")'


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x = 1\ny, (z, *w) = 2, (3, 4)", ["x", "y", "z", "w"]),
        ("import pandas as pd, os.path\nfrom a import b as c, d\nfrom e import *", ["pd", "os", "c", "d"]),
        ("def f(a):\n    inner = 1\nclass C:\n    field = 2", ["f", "C"]),
        ("for i in []:\n    with a as b:\n        t: int = 1", ["i", "b", "t"]),
        ("[k for k in x]; lambda: (q := 1)", []),
        ("if (n := 10) > 5: pass", ["n"]),
        ("%matplotlib inline\n!ls\nx = 1", ["x"]),
        ("%%time\nx = 1", ["x"]),
        ("x = !ls\nbroken(", ["x"]),
        ("_hidden = 1", []),
        ("a.b = 1; c[0] = 2", []),
        ("\x00", []),
    ],
)
def test_names_that_a_cell_binds_are_found(code: str, names: list[str]) -> None:
    assert list(python.assigned(code)) == names


def test_a_glance_asks_for_the_class_first_and_never_for_an_unknown_objects_text() -> None:
    form = "Type: str\nString form: {}\nLength: 3\nDocstring: d"
    kind = Inspect(path="x.__class__.__name__")
    assert looked(python.glance("x", detail=True), {kind: None}) is None
    assert looked(python.glance("x", detail=True), {kind: form.format("Model")}) == Seen(name="x", type="Model")
    assert looked(python.glance("x", detail=False), {kind: form.format("int"), Inspect(path="x"): form.format("3")}) == Seen(
        name="x", type="int", summary="3", plain=True
    )
    assert looked(python.glance("x", detail=False), {kind: form.format("list")}) == Seen(name="x", type="list")
    assert looked(python.glance("x", detail=True), {kind: form.format("list"), Display(name="x"): "[1]"}) == Seen(
        name="x", type="list", summary="[1]"
    )
    array: dict[object, str | None] = {
        kind: form.format("ndarray"),
        Inspect(path="x.dtype"): form.format("int64"),
        Inspect(path="x.shape"): form.format("(3,)"),
    }
    assert looked(python.glance("x", detail=True), array) == Seen(name="x", type="ndarray", summary="int64 (3,)")


def test_the_text_of_an_inspection_ends_where_the_next_field_begins() -> None:
    assert string_form("\x1b[31mType:\x1b[39m int\n\x1b[31mString form:\x1b[39m\na\n   b\n\x1b[31mLength:\x1b[39m 2") == "a\nb"
    assert string_form("Type: int") == ""
    assert string_form(None) == ""
