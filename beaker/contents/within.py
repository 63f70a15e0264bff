"""What was found in the folder that is served is still there when it is opened: folders on the way may have become links meanwhile.

`paths` looks where a path leads, and the disk is asked a moment later, in which whoever else may write there can put a link in the place
of a folder. So it is looked once more, where what was opened lies: a descriptor does not change. Files are read by one; what is made,
renamed or removed is named by its folder's. A system that does not tell where a descriptor leads has the first look alone.
"""

import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO, Final

from beaker.contents.failures import NotAllowed
from beaker.contents.paths import Place, is_within

_PATH_BUFFER: Final = bytes(1024)
"""As much as macOS wants for a path."""


def must_lie_within(descriptor: int, root: str, name: str) -> None:
    """Refuse what was opened somewhere else.

    Raises:
        NotAllowed: it lies outside of the folder.
    """
    where = _path_of(descriptor)
    if where is not None and not is_within(root, where):
        raise NotAllowed(f"{name!r} leads out of the folder that is served")


def open_within(place: Place, flags: int = 0) -> BinaryIO:
    """Open a file to read it.

    Raises:
        OSError: as `open` does.
        NotAllowed: it lies elsewhere by now.
    """
    descriptor = os.open(place.real, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        must_lie_within(descriptor, place.root, place.path)
        return open(descriptor, "rb", buffering=0 if flags else -1)
    except BaseException:  # whatever it was
        os.close(descriptor)
        raise


def names_within(place: Place) -> list[str]:
    """What is in a folder.

    Raises:
        OSError: as `os.listdir` does.
        NotAllowed: it lies elsewhere by now.
    """
    descriptor = os.open(place.real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        must_lie_within(descriptor, place.root, place.path)
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def holding(place: Place) -> Generator[tuple[int, str]]:
    """The folder of a place as a descriptor, and its name in there.

    Raises:
        OSError: there is no such folder.
        NotAllowed: it lies elsewhere by now.
    """
    folder, name = os.path.split(place.real)
    # macOS has no O_PATH, and wants to read the folder.
    descriptor = os.open(folder, (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        must_lie_within(descriptor, place.root, place.path)
        yield descriptor, name
    finally:
        os.close(descriptor)


def _path_of(descriptor: int) -> str | None:
    try:
        if sys.platform == "darwin":
            return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, _PATH_BUFFER).rstrip(b"\0"))
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None
