"""A folder that becomes a link between the look where a path leads and the opening leads nowhere."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from beaker.contents.checkpoints import make_checkpoint, restore_checkpoint
from beaker.contents.failures import NotAllowed
from beaker.contents.paths import Place, Root
from beaker.contents.uploads import take_piece
from beaker.contents.whole_file import write_whole
from beaker.contents.within import holding, names_within, open_within


@pytest.fixture
def swapped(tmp_path: Path) -> tuple[Place, Path]:
    """The place of a file in a folder that leads out by now, and what is there."""
    for folder in ("served/d", "outside"):
        (tmp_path / folder / ".ipynb_checkpoints").mkdir(parents=True)
        (tmp_path / folder / "f.txt").write_text(folder)
        (tmp_path / folder / ".ipynb_checkpoints/f-checkpoint.txt").write_text(folder)
    place = Root(str(tmp_path / "served")).find("d/f.txt")
    (tmp_path / "served/d").rename(tmp_path / "served/was")
    (tmp_path / "served/d").symlink_to(tmp_path / "outside")
    return place, tmp_path / "outside"


def _unlink(place: Place) -> None:
    with holding(place) as (folder, name):
        os.unlink(name, dir_fd=folder)


DEEDS: dict[str, Callable[[Place], object]] = {
    "read": lambda place: open_within(place).read(),
    "list": lambda place: names_within(place._replace(real=os.path.dirname(place.real))),
    "write": lambda place: write_whole(place.real, b"new", root=place.root),
    "remove": _unlink,
    "keep": make_checkpoint,
    "put back": lambda place: restore_checkpoint(place, "checkpoint"),
    "upload": lambda place: take_piece(place, b"new", 1),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_read_written_or_removed_there(swapped: tuple[Place, Path], deed: str) -> None:
    place, outside = swapped
    with pytest.raises(NotAllowed, match="leads out of the folder that is served"):
        DEEDS[deed](place)
    assert sorted(os.listdir(outside)) == [".ipynb_checkpoints", "f.txt"]
    assert (outside / "f.txt").read_text() == "outside"
    assert (outside / ".ipynb_checkpoints/f-checkpoint.txt").read_text() == "outside"


def test_a_file_with_several_names_is_not_written_there_either(swapped: tuple[Place, Path]) -> None:
    place, outside = swapped
    os.link(outside / "f.txt", outside / "g.txt")
    with pytest.raises(NotAllowed):
        write_whole(place.real, b"new", root=place.root)
    assert (outside / "g.txt").read_text() == "outside"
