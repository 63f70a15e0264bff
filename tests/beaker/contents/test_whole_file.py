"""Files are written whole or not at all."""

import errno
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from beaker.contents.failures import ContentsError, NoRoom, NotThere, Torn
from beaker.contents.whole_file import write_whole


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole(str(tmp_path / "new"), b"1")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"1")
    file.chmod(0o604)
    write_whole(str(file), b"2")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"2", 0o604)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    (tmp_path / "old").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match=r"'old': .*Nothing was changed"):
        write_whole(str(tmp_path / "old"), b"new")
    assert (_names(tmp_path), (tmp_path / "old").read_bytes()) == (["old"], b"old")


def test_who_dies_in_the_middle_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_bytes(b"old")

    def killed(*_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_whole(str(tmp_path / "old"), b"new")
    assert (_names(tmp_path), (tmp_path / "old").read_bytes()) == (["old"], b"old")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"1")
    (tmp_path / "link").symlink_to("target")
    write_whole(str(tmp_path / "link"), b"2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"2"


def test_a_file_with_two_names_keeps_both(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"long before")
    os.link(tmp_path / "one", tmp_path / "two")
    write_whole(str(tmp_path / "one"), b"2")
    assert (tmp_path / "two").read_bytes() == b"2"


def test_without_room_a_file_with_two_names_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"old" * 100)
    os.link(tmp_path / "one", tmp_path / "two")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the system refuses what goes beyond, as on a full disk
    try:
        with pytest.raises(NoRoom, match="Nothing was changed"):
            write_whole(str(tmp_path / "one"), b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "two").read_bytes() == b"old" * 100


def _failing(times: int) -> Callable[[int], None]:
    left = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))] * times

    def fsync(_: int) -> None:
        if left:
            raise left.pop()

    return fsync


@pytest.mark.parametrize("new", [b"", b"new", b"much longer than the old one"])
@pytest.mark.parametrize(
    ("times", "failure", "words"),
    [(1, NoRoom, "Nothing was changed"), (2, Torn, "'one': No space left on device.* may be half old and half new")],
    ids=["what was written is put back", "what cannot be put back is said"],
)
def test_what_fails_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, failure: type[ContentsError], words: str, new: bytes
) -> None:
    (tmp_path / "one").write_bytes(b"the old one")
    os.link(tmp_path / "one", tmp_path / "two")
    monkeypatch.setattr(os, "fsync", _failing(times))
    with pytest.raises(failure, match=words):
        write_whole(str(tmp_path / "one"), new)
    if failure is NoRoom:
        assert (tmp_path / "two").read_bytes() == b"the old one"


def test_without_a_folder_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="no folder for it"):
        write_whole(str(tmp_path / "none/file"), b"")
