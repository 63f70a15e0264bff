"""Checkpoints: one for each file, in a folder beside it, as Jupyter keeps them and finds them again."""

import os
import shutil
from datetime import UTC, datetime
from typing import Final

import msgspec

from beaker.contents.failures import NotThere
from beaker.contents.paths import CHECKPOINTS, Place
from beaker.contents.whole_file import said, write_whole

ONLY: Final = "checkpoint"
"""The id of the only one that a file has."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """As the interface shows it."""

    id: str
    last_modified: datetime


def checkpoint_file(place: Place) -> str:
    """Where the checkpoint of a file lies, there or not."""
    folder, name = os.path.split(place.real)
    stem, extension = os.path.splitext(name)
    return os.path.join(folder, CHECKPOINTS, f"{stem}-checkpoint{extension}")


def list_checkpoints(place: Place) -> list[Checkpoint]:
    """None or one.

    Raises:
        NotThere: there is no such file.
    """
    _must_be(place)
    try:
        return [_checkpoint(checkpoint_file(place))]
    except FileNotFoundError:
        return []


def make_checkpoint(place: Place) -> Checkpoint:
    """Keep a file as it is now.

    Raises:
        ContentsError: it cannot be read, or the checkpoint not written.
    """
    _must_be(place)
    kept = checkpoint_file(place)
    with said(place.path), open(place.real, "rb") as file:
        data = file.read()
    with said(CHECKPOINTS):
        os.makedirs(os.path.dirname(kept), exist_ok=True)
    write_whole(kept, data)
    return _checkpoint(kept)


def restore_checkpoint(place: Place, checkpoint: str) -> None:
    """Put a file back as it was kept.

    Raises:
        NotThere: there is no such checkpoint.
    """
    kept = _known(place, checkpoint)
    with said(place.path), open(kept, "rb") as file:
        data = file.read()
    write_whole(place.real, data)


def delete_checkpoint(place: Place, checkpoint: str) -> None:
    """Forget it.

    Raises:
        NotThere: there is no such checkpoint.
    """
    kept = _known(place, checkpoint)
    with said(place.path):
        os.unlink(kept)


def move_checkpoint(old: Place, new: Place) -> None:
    """A file was renamed: its checkpoint goes with it. One that cannot is no reason to refuse the file its name."""
    kept, target = checkpoint_file(old), checkpoint_file(new)
    try:
        if os.path.isfile(kept):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.move(kept, target)
    except OSError:
        return


def drop_checkpoint(place: Place) -> None:
    """A file was deleted: its checkpoint too, and the folder of checkpoints if it was the last."""
    kept = checkpoint_file(place)
    try:
        os.unlink(kept)
        os.rmdir(os.path.dirname(kept))
    except OSError:
        return


def _known(place: Place, checkpoint: str) -> str:
    kept = checkpoint_file(place)
    if checkpoint != ONLY or not os.path.isfile(kept):
        raise NotThere(f"{place.path!r} has no checkpoint {checkpoint[:100]!r}")
    return kept


def _must_be(place: Place) -> None:
    if not os.path.isfile(place.real):
        raise NotThere(f"there is no file {place.path!r}")


def _checkpoint(kept: str) -> Checkpoint:
    return Checkpoint(id=ONLY, last_modified=datetime.fromtimestamp(os.stat(kept).st_mtime, UTC))
