"""The queue that is bounded in memory: order, bytes, the file and its end."""

import errno
import os
import random

import pytest

from actors.kernel.sockets.spill import PIECES_LIMIT, Spill, cost_of


def messages(count: int, *, seed: int = 1) -> list[list[bytes]]:
    source = random.Random(seed)
    return [[source.randbytes(source.choice((0, 1, 40, 3000))) for _ in range(source.randrange(1, 8))] for _ in range(count)]


@pytest.mark.parametrize("memory_bytes", [1, 2000, 20_000, 10_000_000])
def test_messages_come_back_byte_for_byte_in_order_wherever_they_lay(memory_bytes: int) -> None:
    queue, expected, found = Spill(memory_bytes), messages(500), list[list[bytes]]()
    source = random.Random(2)
    for frames in expected:
        queue.append(frames)
        while queue and source.random() < 0.4:
            found.append(queue.popleft())
    assert queue.size_bytes == sum(map(cost_of, expected[len(found) :]))
    while queue:
        found.append(queue.popleft())
    assert found == expected
    assert (len(queue), queue.size_bytes) == (0, 0)


def test_a_message_of_more_frames_than_one_write_takes_comes_back() -> None:
    queue, frames = Spill(1), [b"%d" % number for number in range(3 * PIECES_LIMIT)]
    queue.append([b"first"])
    queue.append(frames)
    assert [queue.popleft(), queue.popleft()] == [[b"first"], frames]


def test_the_file_has_no_name_and_ends_with_the_queue(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    queue = Spill(1000)
    for _ in range(20):
        queue.append([b"x" * 1000])
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before + 1
    queue.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert (len(queue), queue.size_bytes) == (0, 0)


def test_the_file_ends_when_it_was_read_and_begins_anew() -> None:
    before = len(os.listdir("/proc/self/fd"))
    queue = Spill(1)
    for turn in range(3):
        for number in range(5):
            queue.append([b"%d %d" % (turn, number)])
        assert [queue.popleft() for _ in range(5)] == [[b"%d %d" % (turn, number)] for number in range(5)]
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_refuses_one_message_and_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Spill(1)
    queue.append([b"1"])
    queue.append([b"2"])
    written = os.pwritev

    def half(descriptor: int, pieces: list[bytes], at: int) -> int:
        del pieces
        return written(descriptor, [b"\xff\xff"], at)

    def full(descriptor: int, data: bytes, at: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwritev", half)
        broken.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            queue.append([b"3"])
    queue.append([b"4"])
    assert [queue.popleft() for _ in range(len(queue))] == [[b"1"], [b"2"], [b"4"]]
    assert queue.size_bytes == 0
