"""The file in which an answer stands whole that is too long for a display, or a tool's result that is too long for the model.

It belongs to one turn, and that of an answer is written as the answer comes, so that what arrived is there whatever happens to us. It
is the user's alone: the folder has mode 0700, the file 0600. The oldest files go when there are more than a few.
"""

import os
import time
from itertools import count
from pathlib import Path

KEPT_FILES = 20
"""With the limit of one file: a gigabyte in all."""

FILE_LIMIT_BYTES = 50_000_000
"""Of one answer: in characters, what one model call may send at the most."""

SLICE_CHARS = 1_000_000
"""Written at once, so that a giant piece is not in memory a second time."""


class WholeAnswer:
    """One file.

    Args:
        folder: made if it is not there.
        turn: part of the name.
        at: wall clock, seconds since the epoch; part of the name too.
        result: number of the result within its turn; 0: it is the answer.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, *, turn: int, at: float, result: int = 0) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kind = "result" if result else "answer"
        _forget_old(folder, kind)
        number = f"{turn}-{result}" if result else f"{turn}"
        stem = f"{kind}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}-{number}-{os.getpid()}"
        self.path, self._file = _make(folder, stem)
        self._room = FILE_LIMIT_BYTES

    def add(self, text: str) -> None:
        """Append; at the limit of a file it says so in the file, and appends no more.

        Raises:
            OSError: it cannot be written, as on a full disk.
        """
        for start in range(0, len(text), SLICE_CHARS):
            self._write(text[start : start + SLICE_CHARS].encode(errors="replace"))

    def close(self) -> None:
        """No more will come."""
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        if self._room <= 0:
            return
        if len(data) > self._room:
            data = data[: self._room] + b"\n\n[The answer went on; a file holds no more than 50 MB.]\n"
        self._room -= len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]


def keep_result(folder: Path, text: str, *, turn: int, at: float, number: int) -> Path:
    """Write a tool's result down; gives its file.

    Raises:
        OSError: it cannot be written.
    """
    file = WholeAnswer(folder, turn=turn, at=at, result=number)
    try:
        file.add(text)
    finally:
        file.close()
    return file.path


def _make(folder: Path, stem: str) -> tuple[Path, int]:
    """A new file; another conversation of this process may have had the same turn in this second."""
    for more in count(1):
        path = folder / (f"{stem}.md" if more == 1 else f"{stem}-{more}.md")
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
    raise AssertionError("the count goes on for ever")


def _forget_old(folder: Path, kind: str) -> None:
    """Make room for one more: names begin with the time."""
    for old in sorted(folder.glob(f"{kind}-*.md"))[: -(KEPT_FILES - 1)]:
        old.unlink(missing_ok=True)
