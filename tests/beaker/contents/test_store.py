"""What each call of the contents interface does."""

import base64
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.sign import MemorySignatureStore, NotebookNotary

from beaker.contents.checkpoints import checkpoint_file, delete_checkpoint, list_checkpoints, make_checkpoint, restore_checkpoint
from beaker.contents.failures import ContentsError, NotAllowed, NotFree, NotThat, NotThere
from beaker.contents.models import Given
from beaker.contents.paths import Root
from beaker.contents.store import Contents
from beaker.contents.whole_file import ABSENT, fingerprint

v4: Any = nbformat.v4  # Any: nbformat is untyped


def _notebook(*cells: str, trusted: bool = True) -> dict[str, Any]:  # Any: a notebook
    made = v4.new_notebook(cells=[v4.new_code_cell(cell, outputs=[v4.new_output("display_data", {"text/html": "<b>"})]) for cell in cells])
    for cell in made.cells:
        cell.metadata.trusted = trusted
    content: dict[str, Any] = json.loads(json.dumps(made))
    return content


def _text(text: str) -> Given:
    return Given(type="file", format="text", content=text)


def test_a_notebook_comes_back_as_it_was_saved(contents: Contents, folder: Path) -> None:
    saved, fresh = contents.save("n.ipynb", Given(type="notebook", format="json", content=_notebook("1 + 1")))
    assert (saved.name, saved.type, saved.format, saved.content, fresh) == ("n.ipynb", "notebook", None, None, True)
    read = contents.get("n.ipynb", hashed=True)
    assert read.content["cells"][0]["source"] == "1 + 1"
    assert (read.format, read.mimetype, read.hash, read.hash_algorithm) == ("json", None, saved.hash, "sha256")
    assert read.hash == fingerprint((folder / "n.ipynb").read_bytes())
    assert contents.save("n.ipynb", Given(type="notebook", format="json", content=_notebook("2")))[1] is False


@pytest.mark.parametrize("trusted", [True, False])
def test_trust_is_kept_beside_the_file_and_not_in_it(contents: Contents, folder: Path, trusted: bool) -> None:
    contents.save("n.ipynb", Given(type="notebook", content=_notebook("x", trusted=trusted)))
    assert "trusted" not in (folder / "n.ipynb").read_text()
    assert contents.get("n.ipynb").content["cells"][0]["metadata"]["trusted"] is trusted


def test_a_notebook_that_somebody_else_wrote_is_not_trusted(contents: Contents, folder: Path) -> None:
    (folder / "n.ipynb").write_text(json.dumps(_notebook("x")))
    assert contents.get("n.ipynb").content["cells"][0]["metadata"]["trusted"] is False


BROKEN = [b"", b"{", b"[]", b"null", b"{}", b'{"nbformat": 4}', b"\xff\xfe", b'{"nbformat": "x", "cells": 1}', b"[" * 100_000]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_no_notebook_is_said_so_and_can_be_read_as_text(contents: Contents, folder: Path, data: bytes) -> None:
    (folder / "n.ipynb").write_bytes(data)
    with pytest.raises(NotThat, match=r"'n.ipynb' is no notebook"):
        contents.get("n.ipynb")
    assert contents.get("n.ipynb", kind="file").type == "file"


STRANGE: list[object] = [None, "text", [], {}, {"cells": []}, {"nbformat": 4, "cells": 3}, {"nbformat": 99, "cells": [], "metadata": {}}]


@pytest.mark.parametrize("content", STRANGE)
def test_what_is_no_notebook_does_not_take_the_place_of_one(contents: Contents, folder: Path, content: object) -> None:
    contents.save("n.ipynb", Given(type="notebook", content=_notebook("x")))
    before = (folder / "n.ipynb").read_bytes()
    with pytest.raises(NotThat, match="was not saved"):
        contents.save("n.ipynb", Given(type="notebook", content=content))
    assert (folder / "n.ipynb").read_bytes() == before


def test_old_notebooks_are_upgraded_as_they_are_read(contents: Contents, folder: Path) -> None:
    cell = {"cell_type": "code", "input": "1", "outputs": [], "language": "python"}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    (folder / "old.ipynb").write_text(json.dumps(old))
    assert contents.get("old.ipynb").content["nbformat"] == 4


def test_text_and_bytes_come_back(contents: Contents) -> None:
    contents.save("a.txt", _text("grüß\n"))
    assert (contents.get("a.txt").content, contents.get("a.txt").mimetype) == ("grüß\n", "text/plain")
    data = bytes(range(256))
    contents.save("b.bin", Given(type="file", format="base64", content=base64.b64encode(data).decode()))
    read = contents.get("b.bin")
    assert (read.format, base64.b64decode(read.content), read.mimetype, read.size) == ("base64", data, "application/octet-stream", 256)
    with pytest.raises(NotThat, match="no text in UTF-8"):
        contents.get("b.bin", form="text")


@pytest.mark.parametrize("given", [("base64", "no base64!"), ("base64", "é"), ("text", 3), ("text", "\ud83e"), (None, "x"), ("json", "x")])
def test_what_cannot_be_meant_is_not_saved(contents: Contents, folder: Path, given: tuple[Any, Any]) -> None:
    with pytest.raises(NotThat, match="was not saved"):
        contents.save("x", Given(type="file", format=given[0], content=given[1]))
    assert list(folder.iterdir()) == []


def test_large_files_come_in_pieces_and_are_there_with_the_last(contents: Contents, folder: Path) -> None:
    contents.save("big", _text("old"))
    for number, text in [(1, "one "), (2, "two "), (-1, "three")]:
        assert (folder / "big").read_text() == "old"
        model, _ = contents.save("big", Given(type="file", format="text", content=text, chunk=number))
    assert ((folder / "big").read_text(), model.size) == ("one two three", 13)
    assert [entry.name for entry in folder.iterdir()] == ["big"]


def test_a_piece_that_nobody_has_begun_is_refused(contents: Contents) -> None:
    for number in (2, -1):
        with pytest.raises(NotThere, match="its first piece did not come"):
            contents.save("big", Given(type="file", format="text", content="x", chunk=number))
    with pytest.raises(NotThat, match="numbered"):
        contents.save("big", Given(type="file", format="text", content="x", chunk=0))


def piece(text: str, number: int) -> Given:
    """Of a large file."""
    return Given(type="file", format="text", content=text, chunk=number)


def test_of_two_uploads_of_one_name_at_once_the_second_is_refused_and_the_first_is_whole(contents: Contents, folder: Path) -> None:
    contents.save("big", piece("mine ", 1))
    with pytest.raises(NotFree, match="another upload of this name is under way"):
        contents.save("big", piece("theirs ", 1))
    contents.save("big", piece("too", -1))
    assert (folder / "big").read_text() == "mine too"
    contents.save("big", piece("theirs ", 1))
    contents.save("big", piece("too", -1))
    assert (folder / "big").read_text() == "theirs too"


@pytest.mark.parametrize("number", [3, -1])
def test_one_who_goes_on_after_somebody_else_has_begun_anew_is_refused(contents: Contents, folder: Path, number: int) -> None:
    for text, count in (("m", 1), ("i", 2)):
        contents.save("big", piece(text, count), who="me")
    (part,) = folder.iterdir()
    os.utime(part, (time.time() - 20,) * 2)
    for text, count in (("th", 1), ("ei", 2)):
        contents.save("big", piece(text, count), who="them")
    with pytest.raises(NotFree, match="another upload has begun"):
        contents.save("big", piece("ne", number), who="me")
    contents.save("big", piece("rs", -1), who="them")
    assert (folder / "big").read_text() == "theirs"


def test_a_first_piece_that_comes_twice_is_no_second_upload(contents: Contents, folder: Path) -> None:
    for text, number in (("a", 1), ("a", 1), ("b", -1)):
        contents.save("big", piece(text, number))
    assert (folder / "big").read_text() == "ab"


@pytest.mark.parametrize("number", [1, 3, 7, 2**40])
def test_a_piece_that_does_not_follow_the_one_before_is_refused(contents: Contents, folder: Path, number: int) -> None:
    for text, count in (("a", 1), ("b", 2), ("c", 3)):
        contents.save("big", piece(text, count))
    with pytest.raises(NotFree):
        contents.save("big", piece("x", number))
    contents.save("big", piece("d", -1))
    assert (folder / "big").read_text() == "abcd"


@pytest.mark.parametrize("age_s", [20, -3600], ids=["an old one", "one from before the clock was set back"])
def test_an_upload_that_broke_off_is_not_listed_and_begun_anew(contents: Contents, folder: Path, age_s: float) -> None:
    contents.save("big", Given(type="file", format="text", content="broken off", chunk=1))
    assert contents.get("").content == []
    (part,) = folder.iterdir()
    os.utime(part, (time.time() - age_s,) * 2)
    contents.save("big", Given(type="file", format="text", content="a", chunk=1))
    contents.save("big", Given(type="file", format="text", content="b", chunk=-1))
    assert (folder / "big").read_text() == "ab"


def test_a_folder_can_be_deleted_once_nobody_goes_on_with_an_upload_into_it(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    contents.save("d/a.bin", Given(type="file", format="text", content="broken off", chunk=1))
    with pytest.raises(NotFree, match="'d' is not empty"):
        contents.delete("d")
    old = time.time() - 60
    os.utime(folder / "d/.beaker-upload-a.bin", (old, old))
    contents.delete("d")
    assert list(folder.iterdir()) == []


def test_who_has_not_seen_what_is_there_does_not_save_over_it(contents: Contents, folder: Path) -> None:
    seen = contents.save("a", _text("mine"))[0].hash
    (folder / "a").write_text("theirs")
    with pytest.raises(NotFree, match="changed by somebody else"):
        contents.save("a", _text("mine again"), expected=seen)
    assert (folder / "a").read_text() == "theirs"
    (folder / "a").write_text("mine")
    contents.save("a", _text("mine again"), expected=seen)
    (folder / "a").unlink()
    with pytest.raises(NotFree):
        contents.save("a", _text("x"), expected=seen)


def test_a_folder_lists_what_can_be_seen(contents: Contents, folder: Path) -> None:
    (folder / "b").mkdir()
    (folder / "a.ipynb").write_text("{}")
    (folder / ".hidden").write_text("")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "out").symlink_to("../secret.txt")
    (folder / "nowhere").symlink_to("none")
    os.mkfifo(folder / "pipe")
    listed = contents.get("")
    assert [(model.name, model.path, model.type, model.content) for model in listed.content] == [
        ("a.ipynb", "a.ipynb", "notebook", None),
        ("b", "b", "directory", None),
    ]
    assert (listed.type, listed.format, listed.name, listed.path, listed.size) == ("directory", "json", "", "", None)
    assert contents.get("", content=False).content is None


def test_a_name_that_is_no_text_does_not_spoil_the_list(contents: Contents, folder: Path) -> None:
    (folder / "a").write_text("")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("")
    assert [model.name for model in contents.get("").content] == ["a"]


def test_what_is_new_is_empty_unless_it_says_something(contents: Contents, folder: Path) -> None:
    assert contents.save("n.ipynb", Given(type="notebook"))[1] is True
    assert contents.get("n.ipynb").content["cells"] == []
    contents.save("a", Given(type="file"))
    assert (folder / "a").read_text() == ""
    with pytest.raises(NotThat):
        contents.save("n.ipynb", Given(type="notebook"))


def test_who_wants_something_new_does_not_save_over_what_is_there(contents: Contents, folder: Path) -> None:
    contents.save("a", _text("first"), expected=ABSENT)
    with pytest.raises(NotFree, match="there is a 'a' already"):
        contents.save("a", _text("second"), expected=ABSENT)
    assert (folder / "a").read_text() == "first"


def test_a_notebook_is_trusted_once_the_user_says_so(contents: Contents, folder: Path) -> None:
    (folder / "n.ipynb").write_text(json.dumps(_notebook("x")))
    contents.trust("n.ipynb")
    assert contents.get("n.ipynb").content["cells"][0]["metadata"]["trusted"] is True
    with pytest.raises(NotThere):
        contents.trust("none.ipynb")


def test_a_notebook_with_half_a_character_is_kept_and_not_trusted(contents: Contents, folder: Path) -> None:
    contents.save("n.ipynb", Given(type="notebook", content=_notebook("'\ud83d'", trusted=True)))
    (cell,) = contents.get("n.ipynb").content["cells"]
    assert (cell["source"], cell["metadata"]["trusted"]) == ("'\ud83d'", False)
    with pytest.raises(NotThat, match="cannot be trusted: it holds half a character"):
        contents.trust("n.ipynb")


class _Broken(NotebookNotary):
    """Its store is on a disk that is full, or locked."""

    def check_signature(self, nb: Any) -> bool:  # Any: as in nbformat
        raise sqlite3.OperationalError("database is locked")

    def sign(self, nb: Any) -> None:  # Any: as in nbformat
        raise sqlite3.OperationalError("database or disk is full")


def test_a_notebook_is_saved_though_its_trust_cannot_be(folder: Path) -> None:
    contents = Contents(Root(str(folder)), _Broken(secret=b"x", store_factory=MemorySignatureStore))  # type: ignore[no-untyped-call]  # nbformat is untyped
    contents.save("n.ipynb", Given(type="notebook", content=_notebook("x")))
    assert contents.get("n.ipynb").content["cells"][0]["metadata"]["trusted"] is False
    with pytest.raises(NotAllowed, match="could not be written down"):
        contents.trust("n.ipynb")


def test_a_root_that_is_gone_is_said_to_be_and_all_goes_on_once_it_is_back(contents: Contents, folder: Path) -> None:
    folder.rmdir()
    calls: list[Callable[[], object]] = [lambda: contents.get(""), lambda: contents.new("", kind="notebook")]
    for call in calls:
        with pytest.raises(NotThere, match="the folder that is served is not there any more"):
            call()
    folder.mkdir()
    assert contents.new("", kind="notebook").name == "Untitled.ipynb"


def test_a_pipe_is_not_waited_for(contents: Contents, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(NotThat, match="no ordinary file"):
        contents.get("pipe")


def test_another_kind_than_was_asked_for_is_refused(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "f").write_text("")
    with pytest.raises(NotThat, match="'d' is a directory, not a file"):
        contents.get("d", kind="file")
    with pytest.raises(NotThat, match="'f' is a file, not a directory"):
        contents.get("f", kind="directory")
    with pytest.raises(NotThat, match="'d' is a directory"):
        contents.save("d", _text("x"))
    with pytest.raises(NotFree, match="there is a file 'f'"):
        contents.save("f", Given(type="directory"))


def test_new_things_get_free_names(contents: Contents) -> None:
    assert [contents.new("", kind="notebook").name for _ in range(3)] == ["Untitled.ipynb", "Untitled1.ipynb", "Untitled2.ipynb"]
    assert [contents.new("", extension=".ipynb").type, contents.new("", extension=".md").name] == ["notebook", "untitled.md"]
    assert [contents.new("", kind="directory").name for _ in range(2)] == ["Untitled Folder", "Untitled Folder 1"]
    assert contents.new("Untitled Folder").path == "Untitled Folder/untitled"
    for extension in ("/../x", "\0"):
        with pytest.raises(NotThat):
            contents.new("", extension=extension)
    with pytest.raises(NotThere, match="no folder 'none'"):
        contents.new("none")


def test_copies_get_free_names(contents: Contents) -> None:
    contents.save("a.tar.gz", _text("x"))
    assert [contents.copy("a.tar.gz", "").name, contents.copy("a-Copy1.tar.gz", "").name] == ["a-Copy1.tar.gz", "a-Copy2.tar.gz"]
    contents.new("", kind="directory")
    with pytest.raises(NotThat, match="only files"):
        contents.copy("Untitled Folder", "")
    with pytest.raises(NotThere):
        contents.copy("none", "")


def test_a_name_that_is_taken_is_not_given(contents: Contents, folder: Path) -> None:
    contents.save("a", _text("a"))
    contents.save("b", _text("b"))
    with pytest.raises(NotFree, match="there is a 'b' already"):
        contents.rename("a", "b")
    assert contents.rename("a", "c").path == "c"
    assert contents.rename("c", "c").path == "c"
    assert (folder / "b").read_text() == "b"
    for old, new, failure in [("none", "x", NotThere), ("b", "", NotAllowed), ("b", "none/x", NotThere), ("b", "../x", NotThere)]:
        with pytest.raises(failure):
            contents.rename(old, new)


def test_a_folder_is_deleted_only_when_it_is_empty(contents: Contents, folder: Path) -> None:
    (folder / "d/.ipynb_checkpoints").mkdir(parents=True)
    contents.save("d/a", _text("x"))
    with pytest.raises(NotFree, match="'d' is not empty"):
        contents.delete("d")
    contents.delete("d/a")
    contents.delete("d")
    assert list(folder.iterdir()) == []
    with pytest.raises(NotThere):
        contents.delete("d")
    with pytest.raises(NotAllowed):
        contents.delete("")


def test_deleting_a_link_leaves_what_it_leads_to(contents: Contents, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "d/a").write_text("x")
    (folder / "link").symlink_to("d")
    contents.delete("link")
    assert (folder / "d/a").exists()


def test_a_checkpoint_brings_back_what_was_kept(contents: Contents, folder: Path) -> None:
    contents.save("d.txt", _text("first"))
    place = contents.find("d.txt")
    assert list_checkpoints(place) == []
    made = make_checkpoint(place)
    assert list_checkpoints(place) == [made]
    assert (folder / ".ipynb_checkpoints/d-checkpoint.txt").read_text() == "first", "where Jupyter looks for it"
    contents.save("d.txt", _text("second"))
    restore_checkpoint(place, made.id)
    assert contents.get("d.txt").content == "first"
    contents.rename("d.txt", "e.txt")
    assert len(list_checkpoints(contents.find("e.txt"))) == 1
    for wrong in ("other", "../x"):
        with pytest.raises(NotThere, match="has no checkpoint"):
            restore_checkpoint(contents.find("e.txt"), wrong)
    delete_checkpoint(contents.find("e.txt"), made.id)
    assert list_checkpoints(contents.find("e.txt")) == []
    make_checkpoint(contents.find("e.txt"))
    contents.delete("e.txt")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("stem", ["n" * 244, "\u00e4" * 121 + "nn", "n" * 249], ids=["ascii", "two bytes a letter", "the longest"])
def test_a_file_whose_name_is_nearly_too_long_is_kept_copied_and_put_back(stem: str, contents: Contents, folder: Path) -> None:
    name = f"{stem}.ipynb"
    contents.save(name, Given(type="notebook", format="json", content=_notebook("first")))
    place = contents.find(name)
    made = make_checkpoint(place)
    assert list_checkpoints(place) == [made]
    copies = [contents.copy(name, "").name for _ in range(2)]
    assert [copy[-12:] for copy in copies] == ["-Copy1.ipynb", "-Copy2.ipynb"]
    assert max(len(os.fsencode(path.name)) for path in folder.iterdir()) <= 255
    contents.save(name, Given(type="notebook", format="json", content=_notebook("second")))
    restore_checkpoint(place, made.id)
    assert contents.get(name).content["cells"][0]["source"] == "first"
    contents.rename(name, "e.ipynb")
    assert len(list_checkpoints(contents.find("e.ipynb"))) == 1


def test_two_long_names_that_end_unlike_have_a_checkpoint_each(contents: Contents) -> None:
    names = ["n" * 250 + "1", "n" * 250 + "2"]
    for name in names:
        contents.save(name, _text(name))
        make_checkpoint(contents.find(name))
    assert checkpoint_file(contents.find(names[0])) != checkpoint_file(contents.find(names[1]))
    restore_checkpoint(contents.find(names[0]), "checkpoint")
    assert contents.get(names[0]).content == names[0]


def test_a_large_file_with_a_long_name_comes_in_pieces_too(contents: Contents) -> None:
    name = "n" * 255
    contents.save(name, piece("a", 1))
    contents.save(name, piece("b", -1))
    assert contents.get(name).content == "ab"


@pytest.mark.parametrize("deed", ["save", "folder", "rename", "new"])
def test_a_name_that_is_too_long_is_said_to_be(deed: str, contents: Contents) -> None:
    contents.save("a", _text(""))
    name = "x" * 256
    deeds: dict[str, Callable[[], object]] = {
        "save": lambda: contents.save(name, _text("")),
        "folder": lambda: contents.save(name, Given(type="directory")),
        "rename": lambda: contents.rename("a", name),
        "new": lambda: contents.new("", extension=f".{name}"),
    }
    with pytest.raises(NotThat, match="is too long for the disk; most take 255 bytes for a name"):
        deeds[deed]()


def test_the_folder_that_is_served_has_no_checkpoint_beside_it(contents: Contents, folder: Path) -> None:
    kept = folder.parent / ".ipynb_checkpoints/test-checkpoint"
    kept.parent.mkdir()
    kept.write_text("secret")
    for call in (restore_checkpoint, delete_checkpoint):
        with pytest.raises(NotAllowed, match="leads out"):
            call(contents.find(""), "checkpoint")
    assert kept.read_text() == "secret"


def test_every_failure_is_one_of_contents(contents: Contents, folder: Path) -> None:
    (folder / "n").write_text("")
    for path in ("n/x", "x" * 300):
        with pytest.raises(ContentsError):
            contents.get(path)
        with pytest.raises(ContentsError):
            contents.save(path, _text(""))
