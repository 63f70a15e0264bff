"""The journal of a gateway: which kernels and sessions there are, so that whoever comes after a crash finds them.

One SQLite file in the state folder, written by one process, which holds a lock for as long as it may write. What is not over is held in
memory too, so that a disk that is full, or a file that breaks, costs nothing while this process lives: it goes on from memory,
says so by `trouble`, and writes what is missing at the next `retry` that works. Each row has a number that is never given again.

Not a log file of our own: a torn end, a half transaction, an old version would all be ours to find and mend.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from beaker.errors import BeakerError
from beaker.journal.database import (
    Broken,
    JournalTooNew,
    forget_what_is_long_over,
    last_ids,
    open_database,
    put_aside,
    read_rows,
    write_rows,
)
from beaker.journal.rows import TABLE_OF, TABLES, ConversationRow, KernelRow, Row, SessionRow

R = TypeVar("R", bound=Row)

FILE = "journal.sqlite"

WAITING_LIMIT = 1000
"""Rows of what is over that wait to be written; beyond it the oldest are forgotten. What is not over always waits: it is as many
rows as there are kernels and sessions."""


FORGET_EVERY = 1000
"""Rows that are written until what is long over is forgotten once more: the file stays below a megabyte."""


class JournalTaken(BeakerError):
    """Another process writes this journal."""


class Journal:
    """A journal that is open. Made by `Journal.open`.

    Attributes:
        trouble: why nothing is written at the moment, in words; empty: all is written.
        was_put_aside: paths of files that were not whole, for the log.
        forgotten: how many rows of what is over were never written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.trouble = ""
        self.was_put_aside: list[tuple[Path, str]] = []
        self.forgotten = 0
        self._written = 0
        """Rows since what is long over was forgotten."""
        self._lock = -1
        self._closed = False
        self._database: sqlite3.Connection | None = None
        self._living: dict[str, dict[int, Row]] = {table: {} for table in TABLES}
        self._waiting: dict[tuple[str, int], Row] = {}
        self._last = dict.fromkeys(TABLES, 0)

    @classmethod
    def open(cls, folder: Path) -> "Journal":
        """Open the journal of a state folder; with `trouble` if that cannot be done now.

        Raises:
            JournalTaken: another process writes it.
            JournalTooNew: it was written by a later version.
        """
        journal = cls(folder)
        journal._reach()
        if journal._database is None:
            # Beyond all numbers that may stand in the file: those are counted from 1.
            journal._last = dict.fromkeys(TABLES, time.time_ns() // 1000)
        return journal

    @property
    def kernels(self) -> list[KernelRow]:
        """Those that are not over, in the order in which they began."""
        return self._rows(KernelRow)

    @property
    def sessions(self) -> list[SessionRow]:
        """The same."""
        return self._rows(SessionRow)

    @property
    def conversations(self) -> list[ConversationRow]:
        """The same."""
        return self._rows(ConversationRow)

    def append(self, *rows: Row) -> list[int]:
        """Write new rows, all of them or none; returns their numbers."""
        numbered = [msgspec.structs.replace(row, id=self._number(TABLE_OF[type(row)])) for row in rows]
        self._take(numbered)
        return [row.id for row in numbered]

    def change(self, *rows: Row) -> None:
        """Write rows in the place of those with their numbers; one with an `ended_at` is over."""
        self._take(rows)

    def retry(self) -> bool:
        """Write what could not be written; returns whether all is written now."""
        if self._waiting or self._database is None:
            self._write()
        return not self.trouble

    def close(self) -> None:
        """Write no more, whatever is told afterwards. What waits still is lost."""
        self._closed = True
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):  # it merges what was written, for which there may be no room
                self._database.close()
            self._database = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _rows(self, kind: type[R]) -> list[R]:
        return [row for _, row in sorted(self._living[TABLE_OF[kind]].items()) if isinstance(row, kind)]

    def _number(self, table: str) -> int:
        self._last[table] += 1
        return self._last[table]

    def _take(self, rows: Sequence[Row]) -> None:
        for row in rows:
            table = TABLE_OF[type(row)]
            if row.ended_at is None:
                self._living[table][row.id] = row
            else:
                self._living[table].pop(row.id, None)
            self._waiting[table, row.id] = row
        self._write()
        over = [key for key, row in self._waiting.items() if row.ended_at is not None]
        for key in over[:-WAITING_LIMIT]:
            del self._waiting[key]
            self.forgotten += 1

    def _write(self) -> None:
        """Write all that waits, or say why not."""
        if self._closed:
            return
        try:
            self._reach()
        except (JournalTaken, JournalTooNew) as error:  # since this one was opened without its file
            self.trouble = str(error)
        if self._database is None:
            return
        try:
            self._write_waiting(self._database)
        except Broken as error:
            self._begin_anew(str(error))

    def _write_waiting(self, database: sqlite3.Connection) -> None:
        try:
            write_rows(database, self.path, [(table, row) for (table, _), row in self._waiting.items()])
        except sqlite3.OperationalError as error:
            self.trouble = f"{self.path} cannot be written: {error}"
            return
        self._written += len(self._waiting)
        self._waiting.clear()
        self.trouble = ""
        if self._written >= FORGET_EVERY:
            self._written = 0
            with contextlib.suppress(sqlite3.Error):  # it is tried again, and nothing is wrong if it never works
                forget_what_is_long_over(database)

    def _reach(self) -> None:
        """Have the file open, if that can be done now."""
        if self._database is not None:
            return
        try:
            self._take_lock()
            self._open_file()
        except (OSError, sqlite3.OperationalError) as error:
            self.trouble = f"{self.path} cannot be opened: {getattr(error, 'strerror', None) or error}"

    def _open_file(self) -> None:
        try:
            database = open_database(self.path)
            try:
                rows, last = read_rows(database, self.path), last_ids(database, self.path)
            except BaseException:  # whatever it was, the file must not stay locked
                database.close()
                raise
        except Broken as error:
            self._begin_anew(str(error))
            return
        self._database = database
        self.trouble = ""
        for table, found in rows.items():
            older = {row.id: row for row in found if (table, row.id) not in self._waiting}
            self._living[table] = older | self._living[table]
            self._last[table] = max(self._last[table], last[table])

    def _begin_anew(self, reason: str) -> None:
        """Put the file aside, begin another, and write into that what is in memory."""
        if self._database is not None:
            self._database.close()
            self._database = None
        try:
            self.was_put_aside.append((put_aside(self.path), reason))
            self._database = open_database(self.path)
            self._waiting |= {(table, number): row for table, rows in self._living.items() for number, row in rows.items()}
            self._write_waiting(self._database)
        except (OSError, sqlite3.OperationalError, Broken) as error:
            self.trouble = f"{self.path} cannot be begun anew: {error}"

    def _take_lock(self) -> None:
        if self._lock >= 0:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self.path.with_suffix(".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise JournalTaken(f"Another process writes the journal {self.path}: a gateway with this state folder runs.") from None
        self._lock = descriptor
