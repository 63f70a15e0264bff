"""Which comms are open, as far as both sides have said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel import comms
from beaker.kernel.comms import OpenComms


def content(comm_id: object) -> bytes:
    return json.dumps({"comm_id": comm_id, "target_name": "t", "data": {"state": {"deep": [1, None]}}}).encode()


def test_what_was_opened_and_not_closed_is_taken_once_oldest_first() -> None:
    known = OpenComms()
    for kind, comm_id in [("comm_open", "a"), ("comm_open", "b"), ("comm_open", "c"), ("comm_close", "b"), ("comm_close", "never opened")]:
        known.heard(kind, content(comm_id))
    assert (known.take(), known.take()) == (["a", "c"], [])


def test_beyond_the_limit_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comms, "REMEMBERED", 2)
    known = OpenComms()
    for comm_id in "abc":
        known.opened(comm_id)
    assert known.take() == ["b", "c"]


@pytest.mark.parametrize("comm_id", ["", "x" * (comms.ID_CHARS + 1), 7, None])
def test_what_is_no_id_is_not_remembered(comm_id: object) -> None:
    known = OpenComms()
    known.heard("comm_open", content(comm_id))
    assert known.take() == []


@given(st.binary(max_size=100))
def test_junk_opens_and_closes_nothing(junk: bytes) -> None:
    known = OpenComms()
    known.opened("a")
    for kind in comms.COMM_LIFE:
        known.heard(kind, junk)
    assert known.take() == ["a"]
