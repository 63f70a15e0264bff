"""Reading a small settings file that anybody may have put there.

A folder's file may be a device, a pipe that nobody writes to, a directory (a virtual environment called `.env`), or huge: none
of these may hold a kernel's start up or end it.
"""

import os
import stat

SIZE_LIMIT_BYTES = 64 * 1024
"""A settings file has a few hundred lines at most; a parser fed with more would delay the start."""


class FileUnreadable(Exception):
    """Why a file that is there gives nothing; the text goes behind its path and a colon."""


def read_text(path: str) -> str | None:
    """The text of the file, None if there is no such file (or a directory in its place).

    Raises:
        FileUnreadable: it is no ordinary file, larger than SIZE_LIMIT_BYTES, not UTF-8, or not ours to read.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FileUnreadable(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        return None if stat.S_ISDIR(os.fstat(descriptor).st_mode) else read_descriptor(descriptor)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int) -> str:
    """The text of an open file.

    Raises:
        FileUnreadable: as `read_text`.
    """
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnreadable("it is not an ordinary file")
        content = _read_up_to(descriptor, SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise FileUnreadable(f"it cannot be read ({error.strerror})") from None
    if len(content) > SIZE_LIMIT_BYTES:
        raise FileUnreadable(f"it is larger than {SIZE_LIMIT_BYTES // 1024} kB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"it is not UTF-8 (byte {error.start})") from None


def read_toml(path: str) -> dict[str, object] | None:
    """The tables of a TOML file, None if there is no such file.

    Raises:
        FileUnreadable: as `read_text`, or it is not TOML.
    """
    text = read_text(path)
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


def _read_up_to(descriptor: int, limit: int) -> bytes:
    content = b""
    while len(content) < limit and (chunk := os.read(descriptor, limit - len(content))):
        content += chunk
    return content
