"""Reads log files: all that a folder holds, as one stream of lines in the order of their times.

It owns no state but the count of what could not be read, which is told at the end and never stops anything. Each file is
read once, front to back, in constant memory; files of several processes are merged as they are read.
"""

import heapq
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

import msgspec

from beaker.logs.file_names import Parts, Writer, group
from beaker.logs.kernels import Facts
from beaker.logs.record import BEFORE_ALL, Line, parse
from beaker.logs.selection import Selection

LONGEST_LINE_BYTES = 8 * 1024 * 1024
"""A message between actors is 1 MB at most, so no line of ours comes near; a foreign file without newlines must not fill memory."""

BUFFER_BYTES = 1024 * 1024
"""Read at once: a line of ours is shorter."""
SHARED = ("host", "registry", "worker")
"""Roles whose processes have several kernels, each named on its lines."""
STARTED, BOUND = "kernel.started", "session.bound"
"""Lines that name a kernel's notebook: as it was when the kernel began, and as a session of the gateway has it."""
NAMES_KEPT = 20
"""Of one kernel, from one file: more renames of one document than anybody remembers."""
ENDS_BYTES = 64 * 1024
"""How much of the beginning and of the end of a file is read to know its first and last time."""


class LogFolder:
    """The log files of one user.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable: Counter[str] = Counter()
        """Lines that were skipped, by the name of their file."""
        self.closed: dict[str, str] = {}
        """Files that could not be opened, and why."""

    def parts(self) -> list[Parts]:
        """The files that there are, by writer."""
        try:
            return group(entry.name for entry in os.scandir(self.path) if entry.is_file())
        except FileNotFoundError:
            return []
        except OSError as error:
            self.closed[str(self.path)] = error.strerror or str(error)
            return []

    def facts(self) -> list[Facts]:
        """What is known of each writer's files; only those of a process with several kernels are read whole, and told for each of them."""
        found: list[Facts] = []
        for parts in self.parts():
            found.append(self._facts(parts))
            if parts.writer.role in SHARED:
                found += self._shared_facts(parts, lives=found[-1].lives)
        return found

    def lines(self, chosen: Iterable[Parts], selection: Selection, *, of_kernel: str = "") -> Iterator[Line]:
        """The lines that are wanted, merged by their times.

        Args:
            of_kernel: only those of this kernel, from files of several.
        """
        return heapq.merge(*(self._of_writer(parts, selection, of_kernel) for parts in chosen), key=itemgetter(0))

    def _of_writer(self, parts: Parts, selection: Selection, of_kernel: str) -> Iterator[Line]:
        before = BEFORE_ALL
        needle = b"" if parts.writer.kernel else of_kernel.encode()
        oldest = selection.since.timestamp() if selection.since is not None else 0.0
        may_want, wants = selection.may_want, selection.wants
        for name in parts.names:
            try:
                with open(self.path / name, "rb", buffering=BUFFER_BYTES) as file:
                    if os.fstat(file.fileno()).st_mtime < oldest:
                        continue  # its last line is older than all that is wanted
                    for raw in iter(partial(file.readline, LONGEST_LINE_BYTES), b""):
                        if needle not in raw or not may_want(raw):
                            continue
                        line = parse(raw, before)
                        if line is None:
                            if not raw.isspace():
                                self.unreadable[name] += 1
                            continue
                        before = line[0]
                        if wants(line) and is_of(line, parts, of_kernel):
                            yield line
            except FileNotFoundError:
                continue  # put aside or pruned at this moment
            except OSError as error:
                self.closed[name] = error.strerror or str(error)

    def _facts(self, parts: Parts) -> Facts:
        size, first, last, name = 0, None, None, ""
        for file_name in parts.names:
            try:
                with open(self.path / file_name, "rb") as file:
                    size += os.fstat(file.fileno()).st_size
                    beginning = _readable(file.read(ENDS_BYTES).splitlines(keepends=True))
                    end = _readable(_last_bytes(file).splitlines(keepends=True))
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self.closed[file_name] = error.strerror or str(error)
                continue
            times = [line.time for line in (*beginning, *end) if line.time is not BEFORE_ALL]
            first = first or (times[0] if times else None)
            last = times[-1] if times else last
            name = name or next((_name_of(line) for line in beginning if line.head.event == STARTED), "")
        return Facts(parts, size, first, last, lives(parts.writer), (name,) if name else ())

    def _shared_facts(self, parts: Parts, *, lives: bool) -> list[Facts]:
        """The same for each kernel that such a process has held."""
        found: dict[str, Facts] = {}
        for line in self._of_writer(parts, Selection(), ""):
            kernel = line.head.kernel
            if not kernel:
                continue
            fact = found.get(kernel)
            if fact is None:
                writer = msgspec.structs.replace(parts.writer, kernel=kernel)
                fact = Facts(msgspec.structs.replace(parts, writer=writer), 0, line.time, line.time, lives)
            name = _name_of(line) if line.head.event in (STARTED, BOUND) else ""
            found[kernel] = Facts(
                fact.parts,
                fact.size_bytes + len(line.raw),
                fact.first,
                line.time,
                line.head.event != "kernel.ended" and lives,
                (*(other for other in fact.names if other != name), name)[-NAMES_KEPT:] if name else fact.names,
                line.time if name and line.head.event == BOUND else fact.named,
            )
        return list(found.values())


def is_of(line: Line, parts: Parts, kernel: str) -> bool:
    """Whether a line is of this kernel: all that stand in its own files are. No kernel: of any."""
    return not kernel or bool(parts.writer.kernel) or line.head.kernel == kernel


def _readable(rows: Iterable[bytes]) -> list[Line]:
    before: datetime = BEFORE_ALL
    found = []
    for raw in rows:
        if (line := parse(raw, before)) is not None:
            before = line.time
            found.append(line)
    return found


def _last_bytes(file: BinaryIO) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - ENDS_BYTES))
    return file.read()


def _name_of(line: Line) -> str:
    values = line.values()
    return os.path.basename(str(values.get("notebook") or values.get("connection_file") or ""))


def lives(writer: Writer) -> bool:
    """Whether this process is there: our processes show role and kernel in their titles, so a pid used again is told."""
    if not writer.pid:
        return False
    try:
        title = Path(f"/proc/{writer.pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    except OSError:
        return False
    else:
        return b"beaker" in title and writer.kernel.encode() in title
    try:
        os.kill(writer.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
