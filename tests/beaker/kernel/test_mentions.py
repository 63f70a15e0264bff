"""What a question refers to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel.mentions import fill, find_mentions, may_mention


def labels(prompt: str) -> list[str]:
    return [mention.label for mention in find_mentions(prompt)]


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("what is {x}?", ["{x}"]),
        ("{In[1]} {Out[2]} {Err[30]}", ["{In[1]}", "{Out[2]}", "{Err[30]}"]),
        ("plot @df, then @df again and @other.", ["@df", "@other"]),
        ("@df.columns", ["@df"]),
        ("(@df)", ["@df"]),
        ("read @file:data/a.csv.", ["@file:data/a.csv"]),
        ('read @file:"my data.csv", please', ['@file:"my data.csv"']),
        ("@größe", ["@größe"]),
        ("@ann@example.org", []),
        ("mail me@example.org or http://x/@y", []),
        ("{{x}}", []),
        ("{'a': 1} {1} {} {x y} {In[0]} {Out[x]}", []),
        ('{"a": {"b": 1}}', []),
        ("@ @1 @-x @file: x", []),
        ("fix this:\n@property\ndef f(self): ...", []),
        ("```python\n@decorated {x}\n```\nand @df", ["@df"]),
        ("{x} {x}", ["{x}"]),
    ],
)
def test_references_are_found_and_what_looks_alike_is_not(prompt: str, found: list[str]) -> None:
    assert labels(prompt) == found


def test_names_are_those_of_the_language() -> None:
    assert [mention.name for mention in find_mentions("@my.df. and {a.b}", name=r"[^\W\d_](?:[\w.]*\w)?")] == ["my.df", "a.b"]


def test_paths_and_numbers_are_read_without_their_marks() -> None:
    assert [(each.kind, each.name) for each in find_mentions('@file:"a b" @file:c/d.py! {Err[7]}')] == [
        ("file", "a b"),
        ("file", "c/d.py"),
        ("Err", "7"),
    ]


def test_values_are_filled_in_once_and_what_they_hold_is_no_reference() -> None:
    assert fill("{x} and {y}", {"{x}": "{y} \\1", "{y}": "2"}) == "{y} \\1 and 2"
    assert fill("{x} @df", {}) == "{x} @df"


def test_escapes_stand_for_braces_but_not_in_code_blocks() -> None:
    assert fill("{{x}} is {x}", {"{x}": "3"}) == "{x} is 3"
    assert fill("```\nf'{{x}} {x}'\n```", {"{x}": "3"}) == "```\nf'{{x}} {x}'\n```"
    assert fill('{"a": {"b": 1}}', {}) == '{"a": {"b": 1}}'


@given(st.text())
def test_any_text_survives(prompt: str) -> None:
    assert may_mention(prompt) or find_mentions(prompt) == []
    if "{{" not in prompt:
        assert fill(prompt, {}) == prompt


def test_a_long_question_is_read_in_no_time() -> None:
    assert find_mentions("@" * 100_000 + "{" * 100_000) == []
    assert find_mentions(("@file:" + "a" * 200 + " ") * 500)[0].kind == "file"
