"""Consent in words."""

import pytest

from beaker.consent.answers import chosen, prompt_text, question_text, read_answer


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("y", "allow"),
        ("YES", "allow"),
        (" no\n", "reject"),
        ("a", "always"),
        ("edit", "edit"),
        ("l", "later"),
        ("", None),
        ("ok", None),
        ("yn", None),
        ("yes, but", None),
        ("\x04", None),
    ],
)
def test_only_the_words_that_were_offered_mean_something(text: str, meaning: str | None) -> None:
    assert read_answer(text) == meaning


def test_the_code_is_shown_exactly_with_warning_and_choices() -> None:
    text = prompt_text("A3", "code", "x = 1\n\n\ny = 2", "asked after reading untrusted data")
    assert text == (
        "A3 wants to run this (asked after reading untrusted data):\n\nx = 1\n\n\ny = 2\n\n[y]es / [n]o / [a]lways / [e]dit / [l]ater: "
    )


def test_what_has_no_code_cannot_be_edited_or_allowed_for_ever() -> None:
    assert prompt_text("A3", "restart", "", "").endswith("all variables are lost\n[y]es / [n]o / [l]ater: ")


@pytest.mark.parametrize(
    ("text", "answer"), [("1", "red"), (" 2. ", "blue"), ("3", "3"), ("0", "0"), ("red", "red"), ("", ""), ("99", "99")]
)
def test_a_number_stands_for_a_choice_and_anything_else_for_itself(text: str, answer: str) -> None:
    assert chosen(text, ["red", "blue"]) == answer


def test_choices_are_numbered() -> None:
    assert question_text("Which?", ["red", "blue"]) == "Which?\n  1. red\n  2. blue\n(Stop ends the question)\n> "
    assert question_text("Why?", []) == "Why?\n(Stop ends the question)\n> "
