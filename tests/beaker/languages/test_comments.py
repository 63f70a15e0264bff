"""The line that stands for a cell of ours in the subkernel."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from beaker.languages.comments import LIMIT_CHARS, comment_for


@pytest.mark.parametrize(
    ("code", "language", "comment"),
    [
        ("%%ai what?\nmore", "python", "# %%ai what?"),
        ("\n\n%beaker status\n", "Python", "# %beaker status"),
        ("%%ai what?", "R", "# %%ai what?"),
        ("%%ai what?", "julia", "# %%ai what?"),
        ("%%ai what?", "bash", "# %%ai what?"),
        ("%%ai what?", "C++17", "// %%ai what?"),
        ("%%ai what?", "javascript", "// %%ai what?"),
        ("%%ai what?", "sql", "-- %%ai what?"),
        ("%%ai what?", "MATLAB", "% %%ai what?"),
        ("%%ai what?", "clojure", "; %%ai what?"),
        ("%%ai what? \\", "c", "// %%ai what?"),
        ("%%ai a\u2028b\x0bc\x00d\x85e\ud800f\rg", "javascript", "// %%ai a b c d e f"),
    ],
)
def test_the_first_line_is_a_comment_of_the_language(code: str, language: str, comment: str) -> None:
    assert comment_for(code, language) == comment


@pytest.mark.parametrize("language", ["", "brainfuck", "html", "//", "c c++"])
def test_an_unknown_language_has_none(language: str) -> None:
    assert comment_for("%%ai what?", language) is None


def test_a_long_line_is_cut() -> None:
    comment = comment_for("%%ai " + "x" * 1_000_000, "python")
    assert comment is not None
    assert len(comment) == LIMIT_CHARS + 2
    assert comment.endswith("x ...")


@given(st.text(max_size=100))
def test_in_python_it_is_nothing_but_a_comment_whatever_was_asked(text: str) -> None:
    comment = comment_for(f"%%ai {text}", "python")
    assert comment is not None
    assert ast.parse(comment).body == []
    assert len(comment.splitlines()) == 1


def test_ipython_sees_neither_a_magic_nor_a_question_for_help_in_it() -> None:
    transformer: Any = TransformerManager()
    for code in ("%%ai what is in df?", "%beaker status?", "%ai !ls", "%%ai x = !ls", "%%ai what??"):
        comment = comment_for(code, "python")
        assert transformer.transform_cell(comment) == f"{comment}\n"
