"""Values as they may be shown."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.settings.shown import LENGTH_LIMIT, hide_secrets, one_line, shown, shown_path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (2.5, "2.5"),
        (30.0, "30"),
        (True, "true"),
        ("a b", '"a b"'),
        ("a\nb\x1b", '"a\\nb\\x1b"'),
        (("a", "b"), '["a", "b"]'),
        ({"a": 1}, "a table"),
        (date(2026, 1, 2), "2026-01-02"),
        pytest.param(1 << 20_000, "a number of more than 38 digits", id="number that Python does not write"),
    ],
)
def test_values_stand_as_in_a_settings_file(value: object, text: str) -> None:
    assert shown(value) == text


def test_long_values_are_cut() -> None:
    assert len(shown("ab " * 10_000)) == LENGTH_LIMIT
    assert shown("ab " * 10_000).endswith(" ...")


@pytest.mark.parametrize(
    "text",
    [
        "https://me:canary@host/v1",
        "https://canary@host/v1",
        "https://host/v1?key=canary&x=1",
        "sk-canary-0123456789abcdef",
        "sk_canary0123456789abcdef",
        "Bearer canary",
        "gsk_canary0123456789abcdef",
        "hf_canary0123456789abcdef",
        "canary" + "0" * 50,
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "canary" not in hide_secrets(text)
    assert "***" in hide_secrets(text)


@pytest.mark.parametrize(
    "text", ["gpt-5.2-mini", "meta-llama/Llama-3.3-70B-Instruct", "http://localhost:11434/v1", "/home/x/beaker.toml", "python3"]
)
def test_names_addresses_and_paths_are_not_hidden(text: str) -> None:
    assert hide_secrets(text) == text


def test_one_line_spells_out_what_is_not_visible() -> None:
    assert one_line("a\nb\u2028c") == "a\\nb\\u2028c"


def test_a_path_is_quoted_for_toml() -> None:
    assert shown_path('/a "b"\\c') == '"/a \\"b\\"\\\\c"'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_is_shown_on_one_line(value: object) -> None:
    assert len(shown(value)) <= LENGTH_LIMIT
    assert shown(value).isprintable()
