"""What is left to a successor is read back as it was, and never more than its budget."""

import pytest
from msgspec.structs import replace

from beaker.kernel.conversation import Talk
from beaker.kernel.kept import KEPT_BYTES, READ_BYTES, Kept, decode, encode, kept_words
from beaker.kernel.tally import Count, Tally
from beaker.kernel.turn_display import Proposal
from beaker.messages.base import TurnId

TALK = Talk(number=TurnId(3), question="why?", answer="so", proposals=(Proposal(1, "x", "python"),), tainted=True)
SPENT = Tally(total=Count(calls=1, priced=1, tokens_in=5, tokens_out=2, cost_usd=0.5), turn=3)
KEPT = Kept(last_turn=3, model="m", context="dataframes", magics="off", answered_by="gpt", talks=[TALK], tally=SPENT, last_approval=2)


def test_it_is_read_back_as_it_was() -> None:
    assert decode(encode(KEPT)) == KEPT


def test_of_what_is_too_large_the_oldest_goes_and_the_newest_never() -> None:
    talks = [replace(TALK, number=TurnId(number), answer="a" * 300_000) for number in range(1, 6)]
    kept = decode(encode(replace(KEPT, talks=talks)))
    assert kept is not None
    assert ([talk.number for talk in kept.talks], kept.left_out) == ([3, 4, 5], 2)
    assert kept_words(kept) == "of the conversation the latest 3 questions were kept"
    alone = decode(encode(replace(KEPT, talks=talks), budget_bytes=1000))
    assert alone is not None
    assert ([talk.number for talk in alone.talks], alone.left_out) == ([5], 4)
    assert len(encode(replace(KEPT, talks=talks))) < KEPT_BYTES < READ_BYTES


def test_what_was_left_out_once_stays_counted() -> None:
    again = decode(encode(replace(KEPT, left_out=4)))
    assert again is not None
    assert again.left_out == 4


@pytest.mark.parametrize("document", [b"", b"{}", encode(KEPT)[:-1], encode(KEPT) + b"x", b"\xc1", b"\x80", b"\xff" * 100])
def test_what_is_no_such_document_is_none(document: bytes) -> None:
    assert decode(document) is None


def test_one_of_another_version_is_none() -> None:
    assert decode(encode(KEPT).replace(b"\xa7version\x01", b"\xa7version\x02")) is None
