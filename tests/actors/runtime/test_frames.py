"""Frames and bulk chunks: whatever way the bytes are cut, the same comes out; and junk is called junk."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.bulk import BULK_LIMIT, FRAMES_LIMIT, SMALL_COUNT, BulkReader, BulkSender
from actors.runtime.envelope import TELL, Envelope
from actors.runtime.failures import TooLarge, Unreachable
from actors.runtime.frames import BYTES, CHUNK_LIMIT, CUT_AT, ENVELOPES, MESSAGE_LIMIT, FrameReader, JunkError, Outbox, frame
from tests.actors.runtime.vocabulary import Note, codec

LIMITS = {1: 50, 2: 200}


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=20),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1),
)
def test_frames_come_out_however_the_bytes_are_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in frames)
    reader = FrameReader(LIMITS)
    found: list[tuple[int, bytes]] = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        found += [(kind, bytes(payload)) for kind, payload in reader.feed(stream[position : position + size])]
        position += size
        turn += 1
    assert found == frames


@pytest.mark.parametrize("data", [frame(3, b""), frame(1, b"x" * 51), b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"])
def test_an_unknown_kind_or_a_length_beyond_its_limit_is_junk_before_its_payload_comes(data: bytes) -> None:
    with pytest.raises(JunkError):
        list(FrameReader(LIMITS).feed(data[:4]))


def test_limits_may_change_between_two_frames_of_one_read() -> None:
    reader = FrameReader({1: 50})
    found: list[int] = []
    for kind, _ in reader.feed(frame(1, b"a") + frame(2, b"b")):
        found.append(kind)
        reader.limits = LIMITS
    assert found == [1, 2]


def read_back(outbox: Outbox) -> list[Envelope[Note]]:
    reader = FrameReader({ENVELOPES: 0xFFFFFF})
    found: list[Envelope[Note]] = []
    while (data := outbox.next_frame()) is not None:
        for _, payload in reader.feed(bytes(data)):
            found += codec.decode_batch(payload)
    return found


@given(st.lists(st.integers(min_value=0, max_value=60_000), max_size=12))
@settings(max_examples=30, deadline=None)
def test_an_outbox_gives_back_all_envelopes_in_order_and_counts_their_bytes(sizes: list[int]) -> None:
    outbox = Outbox(codec.encode_into)
    sent = [Envelope("a", TELL, 0, "", 0.0, 0, Note(number=number, text="x" * size)) for number, size in enumerate(sizes)]
    for envelope in sent:
        outbox.add(envelope)
    assert outbox.size >= sum(sizes)
    assert read_back(outbox) == sent
    assert (outbox.size, outbox.cut_size) == (0, 0)


def test_what_cannot_be_encoded_or_is_too_large_leaves_the_outbox_as_it_was() -> None:
    outbox = Outbox(codec.encode_into)
    first, last = (Envelope("a", TELL, 0, "", 0.0, 0, Note(number=number)) for number in (1, 2))
    outbox.add(first)
    with pytest.raises(TooLarge, match="limit is 1000000"):
        outbox.add(Envelope("a", TELL, 0, "", 0.0, 0, Note(number=0, text="x" * MESSAGE_LIMIT)))
    with pytest.raises(TypeError):
        outbox.add(Envelope("a", TELL, 0, "", 0.0, 0, {"text": "x" * 1000, "object": object()}))
    outbox.add(last)
    assert read_back(outbox) == [first, last]


def test_a_batch_is_closed_when_it_has_grown() -> None:
    outbox = Outbox(codec.encode_into)
    for number in range(5):
        outbox.add(Envelope("a", TELL, 0, "", 0.0, 0, Note(number=number, text="x" * (CUT_AT // 2))))
    frames = []
    while (data := outbox.next_frame()) is not None:
        frames.append(len(data))
    assert len(frames) == 3


def chunks(sender: BulkSender) -> list[bytes]:
    found: list[bytes] = []
    reader = FrameReader({BYTES: CHUNK_LIMIT})
    while (data := sender.next_frame()) is not None:
        found += [bytes(payload) for _, payload in reader.feed(data)]
    return found


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.lists(st.integers(0, 3 * CHUNK_LIMIT // 2), max_size=4) | st.lists(st.integers(0, 1000), max_size=2 * SMALL_COUNT),
        ),
        max_size=4,
    )
)
@settings(max_examples=25, deadline=None)
def test_lists_of_frames_arrive_whole_and_in_the_order_of_their_stream(lists: list[tuple[int, list[int]]]) -> None:
    async def play() -> None:
        sender, reader = BulkSender(), BulkReader()
        sent: dict[int, list[list[bytes]]] = {}
        futures: list[asyncio.Future[None]] = []
        for number, (stream, sizes) in enumerate(lists):
            frames = [bytes([number]) * size for size in sizes]
            sent.setdefault(stream, []).append(frames)
            futures.append(asyncio.get_running_loop().create_future())
            sender.add(stream, frames, futures[-1])
        got: dict[int, list[list[bytes]]] = {}
        for chunk in chunks(sender):
            assert len(chunk) <= CHUNK_LIMIT
            if (done := reader.feed(memoryview(chunk))) is not None:
                got.setdefault(done[0], []).append([bytes(piece) for piece in done[1]])
        assert got == sent
        assert sender.size == 0
        assert all(future.done() for future in futures)

    asyncio.run(play())


async def test_streams_take_turns() -> None:
    sender = BulkSender()
    for stream in (1, 2):
        sender.add(stream, [b"x" * (CHUNK_LIMIT * 2)], asyncio.get_running_loop().create_future())
    assert [chunk[3] for chunk in chunks(sender)] == [1, 2, 1, 2, 1, 2]


async def test_bulk_beyond_the_limits_is_refused() -> None:
    future = asyncio.get_running_loop().create_future()
    with pytest.raises(TooLarge, match="134217729 bytes"):
        BulkSender().add(1, [memoryview(bytearray(BULK_LIMIT + 1))], future)
    with pytest.raises(TooLarge, match="16385 frames"):
        BulkSender().add(1, [b""] * (FRAMES_LIMIT + 1), future)


async def test_senders_are_told_when_nothing_more_is_sent() -> None:
    sender = BulkSender()
    future = asyncio.get_running_loop().create_future()
    sender.add(1, [b"x"], future)
    sender.fail(Unreachable("gone"))
    with pytest.raises(Unreachable, match="gone"):
        await future
    assert sender.next_frame() is None


ONE = (1).to_bytes(4)


@pytest.mark.parametrize(
    "junk",
    [
        [b""],
        [ONE + b"\x00" + b"body"],
        [ONE + b"\x01"],
        [ONE + b"\x03" + ONE + (5).to_bytes(4) + b"abc"],
        [ONE + b"\x03" + ONE + (2).to_bytes(4) + b"abc"],
        [ONE + b"\x01" + ONE + (3).to_bytes(4) + b"abc"],
        [ONE + b"\x01" + ONE + (9).to_bytes(4) + b"abc"] * 2,
        [ONE + b"\x01" + (2**32 - 1).to_bytes(4) + b"abc"],
        [ONE + b"\x01" + ONE + (2**32 - 1).to_bytes(4)],
    ],
)
def test_a_chunk_that_does_not_fit_is_junk(junk: list[bytes]) -> None:
    reader = BulkReader()
    for chunk in junk[:-1]:
        reader.feed(memoryview(chunk))
    with pytest.raises(JunkError):
        reader.feed(memoryview(junk[-1]))


def test_an_envelope_is_an_array_without_names() -> None:
    envelope = Envelope("kernel", TELL, 7, "t", 1.5, 2, Note(number=1))
    assert msgspec.msgpack.decode(codec.encode(envelope)) == ["kernel", 0, 7, "t", 1.5, 2, {"type": "test.note", "number": 1, "text": ""}]


def test_a_batch_with_a_message_outside_the_union_is_refused() -> None:
    payload = b"\x91" + codec.encode(Envelope("kernel", TELL, 0, "", 0.0, 0, {"type": "test.unknown"}))
    with pytest.raises(msgspec.ValidationError, match=r"test\.unknown"):
        codec.decode_batch(payload)
