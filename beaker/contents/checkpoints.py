"""Checkpoints: one for each file, in a folder beside it, as Jupyter keeps them and finds them again.

No name of theirs comes from a client, but the folder may hold what others have put there: a link in it is not followed.
"""

import os
import shutil
from datetime import UTC, datetime
from typing import Final

import msgspec

from beaker.contents.failures import NotAllowed, NotThere
from beaker.contents.names import derived
from beaker.contents.paths import CHECKPOINTS, Place, beside
from beaker.contents.whole_file import open_itself, said, write_whole
from beaker.contents.within import must_lie_within, open_within

ONLY: Final = "checkpoint"
"""The id of the only one that a file has."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """As the interface shows it."""

    id: str
    last_modified: datetime


def checkpoint_file(place: Place) -> str:
    """Where the checkpoint of a file lies, there or not.

    Raises:
        NotAllowed: it leads out of the folder that is served, or is a link.
    """
    return beside(place, place.real, CHECKPOINTS, derived(os.path.basename(place.real), joint="-checkpoint"))


def list_checkpoints(place: Place) -> list[Checkpoint]:
    """None or one.

    Raises:
        NotThere: there is no such file.
        NotAllowed: the checkpoint lies elsewhere.
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
    with said(place.path), open_within(place) as file:
        data = file.read()
    with said(CHECKPOINTS):
        os.makedirs(os.path.dirname(kept), exist_ok=True)
    write_whole(kept, data, follow=False, root=place.root)
    with said(CHECKPOINTS):
        return _checkpoint(kept)


def restore_checkpoint(place: Place, checkpoint: str) -> None:
    """Put a file back as it was kept.

    Raises:
        NotThere: there is no such checkpoint.
        ContentsError: it cannot be read, or the file not written.
    """
    kept = _known(place, checkpoint)
    with said(place.path), open_itself(kept, "rb") as file:
        must_lie_within(file.fileno(), place.root, CHECKPOINTS)
        data = file.read()
    write_whole(place.real, data, root=place.root)


def delete_checkpoint(place: Place, checkpoint: str) -> None:
    """Forget it.

    Raises:
        NotThere: there is no such checkpoint.
        NotAllowed: it lies elsewhere.
    """
    kept = _known(place, checkpoint)
    with said(place.path):
        os.unlink(kept)


def move_checkpoint(old: Place, new: Place) -> None:
    """A file was renamed: its checkpoint goes with it. One that cannot is no reason to refuse the file its name."""
    try:
        kept, target = checkpoint_file(old), checkpoint_file(new)
        if os.path.isfile(kept):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.move(kept, target)
    except (OSError, NotAllowed):
        return


def drop_checkpoint(place: Place) -> None:
    """A file was deleted: its checkpoint too, and the folder of checkpoints if it was the last."""
    try:
        os.unlink(checkpoint_file(place))
        os.rmdir(os.path.join(os.path.dirname(place.real), CHECKPOINTS))
    except (OSError, NotAllowed):
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
    return Checkpoint(id=ONLY, last_modified=datetime.fromtimestamp(os.lstat(kept).st_mtime, UTC))
