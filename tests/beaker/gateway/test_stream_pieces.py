"""A print that is too large for one websocket message: what clients put together from its pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.gateway.stream_pieces import in_pieces
from beaker.wire.parts import CONTENT, HEADER, Parts

PIECE = 16
"""Bytes. Small, so that each place of a text is the end of a piece sooner or later."""

ESCAPES = st.sampled_from(["\\", '"', "\n", "\0", "é", "😀", "\\u", "\\ud83d", "n", "x" * 11, "\ud83d", "\x1b[31m"])


def stream(text: str, *, ascii_only: bool = True, **more: object) -> Parts:
    header = {"msg_id": "m", "msg_type": "stream", "session": "s"}
    content = {"name": "stdout", "text": text, **more}
    return [json.dumps(header).encode(), b'{"msg_id":"cell"}', b"{}", json.dumps(content, ensure_ascii=ascii_only).encode()]


def texts(pieces: list[Parts]) -> list[str]:
    return [json.loads(piece[CONTENT])["text"] for piece in pieces]


@given(st.lists(ESCAPES | st.text(max_size=4)).map("".join))
def test_the_pieces_put_together_are_what_was_printed_and_each_is_json(text: str) -> None:
    assert "".join(texts(list(in_pieces(stream(text), PIECE)))) == text
    readable = text.encode(errors="replace").decode()
    assert "".join(texts(list(in_pieces(stream(readable, ascii_only=False), PIECE)))) == readable


def test_no_piece_ends_within_an_emoji() -> None:
    for ahead in range(12):
        printed = "x" * ahead + "😀" * 20
        pieces = texts(list(in_pieces(stream(printed), PIECE)))
        assert len(pieces) > 5
        assert all(piece.isprintable() for piece in pieces), pieces


def test_pieces_are_of_the_size_that_was_asked_for_and_have_the_stream_and_the_parent_of_the_whole() -> None:
    pieces = list(in_pieces(stream("z" * 100), 40))
    assert [len(text) for text in texts(pieces)] == [40, 40, 20]
    assert {(json.loads(piece[CONTENT])["name"], piece[1], piece[2]) for piece in pieces} == {("stdout", b'{"msg_id":"cell"}', b"{}")}


def test_each_piece_has_an_id_of_its_own_and_the_first_that_of_the_whole() -> None:
    headers = [json.loads(piece[HEADER]) for piece in in_pieces(stream("z" * 100), 40)]
    assert [header["msg_id"] for header in headers] == ["m", "m-2", "m-3"]
    assert {header["session"] for header in headers} == {"s"}


@pytest.mark.parametrize(
    "whole",
    [
        stream("z" * 10),
        stream("z" * 100, transient={}),
        [*stream("z" * 100), b"a buffer"],
        [b'{"msg_id":"m","msg_type":"display_data","session":"stream"}', *stream("z" * 100)[1:]],
        [*stream("")[:CONTENT], b'{"name":"stdout","text":[%b]}' % b",".join([b"1"] * 50)],
        [*stream("")[:CONTENT], b"z" * 100],
    ],
    ids=["small", "a field more", "a buffer", "no stream", "no text", "no JSON"],
)
def test_what_is_small_or_no_stream_as_the_specification_has_it_is_left_as_it_is(whole: Parts) -> None:
    assert list(in_pieces(whole, PIECE * 3)) == [whole]
