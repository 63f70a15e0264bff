"""The shared memory of a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.gateway.slots import REST_S, Slots
from actors.host.seen import Seen


class _Time:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_slot_is_two_words_that_others_can_read(tmp_path: Path) -> None:
    slots = Slots([f"{tmp_path}/seen"], 4, limit=4, now_s=_Time())
    assert (slots.take(), slots.take()) == (0, 1)
    slots.left(1, 2**61 + 7)
    slots.took(1, 2**61 + 6)
    # Behind the slots: how many are taken.
    words = [0, 0, 2**61 + 7, 2**61 + 6, 0, 0, 0, 0, 2]
    assert (tmp_path / "seen").read_bytes() == b"".join(word.to_bytes(8, "little") for word in words)
    assert (tmp_path / "seen").stat().st_mode & 0o777 == 0o600
    slots.close()
    assert list(tmp_path.iterdir()) == []


def test_no_more_are_taken_than_may_be(tmp_path: Path) -> None:
    slots = Slots([f"{tmp_path}/seen"], 4, limit=1, now_s=_Time())
    assert (slots.take(), slots.take(), slots.taken) == (0, None, 1)


def test_one_that_was_given_back_rests_and_then_says_nothing(tmp_path: Path) -> None:
    time = _Time()
    slots = Slots([f"{tmp_path}/seen"], 1, limit=1, now_s=time)
    assert slots.take() == 0
    slots.left(0, 5)
    slots.give_back(0)
    assert (slots.take(), slots.read(0)) == (None, (5, 0))
    time.now_s += REST_S
    assert (slots.take(), slots.read(0)) == (0, (0, 0))


def test_fresh_ones_are_taken_before_those_that_rest(tmp_path: Path) -> None:
    time = _Time()
    slots = Slots([f"{tmp_path}/seen"], 3, limit=3, now_s=time)
    first = slots.take()
    assert first == 0
    slots.give_back(first)
    time.now_s += REST_S
    assert [slots.take() for _ in range(3)] == [1, 2, 0]


def test_the_limit_holds_for_all_workers_together_and_one_may_have_all(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        mine = Slots([str(tmp_path / f"seen-{os.getpid()}")], 3, limit=3, now_s=lambda: 0.0)
        theirs = Slots([str(tmp_path / f"seen-{other.pid}")], 3, limit=3, now_s=lambda: 0.0)
        taken = [mine.take(), mine.take(), theirs.take()]
        assert None not in taken
        assert (mine.take(), theirs.take(), mine.everywhere) == (None, None, 3)
        theirs.give_back(0)
        assert mine.take() is not None
        other.kill()
    theirs.close()
    mine.close()


def test_what_a_worker_had_that_has_gone_counts_no_more(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    theirs = Slots([str(tmp_path / f"seen-{gone.pid}")], 1, limit=1, now_s=lambda: 0.0)
    theirs.take()
    mine = Slots([str(tmp_path / f"seen-{os.getpid()}")], 1, limit=1, now_s=lambda: 0.0)
    assert mine.take() == 0
    theirs.close()
    mine.close()


def test_where_the_first_folder_is_full_they_lie_in_the_second_and_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files(pid: int) -> list[str]:
        return [str(tmp_path / folder / f"seen-{pid}") for folder in ("run", "state")]

    def once_full(descriptor: int, data: bytes, offset: int) -> int:
        monkeypatch.undo()
        return write(descriptor, data[:1], offset)

    for folder in ("run", "state"):
        (tmp_path / folder).mkdir()
    write = os.pwrite
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = Slots(files(other.pid), 2, limit=2, now_s=lambda: 0.0)
        monkeypatch.setattr(os, "pwrite", once_full)
        mine = Slots(files(os.getpid()), 2, limit=2, now_s=lambda: 0.0)
        assert (theirs.path, mine.path) == (files(other.pid)[0], files(os.getpid())[1])
        assert (mine.take(), theirs.take(), mine.take(), theirs.take()) == (0, 0, None, None)
        other.communicate(b"\n")
    assert Seen([str(tmp_path / "run"), str(tmp_path / "state")], os.getpid()).slots == 2
    mine.close()
    theirs.close()
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
