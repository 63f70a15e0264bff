"""Platform door: bytes that stand in no file, handed to other processes by a descriptor that they inherit.

On Linux a memfd whose content can never change again; elsewhere a file of mode 0600 that is unlinked before it is written.
Whoever holds the descriptor may read it any number of times, which a pipe would not allow. Reading is by position, so that
processes that share the descriptor do not move each other.
"""

import os
import sys


def seal(content: bytes, *, name: str) -> int:
    """Put bytes away.

    Args:
        content: what is to be read later.
        name: for `/proc`, where it can be seen.

    Returns:
        A descriptor that only this process has, until it is made inheritable.

    Raises:
        OSError: there is no place for it.
    """
    if sys.platform != "linux":
        return _hide_in_file(content)
    return _seal_in_memory(content, name)


def read_sealed(descriptor: int, start: int = 0, size: int | None = None) -> bytes:
    """Read what was put away.

    Args:
        descriptor: from `seal`, here or in the process that handed it down.
        start: the first byte.
        size: how many; None for all the rest.
    """
    end = os.fstat(descriptor).st_size
    if size is not None:
        end = min(end, start + size)
    content = b""
    while start + len(content) < end and (piece := os.pread(descriptor, end - start - len(content), start + len(content))):
        content += piece
    return content


def _seal_in_memory(content: bytes, name: str) -> int:
    import fcntl

    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        _write(descriptor, content)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:  # whatever it was, what is not sealed must not stay open
        os.close(descriptor)
        raise
    return descriptor


def _hide_in_file(content: bytes) -> int:
    path = os.path.join(os.environ.get("TMPDIR") or "/tmp", f".beaker-{os.urandom(16).hex()}")
    writing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.unlink(path)
        _write(writing, content)
    finally:
        os.close(writing)
    return descriptor


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
