"""The two framings of a kernel's websocket."""

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection import base

from beaker.wire.parts import Parts, WireError
from beaker.wire.websocket import (
    PIECES_LIMIT,
    OnChannel,
    WebsocketChannel,
    decode_legacy,
    decode_v1,
    encode_legacy,
    encode_v1,
)

theirs: Any = base  # Any: jupyter_server is untyped

documents = st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers() | st.booleans(), max_size=3).map(
    lambda value: json.dumps(value).encode()
)
headers = st.builds(
    lambda msg_id, msg_type, more: json.dumps({"msg_id": msg_id, "msg_type": msg_type, "more": more}).encode(),
    st.text(max_size=9),
    st.text(max_size=9),
    st.integers(),
)
channels = st.sampled_from(["shell", "control", "stdin", "iopub"])
messages = st.builds(
    lambda header, others, buffers: [header, *others, *buffers],
    headers,
    st.lists(documents, min_size=3, max_size=3),
    st.lists(st.binary(max_size=20), max_size=3),
)


@given(channels, messages)
def test_v1_comes_back_as_it_went(channel: WebsocketChannel, parts: Parts) -> None:
    assert decode_v1(encode_v1(channel, parts)) == OnChannel(channel, parts)


@given(channels, messages)
def test_the_older_framing_comes_back_byte_for_byte(channel: WebsocketChannel, parts: Parts) -> None:
    assert decode_legacy(encode_legacy(channel, parts)) == OnChannel(channel, parts)


@given(channels, messages)
def test_jupyter_server_writes_v1_in_the_same_bytes(channel: WebsocketChannel, parts: Parts) -> None:
    assert encode_v1(channel, parts) == theirs.serialize_msg_to_ws_v1(parts, channel)


@given(channels, messages.filter(lambda parts: len(parts) > 4))
def test_jupyter_server_reads_our_older_framing(channel: WebsocketChannel, parts: Parts) -> None:
    data = encode_legacy(channel, parts)
    assert isinstance(data, bytes)
    read = theirs.deserialize_binary_message(data)
    assert (read["channel"], read["buffers"]) == (channel, parts[4:])
    assert read["msg_id"] == read["header"]["msg_id"]


def test_we_read_the_older_framing_of_jupyter_server() -> None:
    message = {
        "channel": "shell",
        "header": {"msg_id": "1", "msg_type": "comm_msg"},
        "parent_header": {},
        "metadata": {},
        "content": {"data": 1},
        "buffers": [b"", b"bytes"],
    }
    read = decode_legacy(theirs.serialize_binary_message(message))
    assert (read.channel, read.parts[4:], json.loads(read.parts[3])) == ("shell", [b"", b"bytes"], {"data": 1})


def test_what_a_client_leaves_out_is_an_empty_document() -> None:
    header = b'{"msg_id":"1","msg_type":"kernel_info_request"}'
    document = b'{"channel":"shell","header":%s}' % header
    assert decode_legacy(document.decode()) == OnChannel("shell", [header, b"{}", b"{}", b"{}"])


HALVES = r'{"channel":"shell","header":{"msg_id":"1"},"content":{"code":"a\ud83d b \u00fc \ud83d\ude00","n":1e999}}'


@pytest.mark.parametrize("buffers", [[], [b"bytes"]])
def test_half_a_character_comes_through_the_older_framing(buffers: list[bytes]) -> None:
    document = HALVES.encode()
    data = struct.pack(">III", 2, 12, 12 + len(document)) + document + buffers[0] if buffers else HALVES
    channel, parts = decode_legacy(data)
    assert (channel, parts[1:3], parts[4:]) == ("shell", [b"{}", b"{}"], buffers)
    assert [json.loads(parts[0]), repr(json.loads(parts[3]))] == [{"msg_id": "1"}, repr(json.loads(HALVES)["content"])]
    assert parts[3].isascii()


@pytest.mark.parametrize(
    "data", [r'["\ud83d"]', r'{"header":{"a":"\ud83d"}}', r'{"channel":"shell","content":"\ud83d"}', r'{"channel":1,"header":"\ud83d"}']
)
def test_half_a_character_makes_no_message_of_what_is_none(data: str) -> None:
    with pytest.raises(WireError, match="unreadable message"):
        decode_legacy(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(junk: bytes) -> None:
    for decode in (decode_v1, decode_legacy):
        with contextlib.suppress(WireError):
            decode(junk)


@given(st.text(max_size=100))
def test_any_text_is_a_message_or_refused(junk: str) -> None:
    try:
        decode_legacy(junk)
    except WireError:
        return


@given(messages, st.data())
def test_no_changed_offset_is_believed(parts: Parts, data: st.DataObject) -> None:
    whole = bytearray(encode_v1("shell", parts))
    at = data.draw(st.integers(0, len(parts) + 2))
    wrong = data.draw(st.integers(0, 2**64 - 1).filter(lambda number: number != struct.unpack_from("<Q", whole, 8 * at)[0]))
    struct.pack_into("<Q", whole, 8 * at, wrong)
    try:
        read = decode_v1(bytes(whole))
    except WireError:
        return
    assert b"".join([read.channel.encode(), *read.parts]) == b"".join([b"shell", *parts]), "no byte is read twice or left out"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the count of its pieces alone has 8"),
        (b"\xff" * 8, "a table of 18446744073709551615 offsets in 8 bytes"),
        (struct.pack("<Q", PIECES_LIMIT + 2) + bytes(8 * (PIECES_LIMIT + 3)), f"a table of {PIECES_LIMIT + 2} offsets"),
        (encode_v1("shell", [b"{}"] * 3), "at least four documents"),
        (encode_v1("heartbeat", [b"{}"] * 4), "no channel 'heartbeat'; there are shell, control, stdin, iopub"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_what_is_wrong_with_a_binary_message_is_said(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_v1(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "unreadable message"),
        ('{"channel":"shell"}', "missing required field `header`"),
        ('{"channel":"shell","header":[]}', "its header is no JSON object"),
        ('{"channel":"shell","header":{},"content":"x"}', "its content is no JSON object"),
        ('{"channel":"hb","header":{}}', "no channel 'hb'"),
    ],
)
def test_what_is_wrong_with_a_document_is_said(data: str, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_legacy(data)
