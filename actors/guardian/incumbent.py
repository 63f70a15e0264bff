"""Who fills a post that is filled on demand: a file beside its socket, written by the guardian, read by whoever comes in there.

At the socket itself the system names the guardian, who has made it; and a process that stands still says nothing of itself. It is in the
file from the moment that it can be used, and so is one that answers at once, unless something is wrong with it.
"""

import contextlib
from pathlib import Path

from actors.runtime.peers import parent_of
from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle


def write_incumbent(socket_path: str, pid: int) -> None:
    """A process can be used.

    Raises:
        OSError: it cannot be written.
    """
    _file(socket_path).write_text(f"{pid}\n", encoding="ascii")


def forget_incumbent(socket_path: str) -> None:
    """Nobody is there."""
    with contextlib.suppress(OSError):  # what is left names a process that has gone, which whoever reads it sees
        _file(socket_path).unlink(missing_ok=True)


def find_incumbent(socket_path: str, guardian: int) -> ProcessHandle | None:
    """Take hold of the process that is there; None if there is none that can be used, or none that can be taken hold of.

    Args:
        guardian: its pid: no other process than one that it has started is meant.
    """
    try:
        found = _file(socket_path).read_text(encoding="ascii").strip()
        if not found.isdecimal():
            return None
        process = ProcessHandle(int(found))
    except (OSError, NoSuchProcessError):
        return None
    if parent_of(process.pid) != guardian:
        process.close()
        return None
    return process


def _file(socket_path: str) -> Path:
    return Path(f"{socket_path}.pid")
