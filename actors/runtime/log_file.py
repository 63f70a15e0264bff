"""A log file that grows to a size and is then put aside, and whose failure hurts nobody.

Each process writes its own file (the name holds its pid), so no two rotate the same one. A line that cannot be written
is counted; the file is tried again later, and then says how many are missing. The process goes on in any case.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

RETRY_S: Final = 5.0
"""How long after a failure the file is left alone: long enough that a full disk costs nothing."""
DEAD_FILES_KEPT: Final = 60
"""Files of processes that ended, kept for reading; some ten kernels' worth."""


class LogFile:
    """An append-only file, rotated by size.

    Args:
        path: of the file; older parts are `path.1`, `path.2`, ...
        max_bytes: size at which it is put aside.
        keep: how many older parts stay.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self.path = path
        self.lost = 0
        """Lines that could not be written since the last that could."""
        self._max_bytes = max_bytes
        self._keep = keep
        self._descriptor = -1
        self._size = 0
        self._retry_at = 0.0

    def write(self, line: bytes) -> None:
        """Append a line, which ends with a newline. Never raises OSError."""
        if self._descriptor < 0 and time.monotonic() < self._retry_at:
            self.lost += 1
            return
        try:
            if self._descriptor < 0:
                self._open()
            elif self._size + len(line) > self._max_bytes:
                self._rotate()
            if self.lost:
                now = datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00").encode()
                self._append(b'{"time":"%sZ","level":"warning","event":"log.lines_lost","count":%d}\n' % (now, self.lost))
                self.lost = 0
            self._append(line)
        except OSError:
            self.lost += 1
            self.close()
            self._retry_at = time.monotonic() + RETRY_S

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> None:
        written = os.write(self._descriptor, line)
        self._size += written
        if written != len(line):
            # The disk is full. Take the torn line back, so that what stands there stays readable.
            self._size -= written
            os.ftruncate(self._descriptor, self._size)
            raise OSError(f"{written} of {len(line)} bytes written")

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._part(number)
            newer = self._part(number - 1)
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            self.path.unlink(missing_ok=True)
        self._open()

    def _part(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


def prune(folder: Path, kept: int = DEAD_FILES_KEPT) -> None:
    """Remove the oldest files of processes that have ended, until `kept` are left. Never raises OSError."""
    try:
        dead = [path for path in folder.glob("*.jsonl*") if not _writer_lives(path)]
        dead.sort(key=lambda path: path.stat().st_mtime)
        for path in dead[: max(0, len(dead) - kept)]:
            path.unlink(missing_ok=True)
    except OSError:
        # Somebody else prunes at the same moment, or the folder is not readable: the next start will do.
        return


def _writer_lives(path: Path) -> bool:
    pid = path.name.partition(".jsonl")[0].rpartition("-")[2]
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
