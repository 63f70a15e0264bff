"""A file that holds nothing but the key.

What it holds and what reading it complains of is not repeated in any sentence: either may be the key.
"""

import os
import stat
from collections.abc import Mapping

from beaker.errors import BeakerError
from beaker.settings.reading import FileUnreadable, read_descriptor
from beaker.settings.trust import expand_home


class NoKey(BeakerError):
    """Why a place gives no key; ends a sentence."""


def read_key_file(path: str, environment: Mapping[str, str]) -> str:
    """Read a file that holds the key alone.

    One of another user counts only if that is root (a secret that a container was given); one of ours only if nobody else
    can read it.

    Raises:
        NoKey: it cannot be read, or others could read it or change it.
    """
    path = expand_home(path, environment)
    if not os.path.isabs(path):
        raise NoKey("it has to be an absolute path")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise NoKey(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        status = os.fstat(descriptor)
        # First of all: the mode of a folder or a device is nothing that anybody should be told to change.
        if not stat.S_ISREG(status.st_mode):
            raise NoKey(f"{path} is {'a folder' if stat.S_ISDIR(status.st_mode) else 'no ordinary file'}, and has to be a file")
        if status.st_uid not in (os.getuid(), 0):
            raise NoKey(f"{path} belongs to another user")
        if status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) & 0o077:
            raise NoKey(f"others can read {path}; run chmod 600 on it")
        return read_descriptor(descriptor)
    except FileUnreadable as error:
        raise NoKey(f"{path} cannot be read: {error}") from None
    finally:
        os.close(descriptor)
