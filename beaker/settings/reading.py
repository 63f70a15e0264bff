"""Reading a small settings file that anybody may have put there.

A folder's file may be a device, a pipe that nobody writes to, a directory (a virtual environment called `.env`), or huge: none
of these may hold a kernel's start up or end it.
"""

import os
import stat
from collections.abc import Callable

from beaker.errors import BeakerError

SIZE_LIMIT_BYTES = 64 * 1024
"""A settings file has a few hundred lines at most; a parser fed with more would delay the start."""


class FileUnreadable(BeakerError):
    """Why a file that is there gives nothing; the text goes behind its path and a colon."""


def read_text(path: str, *, hide: Callable[[memoryview], None] | None = None) -> str | None:
    """The text of the file, None if there is no such file (or a directory in its place).

    Args:
        path: of the file.
        hide: overwrites what this process must not keep, before a copy is made of anything.

    Raises:
        FileUnreadable: it is no ordinary file, larger than SIZE_LIMIT_BYTES, not UTF-8, or not ours to read.
    """
    content = read_content(path)
    if content is None:
        return None
    if hide is not None:
        hide(content)
    return _decoded(content)


def read_content(path: str) -> memoryview | None:
    """The bytes of the file in the only copy that was made of them, which may be overwritten; None as `read_text`.

    Raises:
        FileUnreadable: as `read_text`, but for the encoding.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise FileUnreadable(f"the user {os.geteuid()}, who runs this, may not read it; chmod or chown it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FileUnreadable(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        return None if stat.S_ISDIR(os.fstat(descriptor).st_mode) else _content(descriptor)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int) -> str:
    """The text of an open file.

    Raises:
        FileUnreadable: as `read_text`.
    """
    return _decoded(_content(descriptor))


def read_toml(path: str) -> dict[str, object] | None:
    """The tables of a TOML file, None if there is no such file.

    Raises:
        FileUnreadable: as `read_text`, or it is not TOML, or a directory: unlike a `.env`, nobody has one of this name for another purpose;
            or a link that leads nowhere: its file is missed, as where it lies on a disk that is not mounted.
    """
    text = read_text(path)
    if text is None and os.path.islink(path) and not os.path.exists(path):
        raise FileUnreadable("it is a link to a file that is not there")
    if text is None and os.path.isdir(path):
        raise FileUnreadable("it is a folder, and has to be a file")
    return None if text is None else parse_toml(text)


def parse_toml(text: str) -> dict[str, object]:
    """The tables of a TOML text.

    Raises:
        FileUnreadable: it is not TOML.
    """
    import tomllib  # 5 to 20 ms, for those who have such a file

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and numbers of 5000 digits
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FileUnreadable(f"it is not TOML ({reason[:200]})") from None


def _content(descriptor: int) -> memoryview:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnreadable("it is not an ordinary file")
        # All of it at once: a buffer that grows leaves copies of itself behind.
        content, size = memoryview(bytearray(SIZE_LIMIT_BYTES + 1)), 0
        while size < len(content) and (more := os.readv(descriptor, [content[size:]])):
            size += more
    except OSError as error:
        raise FileUnreadable(f"it cannot be read ({error.strerror})") from None
    if size > SIZE_LIMIT_BYTES:
        raise FileUnreadable(f"it is larger than {SIZE_LIMIT_BYTES // 1024} kB")
    return content[:size]


def _decoded(content: memoryview) -> str:
    try:
        return str(content, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"it is not UTF-8 (byte {error.start})") from None
