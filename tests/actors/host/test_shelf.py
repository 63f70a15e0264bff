"""The journal's file: what is put there comes back, and what nobody wants takes no room."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.host import shelf
from actors.host.shelf import FileShelf
from actors.runtime.log import Log

LOG = Log(role="test")


def files() -> int:
    """Files without a name that this process has open."""
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return sum("beaker-told" in os.readlink(link) or "(deleted)" in os.readlink(link) for link in links if os.path.islink(link))


@given(st.lists(st.tuples(st.lists(st.binary(max_size=50), max_size=6), st.booleans()), max_size=40))
def test_messages_come_back_as_they_were_put(messages: list[tuple[list[bytes], bool]]) -> None:
    kept: dict[int, list[bytes]] = {}
    made = FileShelf(LOG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "SEGMENT_BYTES", 100)
        for parts, stays in messages:
            place = made.put(parts)
            assert place is not None
            kept[place] = parts
            if not stays:
                made.free(place)
                del kept[place]
        assert {place: made.get(place) for place in kept} == kept
        for place in kept:
            made.free(place)


def test_a_file_goes_when_nothing_in_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "SEGMENT_BYTES", 1000)
    before, made = files(), FileShelf(LOG)
    places = [made.put([bytes(600)]) for _ in range(10)]
    during = files()
    for place in places[:-1]:
        assert place is not None
        made.free(place)
    assert (during - before, files() - before) == (5, 1)
    assert places[-1] is not None
    made.free(places[-1])
    assert files() == before


def test_a_full_disk_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made = FileShelf(LOG)
    first = made.put([b"a"])

    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert made.put([b"b"]) is None
    monkeypatch.undo()
    second = made.put([b"c"])
    assert first is not None
    assert second is not None
    assert (made.get(first), made.get(second)) == ([b"a"], [b"c"])
    made.free(first)
    made.free(second)


def test_the_files_lie_in_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    made = FileShelf(LOG, str(tmp_path))
    place = made.put([b"a"])
    assert place is not None
    links = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{name}")]
    assert [link for link in links if link.startswith(str(tmp_path))] != []
    assert [*tmp_path.iterdir()] == []
    made.free(place)


def test_where_no_file_can_be_made_there_the_folder_for_temporary_files_takes_them(tmp_path: Path) -> None:
    made = FileShelf(LOG, str(tmp_path / "missing"))
    place = made.put([b"a"])
    assert place is not None
    assert made.get(place) == [b"a"]
    made.free(place)
