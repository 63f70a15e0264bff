"""What is left of a save whose process was killed in the middle: a file that is not listed, and stood in its folder for ever.

Nobody could see or delete it, and its folder not either, which was not empty. Whoever saves holds a lock on the file that it writes,
and a lock goes with its process: a file of that name that nobody holds is left over. It is removed by whoever next lists the folder or
deletes it, as these read all names anyway. Where files cannot be locked, nothing counts as left over.
"""

import contextlib
import fcntl
import os
import re
import tempfile
from collections.abc import Iterable
from typing import Final

from beaker.contents.paths import Place
from beaker.contents.within import must_lie_within

_PREFIX: Final = ".beaker-save-"
_NAME: Final = re.compile(re.escape(_PREFIX) + "[a-z0-9_]{8}")
"""As `tempfile.mkstemp` makes them."""


def fresh_file(folder: str) -> tuple[int, str]:
    """Make a file that is held for as long as its descriptor is open; gives that, and its path.

    Raises:
        OSError: as `tempfile.mkstemp` does.
    """
    while True:
        descriptor, path = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, path
        # Somebody who cleared the folder has seen it before it was held.
        os.close(descriptor)


def clear(place: Place, names: Iterable[str]) -> set[str]:
    """Remove those of these names in a folder that are left over.

    Returns:
        Which they were.

    Raises:
        OSError: there is no such folder.
        NotAllowed: it lies elsewhere by now.
    """
    found = {name for name in names if _NAME.fullmatch(name)}
    if not found:
        return found
    folder = os.open(place.real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        must_lie_within(folder, place.root, place.path)
        return {name for name in found if _remove(folder, name)}
    finally:
        os.close(folder)


def _remove(folder: int, name: str) -> bool:
    """Whether it is gone, as nobody held it."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=folder)
    except OSError:
        return False  # it is held, has taken its place meanwhile, or must not be removed by us
    else:
        return True
    finally:
        os.close(descriptor)
