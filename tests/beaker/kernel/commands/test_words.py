"""Texts in two forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel.commands.words import Table, code, duration_words, escaped, quoted, size_words

DOLLAR = "<span>&#36;</span>"
BACKSLASH = "<span>&#92;</span>"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (3.24, "3.2 s"),
        (9.97, "10 s"),
        (59.99, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (93_600, "1 d 2 h"),
        (1e9, "11574 d 1 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (48_300_000, "48.3 MB"),
        (2 * 10**9, "2.0 GB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size_words(count) == words


@pytest.mark.parametrize(
    ("text", "span"),
    [("a", "`a`"), ("", ""), (" \n ", ""), ("a\nb", "`a b`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("a``b", "```a``b```")],
)
def test_code_spans(text: str, span: str) -> None:
    assert code(text) == span


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain text, 12.3 s", "plain text, 12.3 s"),
        ("a_b *c* [d](e) <img src=x> & $x$ ~ | \\", f"a\\_b \\*c\\* \\[d\\](e) &lt;img src=x\\> \\& {DOLLAR}x{DOLLAR} \\~ \\| {BACKSLASH}"),
        (r"\(x\) \[y\] \begin{z}", rf"{BACKSLASH}(x{BACKSLASH}) {BACKSLASH}\[y{BACKSLASH}\] {BACKSLASH}begin{{z}}"),
        ("type `a|b*` now", "type `a\\|b*` now"),
        ("odd ` tick", "odd \\` tick"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_means_itself(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


def test_a_code_block_holds_any_backticks() -> None:
    assert quoted("a\n````\n") == "`````text\na\n````\n`````"


def test_a_table_aligns_in_plain_text_and_has_bars_in_markdown() -> None:
    table = Table(columns=("a", "b"), rows=[("x|y", "1"), ("z", "two_2")], code_columns=frozenset({0}))
    assert table.plain() == "x|y  1\nz    two_2"
    assert table.markdown() == "| a | b |\n| --- | --- |\n| `x\\|y` | 1 |\n| `z` | two\\_2 |"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_no_value_breaks_a_row_of_a_table(rows: list[tuple[str, str]]) -> None:
    lines = Table(columns=("a", "b"), rows=rows, code_columns=frozenset({0})).markdown().split("\n")
    assert len(lines) == 2 + len(rows)
    for line in lines:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3
