"""Follows log files as they grow: across rotation, new processes and new kernels, in the order of the lines' times.

It looks at the folder again and again (`poll`): a fifth of a second is soon enough for a person, and needs nothing of the
platform. A file is known by its inode, not by its name, so that what was written before it was put aside is read to its end.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from actors.logs.reading import LogFolder, is_of
from beaker.logs.file_names import Parts, group
from beaker.logs.record import BEFORE_ALL, Line, parse
from beaker.logs.selection import Selection

HISTORY_BYTES = 256 * 1024
"""Of each file, from its end, for the last lines before one began to follow."""

CHUNK_BYTES = 1024 * 1024
"""Read at once: what memory one file that grows may cost."""


class Follower:
    """What is new in a folder since one last looked.

    Args:
        folder: where the logs are.
        selection: which lines are wanted.
        of_kernel: follow this kernel only, in files of its own and of several; empty: all, also those that come.
        whole: begin with all that there is; else with the last `HISTORY_BYTES` of each file.
        now: what time it is.
    """

    def __init__(
        self,
        folder: LogFolder,
        selection: Selection,
        *,
        of_kernel: str = "",
        whole: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._selection = selection
        self._of_kernel = of_kernel
        self._whole = whole
        self._now = now
        self._tails: dict[str, _Tail] = {}
        self._held: list[Line] = []
        self._began = False

    def poll(self) -> list[Line]:
        """The wanted lines that have come, in order.

        A line that is younger than the beginning of this look waits for the next one: another process may have written an
        older one into a file that was looked at before.
        """
        started = self._now()
        old, fresh = self._held, self._read()
        self._held = [line for line in fresh if line.time > started] if self._began else []
        ready = [*old, *(line for line in fresh if line.time <= started)] if self._began else fresh
        self._began = True
        return sorted(ready, key=lambda line: line.time)

    def close(self) -> None:
        """Let go of the files."""
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()

    def _read(self) -> list[Line]:
        found: list[Line] = []
        there = {parts.names[-1]: parts for parts in self._folder.parts() if self._is_followed(parts)}
        for name, parts in there.items():
            try:
                found += self._read_writer(name, parts)
            except FileNotFoundError:
                continue  # put aside at this moment: the next look finds what came in its place
            except OSError as error:
                self._folder.closed[name] = error.strerror or str(error)
        for name in self._tails.keys() - there.keys():
            found += self._select(name, self._tails[name].read_on(), group([name])[0])
            self._tails.pop(name).close()
        return found

    def _is_followed(self, parts: Parts) -> bool:
        is_current = parts.names[-1].endswith(".jsonl")
        return is_current and (not self._of_kernel or parts.writer.kernel in ("", self._of_kernel))

    def _read_writer(self, name: str, parts: Parts) -> list[Line]:
        path = self._folder.path / name
        tail = self._tails.get(name)
        if tail is None:
            begin_late = not self._began and not self._whole
            older = [] if begin_late else list(parts.names[:-1])
            found = [line for part in older for line in self._read_part(name, part, parts)]
            tail = self._tails[name] = _Tail(path, skip_to_last=HISTORY_BYTES if begin_late else None)
            return found + self._select(name, tail.read_on(), parts)
        found = self._select(name, tail.read_on(), parts)
        if tail.is_still(path):
            return found
        # It was put aside, perhaps more than once since the last look: the parts behind it, then the new file.
        inodes = [(part, os.stat(self._folder.path / part).st_ino) for part in parts.names[:-1]]
        position = next((number for number, (_, inode) in enumerate(inodes) if inode == tail.inode), -1)
        found += [line for part, _ in inodes[position + 1 :] for line in self._read_part(name, part, parts)]
        tail.close()
        self._tails[name] = tail = _Tail(path)
        return found + self._select(name, tail.read_on(), parts)

    def _read_part(self, name: str, part: str, parts: Parts) -> list[Line]:
        tail = _Tail(self._folder.path / part)
        try:
            return self._select(name, tail.read_on(), parts)
        finally:
            tail.close()

    def _select(self, name: str, rows: list[bytes], parts: Parts) -> list[Line]:
        before, found = BEFORE_ALL, []
        for raw in rows:
            if not self._selection.may_want(raw):
                continue
            line = parse(raw, before)
            if line is None:
                self._folder.unreadable[name] += not raw.isspace()
                continue
            before = line.time
            if self._selection.wants(line) and is_of(line, parts, self._of_kernel):
                found.append(line)
        return found


class _Tail:
    """One open file, and how far it was read."""

    def __init__(self, path: Path, *, skip_to_last: int | None = None) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(self._descriptor)
        self.inode = status.st_ino
        self._at = 0
        self._rest = b""
        self._skip_line = False
        if skip_to_last is not None and status.st_size > skip_to_last:
            self._at = status.st_size - skip_to_last
            self._skip_line = True  # we are in the middle of one

    def is_still(self, path: Path) -> bool:
        """Whether the name still means this file."""
        return os.stat(path).st_ino == self.inode

    def read_on(self) -> list[bytes]:
        """The whole lines that were added; one that is not whole yet waits for its end."""
        if os.fstat(self._descriptor).st_size < self._at:
            self._at, self._rest = 0, b""  # it was emptied
        pieces = [self._rest]
        while data := os.pread(self._descriptor, CHUNK_BYTES, self._at):
            self._at += len(data)
            pieces.append(data)
        *rows, self._rest = b"".join(pieces).split(b"\n")
        if self._skip_line and rows:
            self._skip_line = False
            del rows[0]
        return rows

    def close(self) -> None:
        os.close(self._descriptor)
