"""The journal's file: what is put there comes back, and what nobody wants takes no room."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.host import shelf
from actors.host.shelf import FileShelf
from actors.runtime.log import Log
from beaker.gateway.told import ToldJournal

LOG = Log(role="test")


def sizes(folder: Path) -> list[int]:
    """The bytes of each of those that lie there."""
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return [os.stat(link).st_size for link in links if os.path.islink(link) and os.readlink(link).startswith(f"{folder}/")]


@given(st.lists(st.tuples(st.lists(st.binary(max_size=50), max_size=6), st.booleans(), st.booleans()), max_size=40))
def test_messages_come_back_as_they_were_put(messages: list[tuple[list[bytes], bool, bool]]) -> None:
    kept: dict[int, list[bytes]] = {}
    made = FileShelf(LOG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "SEGMENT_BYTES", 100)
        for parts, stays, vital in messages:
            place = made.put(parts, vital=vital)
            assert place is not None
            kept[place] = parts
            if not stays:
                made.free(place)
                del kept[place]
        assert {place: made.get(place) for place in kept} == kept
        for place in kept:
            made.free(place)


def test_a_file_goes_when_nothing_in_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "SEGMENT_BYTES", 1000)
    made = FileShelf(LOG, str(tmp_path))
    places = [made.put([bytes(600)], vital=False) for _ in range(10)]
    during = len(sizes(tmp_path))
    for place in places[:-1]:
        assert place is not None
        made.free(place)
    assert (during, len(sizes(tmp_path))) == (5, 1)
    assert places[-1] is not None
    made.free(places[-1])
    assert sizes(tmp_path) == []


@pytest.mark.parametrize("drops", ["beyond its own limit", "as others need the room"])
def test_outputs_that_are_dropped_leave_the_disk_though_the_statuses_between_them_stay(
    drops: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment_bytes, limit_bytes, count = 10_000, 100_000, 2000
    monkeypatch.setattr(shelf, "SEGMENT_BYTES", segment_bytes)
    limit = limit_bytes if drops == "beyond its own limit" else count * 2 * 1000
    journal = ToldJournal(FileShelf(LOG, str(tmp_path)), first=1, limit_bytes=limit, memory_bytes=1000)
    for _ in range(count):
        journal.add("", "iopub", [bytes(10)], vital=True)
        journal.add("", "iopub", [bytes(700)], vital=False)
        journal.bound()
    journal.give_up(limit_bytes)
    assert journal.dropped > count // 2
    kept = sizes(tmp_path)
    # Each of the two kinds has one segment that is being written and one that is being dropped.
    assert sum(kept) <= max(limit_bytes, journal.size_bytes) + 4 * segment_bytes
    assert len(kept) <= max(limit_bytes, journal.size_bytes) // segment_bytes + 4
    journal.clear()
    assert sizes(tmp_path) == []


def test_a_full_disk_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made = FileShelf(LOG)
    first = made.put([b"a"], vital=False)

    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert made.put([b"b"], vital=False) is None
    monkeypatch.undo()
    second = made.put([b"c"], vital=False)
    assert first is not None
    assert second is not None
    assert (made.get(first), made.get(second)) == ([b"a"], [b"c"])
    made.free(first)
    made.free(second)


def test_the_files_lie_in_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    made = FileShelf(LOG, str(tmp_path))
    place = made.put([b"a"], vital=False)
    assert place is not None
    links = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{name}")]
    assert [link for link in links if link.startswith(str(tmp_path))] != []
    assert [*tmp_path.iterdir()] == []
    made.free(place)


def test_where_no_file_can_be_made_there_the_folder_for_temporary_files_takes_them(tmp_path: Path) -> None:
    made = FileShelf(LOG, str(tmp_path / "missing"))
    place = made.put([b"a"], vital=False)
    assert place is not None
    assert made.get(place) == [b"a"]
    made.free(place)
