"""Files that a question mentions."""

import os
from pathlib import Path

import pytest

from beaker.kernel.mentioned_file import SHOWN_BYTES, Read, file_matches, read_mentioned


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "notebooks"
    (inside / "data").mkdir(parents=True)
    (inside / "data/a b.csv").write_text("x,y\n1,2\n")
    (inside / "notes.txt").write_text("größe")
    (inside / ".hidden").write_text("h")
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "notebooks-of-hers").mkdir()
    (tmp_path / "notebooks-of-hers/x.txt").write_text("sibling")
    return inside


def sentence(path: str, folder: Path) -> str:
    said = read_mentioned(path, str(folder))
    assert isinstance(said, str), said
    return said


def test_text_within_the_folder_is_read(folder: Path) -> None:
    assert read_mentioned("data/a b.csv", str(folder)) == Read(text="x,y\n1,2\n", size_bytes=8)
    assert read_mentioned("./data/../notes.txt", str(folder)) == Read(text="größe", size_bytes=7)
    assert read_mentioned(str(folder / "notes.txt"), str(folder)) == Read(text="größe", size_bytes=7)


def test_nothing_outside_of_the_folder_is_read_whatever_way_leads_there(folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "outside.txt")
    (folder / "up").symlink_to(folder.parent)
    for path in ("../outside.txt", "/etc/hostname", "link.txt", "up/outside.txt", "~/x", "../notebooks-of-hers/x.txt"):
        assert "lies outside of the notebook's folder" in sentence(path, folder)


@pytest.mark.parametrize("name", [".env", ".env.local", "id_rsa", "server.pem", ".netrc", "credentials.json"])
def test_files_that_hold_keys_are_left_out(folder: Path, name: str) -> None:
    (folder / name).write_text("OPENAI_API_KEY=sk-canary")
    (folder / "innocent.txt").symlink_to(folder / name)
    for path in (name, "innocent.txt"):
        assert sentence(path, folder) == f"`{path}` was not read: files with such names hold keys"


def test_what_is_no_text_is_refused_in_words(folder: Path) -> None:
    (folder / "x.npy").write_bytes(b"\x93NUMPY\0\1" * 10)
    (folder / "latin.txt").write_bytes("äöü".encode("latin-1") * 100)
    os.mkfifo(folder / "pipe")
    assert sentence("x.npy", folder) == "`x.npy` is a binary file of 80 bytes, so it was not read"
    assert sentence("latin.txt", folder) == "`latin.txt` is no text in UTF-8, so it was not read"
    assert sentence("pipe", folder) == "`pipe` is no ordinary file"
    assert sentence("data", folder) == "`data` is a folder"
    assert sentence("nothing.csv", folder) == "there is no file `nothing.csv` in the notebook's folder"
    assert "could not be read" in sentence("a\0b", folder)
    assert "could not be read" in sentence("x" * 5000, folder)


def test_a_long_file_is_cut_and_says_so(folder: Path) -> None:
    (folder / "long.txt").write_text("ä" * 100_000)
    read = read_mentioned("long.txt", str(folder))
    assert isinstance(read, Read)
    assert len(read.text.encode()) < SHOWN_BYTES + 100
    assert read.text.endswith("... 184.0 kB more are left out ...")


def test_paths_are_completed_within_the_folder(folder: Path) -> None:
    assert file_matches("", str(folder)) == ["data/", "notes.txt"]
    assert file_matches("d", str(folder)) == ["data/"]
    assert file_matches("data/", str(folder)) == ["data/a b.csv"]
    assert file_matches(".h", str(folder)) == [".hidden"]
    assert file_matches("../", str(folder)) == []
    assert file_matches("nowhere/", str(folder)) == []
