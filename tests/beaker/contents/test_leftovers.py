"""What a killed save has left is seen by nobody, and in nobody's way."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from beaker.contents.failures import NotFree
from beaker.contents.leftovers import fresh_file
from beaker.contents.store import Contents

CHECKOUT = Path(__file__).parents[3]

KILLED = """
import os, signal, sys
import beaker_kernel
from beaker.contents import whole_file
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
whole_file.write_whole(sys.argv[1], b"new")
"""


def test_a_folder_in_which_a_save_was_killed_can_be_deleted(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder / "d/a")], cwd=CHECKOUT, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert os.listdir(folder / "d") != [], "what the test is about"
    contents.delete("d")
    assert not (folder / "d").exists()


def test_what_is_left_over_is_gone_once_its_folder_is_listed_and_the_rest_stays(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    for name in (".beaker-save-abc_1234", ".beaker-save-abc_12345", ".beaker-upload-a.txt", ".beaker-notes", "a.txt"):
        (folder / "d" / name).touch()
    listed = contents.get("d").content
    assert isinstance(listed, list)
    assert [entry.name for entry in listed] == ["a.txt"]
    assert sorted(os.listdir(folder / "d")) == [".beaker-notes", ".beaker-save-abc_12345", ".beaker-upload-a.txt", "a.txt"]


def test_a_save_that_is_under_way_is_left_alone(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    descriptor, path = fresh_file(str(folder / "d"))
    contents.get("d")
    with pytest.raises(NotFree, match="1 entries"):
        contents.delete("d")
    assert os.path.exists(path)
    os.close(descriptor)
    contents.delete("d")


def test_a_file_that_was_cleared_before_it_was_held_is_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = tempfile.mkstemp
    made: list[str] = []

    def cleared_at_first(*, prefix: str, dir: str) -> tuple[int, str]:  # noqa: A002 -- as it is called
        descriptor, path = make(prefix=prefix, dir=dir)
        made.append(path)
        if len(made) == 1:
            os.unlink(path)
        return descriptor, path

    monkeypatch.setattr(tempfile, "mkstemp", cleared_at_first)
    descriptor, path = fresh_file(str(folder))
    os.close(descriptor)
    assert os.listdir(folder) == [os.path.basename(path)]
