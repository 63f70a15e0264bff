"""Taking messages apart and putting them together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.wire.parts import DELIMITER, NO_HEADER, Header, WireError, join, read_header, split

frames = st.lists(st.binary(max_size=40), max_size=9)
idents = st.lists(st.binary(min_size=1, max_size=8).filter(lambda ident: ident != DELIMITER), max_size=3)


@given(idents=idents, signature=st.binary(max_size=64), parts=st.lists(st.binary(max_size=40), min_size=4, max_size=7))
def test_split_undoes_join(idents: list[bytes], signature: bytes, parts: list[bytes]) -> None:
    assert split(join(idents, signature, parts)) == (idents, signature, parts)


@given(frames)
def test_any_frames_are_split_or_refused(junk: list[bytes]) -> None:
    try:
        framed = split(junk)
    except WireError:
        return
    assert len(framed.parts) >= 4


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_refused(junk: bytes) -> None:
    try:
        read_header(junk)
    except WireError:
        return


def test_only_what_a_relay_needs_is_read_of_a_header() -> None:
    document = b'{"msg_id": "m1", "msg_type": "execute_request", "session": "s", "username": "u", "version": "5.4", "subshell_id": "x"}'
    assert read_header(document) == Header(msg_id="m1", msg_type="execute_request", session="s", subshell_id="x")


def test_an_empty_parent_header_has_empty_fields() -> None:
    assert read_header(b"{}") is NO_HEADER


@pytest.mark.parametrize("document", [b"", b"[]", b"null", b'{"msg_id": 3}', b"\xff\xfe", b'{"msg_id": "\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_header_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(WireError):
        read_header(document)
