"""Files are written whole or not at all: beside the old one, made safe on the disk, then put in its place in one step.

Whoever looks meanwhile, and whoever comes after a crash, finds the old file or the new one, never half of one. A file that
others share by a hard link, and one in a folder that takes no new files, is written in place, after all: to be able to write
it is worth more. Its room is taken first, and what fails is put back; a crash can leave half of it. The owner and the mode of
the old one are kept.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO, Final, Literal

from beaker.contents.failures import NoRoom, NotAllowed, NotThat, NotThere, Torn
from beaker.contents.leftovers import fresh_file
from beaker.contents.names import NAME_BYTES
from beaker.contents.within import must_lie_within
from beaker.places import FULL

ALGORITHM: Final = "sha256"
"""Of `fingerprint`; as it is named to clients."""

ABSENT: Final = ""
"""Instead of a fingerprint: nothing is there."""

_NAME_SHOWN: Final = 60
"""Characters of a name that is too long, in a sentence."""
_NO_ROOM: Final = FULL | {errno.EFBIG}


def write_whole(real: str, data: bytes, *, follow: bool = True, root: str = "/") -> None:
    """Put data in the place of a file, or make it.

    Args:
        real: on disk.
        follow: if it is a link, the file that it leads to is written; otherwise it is refused.
        root: nothing is written outside of this folder, whatever a folder on the way has become meanwhile.

    Raises:
        NoRoom, NotAllowed, NotThere, NotThat: see `said`; the old file is unchanged then.
        Torn: it was written in place, which failed, and could not be put back.
    """
    target = os.path.realpath(real) if follow else real
    with said(real):
        try:
            facts: os.stat_result | None = os.stat(target, follow_symlinks=follow)
        except FileNotFoundError:
            facts = None
        if facts is not None and stat.S_ISLNK(facts.st_mode):
            raise NotAllowed(f"{os.path.basename(real)!r} is a link")
        if facts is not None and facts.st_nlink > 1:
            _write_in_place(target, data, root)
            return
        try:
            descriptor, fresh = fresh_file(os.path.dirname(target))
        except PermissionError:
            if facts is None:
                raise
            _write_in_place(target, data, root)
            return
        try:
            with open(descriptor, "wb") as file:
                must_lie_within(descriptor, root, os.path.basename(target))
                _like(descriptor, facts)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
                os.replace(fresh, target)  # as long as it is held
        except BaseException:  # whatever it was, nothing is left behind
            with contextlib.suppress(OSError):
                os.unlink(fresh)
            raise
        _settle(os.path.dirname(target))


def put_in_place(fresh: str, target: str) -> None:
    """Let a file that lies beside another take its place, its mode and its owner, in one step.

    Raises:
        NoRoom, NotAllowed, NotThere, NotThat: see `said`; both are as they were then.
    """
    with said(target):
        try:
            facts: os.stat_result | None = os.stat(target)
        except FileNotFoundError:
            facts = None
        with open_itself(fresh, "rb") as file:
            _like(file.fileno(), facts)
            os.fsync(file.fileno())
        os.replace(fresh, target)
        _settle(os.path.dirname(target))


def open_itself(real: str, mode: Literal["rb", "wb", "r+b"]) -> BinaryIO:
    """Open a file, but none that a link leads to.

    Raises:
        OSError: as `open` does, and where it is a link.
    """
    return open(real, mode, opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, 0o666))


def fingerprint(data: bytes) -> str:
    """By which a client tells one state of a file from another."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def said(path: str) -> Generator[None]:
    """Turns what the system says about a file into a sentence.

    Raises:
        NoRoom, NotAllowed, NotThere, NotThat: by the kind of its error.
    """
    name = os.path.basename(path)
    try:
        yield
    except OSError as error:
        words = f"{name!r}: {error.strerror or error}"
        if error.errno in _NO_ROOM:
            raise NoRoom(f"{words}. Nothing was changed; make room and save again") from None
        if error.errno == errno.ENAMETOOLONG:
            shown = name if len(name) <= _NAME_SHOWN else f"{name[:_NAME_SHOWN]}..."
            raise NotThat(f"{shown!r}: this name, or its path, is too long for the disk; most take {NAME_BYTES} bytes for a name") from None
        match error:
            case FileNotFoundError():
                raise NotThere(f"there is no {name!r}, or no folder for it") from None
            case NotADirectoryError() | IsADirectoryError():
                raise NotThat(words) from None
            case _:
                raise NotAllowed(words) from None


def _like(descriptor: int, old: os.stat_result | None) -> None:
    """Give the new file the mode and, where that can be, the owner of the old one; a fresh one gets what the umask leaves."""
    if old is None:
        os.fchmod(descriptor, 0o666 & ~_umask())
        return
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _umask() -> int:
    # Linux tells it without changing it, which another thread would notice.
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o077


def _write_in_place(target: str, data: bytes, root: str) -> None:
    with open_itself(target, "r+b") as file:
        must_lie_within(file.fileno(), root, os.path.basename(target))
        size = os.fstat(file.fileno()).st_size
        # All that is written over; what the old file has beyond that is cut off last, when nothing can fail for want of room.
        old = file.read(len(data))
        try:
            if data:
                _reserve(file.fileno(), len(data))
            _put(file.fileno(), data)
            os.ftruncate(file.fileno(), len(data))
            os.fsync(file.fileno())
        except OSError as error:
            try:
                _put(file.fileno(), old)
                os.ftruncate(file.fileno(), size)
                os.fsync(file.fileno())
            except OSError:
                words = f"{os.path.basename(target)!r}: {error.strerror or error}. It could only be written in place, and may be"
                raise Torn(f"{words} half old and half new; save it elsewhere, make room and save again") from None
            raise


def _reserve(descriptor: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        # Some file systems cannot; then it is found out while writing.
        if error.errno in _NO_ROOM:
            raise


def _put(descriptor: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(descriptor, data[at:], at)
    os.fsync(descriptor)


def _settle(folder: str) -> None:
    """Make the new name safe too; file systems that cannot do that for a folder say so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
