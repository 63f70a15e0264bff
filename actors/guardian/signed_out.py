"""The sessions of browsers that were ended before their time, by whoever had them.

A session is a signed cookie, which no worker remembers; so what is remembered is which ones are over: a line each in a file of the
gateway's state folder, which workers append to and look at again when it has changed. It outlives them and the gateway, as cookies do,
and the guardian leaves out at its start what has run out by itself. A line names a session and opens nothing.
What a full disk does not take a worker keeps in mind, and writes it down when there is room.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from actors.runtime.log import Log, SparseLog
from beaker.gateway.cookies import Sessions

FILE: Final = "signed-out"


class SignedOut:
    """What one worker knows of them.

    Args:
        state: the gateway's state folder.
        log: told when the file cannot be read.
    """

    def __init__(self, state: str, log: Log) -> None:
        self._unread = SparseLog(log, "signed_out.unread")
        self._path = f"{state}/{FILE}"
        self._names: frozenset[str] = frozenset()
        self._unwritten: list[str] = []
        """Those that are over and no other worker knows of."""
        self._seen: tuple[int, int, int] | None = None

    def add(self, value: str) -> None:
        """The session of this cookie is over, for this worker in any case.

        Raises:
            OSError: it cannot be written down now; that is tried again.
        """
        self._unwritten.append(Sessions.name_of(value))
        self._write_down()

    def has(self, value: str) -> bool:
        """Whether the session of this cookie was ended; as far as was last read, when that cannot be said now."""
        with suppress(OSError):  # there is still no room
            self._write_down()
        try:
            status = os.stat(self._path)
            if (seen := (status.st_ino, status.st_size, status.st_mtime_ns)) != self._seen:
                self._names = frozenset(Path(self._path).read_text(errors="replace").split())
                self._seen = seen
        except FileNotFoundError:
            pass  # nobody has signed out yet, or the folder was cleaned away
        except OSError as error:  # no descriptor is left, or the disk fails: neither ends what asks, which does more than this
            self._unread.warning(error=error.strerror or type(error).__name__)
        name = Sessions.name_of(value)
        return name in self._names or name in self._unwritten

    def _write_down(self) -> None:
        while self._unwritten:
            # On a line of its own, also behind one that a full disk has cut off; so short that it is written at once.
            line = f"\n{self._unwritten[0]}\n".encode()
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
            del self._unwritten[0]


def forget_run_out(state: Path, now_s: float) -> None:
    """Leave out those that have run out; while no worker is there.

    Raises:
        OSError: it cannot be written.
    """
    path = state / FILE
    if path.exists():
        left = [name for name in path.read_text(errors="replace").split() if Sessions.runs_out_s(name) > now_s]
        fresh = path.with_name(f"{FILE}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}\n" for name in left)
        fresh.replace(path)
