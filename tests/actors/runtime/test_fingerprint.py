"""A secret is found by who does not have it, and nothing else is."""

import msgspec
import pytest

from actors.runtime.fingerprint import Fingerprint, fingerprint
from actors.runtime.redact import REDACTED, Redactor

MADE = "Qm9w-4tZ_x7LhV2sKc0RyJfNaEu1GdPbT8iWoYqMzXk"
"""As tokens are made, and the same for all processes that run these tests."""


def known(secret: str) -> Fingerprint:
    made = fingerprint(secret)
    assert made is not None
    return made


@pytest.mark.parametrize("secret", [MADE, "hunter22", "p@ss:w/rd=1"])
@pytest.mark.parametrize("text", ["{}", "a{}b", "http://h/?token={}&x=1", "{} and {}{}", "{}\n{}", "\u00fc{}\u00fc"])
def test_a_secret_is_hidden_wherever_it_stands(secret: str, text: str) -> None:
    assert known(secret).hide(text.format(*[secret] * 3), "*") == text.format("*", "*", "*")


@pytest.mark.parametrize("text", ["", MADE[:-1], MADE[1:], MADE[:20] + " " + MADE[20:], "x" * 500, MADE.swapcase()])
def test_nothing_else_is_hidden(text: str) -> None:
    assert known(MADE).hide(text, "*") == text
    assert not known(MADE).is_in(text)


@pytest.mark.parametrize("secret", ["", "two words", "m\u00fcll"])
def test_what_is_no_word_of_ascii_has_none(secret: str) -> None:
    assert fingerprint(secret) is None


def test_it_can_be_handed_on_and_tells_nothing_by_itself() -> None:
    made = known(MADE)
    sent = msgspec.msgpack.encode(made)
    assert msgspec.msgpack.decode(sent, type=Fingerprint) == made
    assert MADE.encode() not in sent
    assert known(MADE).digest != made.digest


def test_a_log_without_the_secret_leaves_it_out_as_one_with_it() -> None:
    redactor = Redactor()
    redactor.add_fingerprint(known(MADE))
    assert redactor.value({MADE: ["x" + MADE], "n": 1}) == {REDACTED: ["x" + REDACTED], "n": 1}


def test_a_log_leaves_it_out_from_then_on_also_where_it_stood_before() -> None:
    redactor = Redactor()
    short = MADE[:20]
    assert redactor.text(short) == short
    redactor.add_fingerprint(known(short))
    assert redactor.text(short) == REDACTED


def test_a_short_one_would_garble_ordinary_words() -> None:
    redactor = Redactor()
    redactor.add_fingerprint(known("abc"))
    assert redactor.text("abcdef") == "abcdef"
