"""The journal's file: opened or made, brought to the present version, put aside if it is not whole.

`journal` owns it; nobody else opens one. WAL with `synchronous=NORMAL`: what was committed is in the hands of the operating
system, so that no kill of ours costs it. Only a machine that fails can lose the last rows, and that ends the kernels which they tell of
as well; `FULL` would wait for the disk at each row and save nothing more. Locks are exclusive: there is one writer and no reader
beside it, and then SQLite needs no shared memory, which a full disk would turn into a fatal signal.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from beaker.errors import BeakerError
from beaker.journal import schema
from beaker.journal.rows import TABLES, Row

BUSY_S: Final = 1.0
"""How long a lock of somebody else's, such as of a program that copies the file, is waited for: the caller stands still meanwhile."""

KEPT_ENDED: Final = 1000
"""Rows of what is over that are kept in each table, the latest: some weeks of a busy gateway."""

KEPT_BROKEN: Final = 3
"""Files that were put aside, the latest: enough to look into, and no disk fills up with them."""

_BEYOND_REPAIR: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_json = msgspec.json.Encoder()


class JournalTooNew(BeakerError):
    """The file was written by a later version of beaker."""


class Broken(BeakerError):
    """The file is no journal, or not whole."""


@contextmanager
def telling_broken(path: Path) -> Generator[None]:
    """Tell what no retry mends from what may be over in a moment, which is SQLite's own OperationalError.

    Raises:
        Broken: the file is no journal, or not whole.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        # The primary code is the low byte; the rest says more of the same.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, sqlite3.OperationalError) and code not in _BEYOND_REPAIR:
            raise
        raise Broken(f"{path} is not whole: {error}") from None


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file, or make it, and bring it to the present version.

    Raises:
        Broken: the file is no journal, or not whole.
        JournalTooNew: it is of a later version.
        OSError: it cannot be made.
        sqlite3.OperationalError: it cannot be read or written at the moment.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # private from its first moment, and so are the files beside it
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    try:
        with telling_broken(path):
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            version = _look_at(database, path)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            _check(database, path)
            _migrate(database, version)
            forget_what_is_long_over(database)
    except BaseException:  # whatever it was, the file must not stay locked
        database.close()
        raise
    return database


def read_rows(database: sqlite3.Connection, path: Path) -> dict[str, list[Row]]:
    """What is not over, by table, in the order in which it began.

    Raises:
        Broken: a row makes no sense.
    """
    found: dict[str, list[Row]] = {}
    for table, kind in TABLES.items():
        columns = kind.__struct_fields__
        with telling_broken(path):
            rows = database.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE ended_at IS NULL ORDER BY id").fetchall()
        try:
            found[table] = [_decode(kind, dict(zip(columns, row, strict=True))) for row in rows]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Broken(f"{path} holds a row of {table} that makes no sense: {error}") from None
    return found


def last_ids(database: sqlite3.Connection, path: Path) -> dict[str, int]:
    """The highest number in each table; 0 where there is none.

    Raises:
        Broken: the file is not whole.
    """
    with telling_broken(path):
        return {table: database.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0] for table in TABLES}


def write_rows(database: sqlite3.Connection, path: Path, rows: list[tuple[str, Row]]) -> None:
    """Write rows, each new or in the place of the one with its number; all of them or none.

    Raises:
        Broken: the file is not whole any more.
        sqlite3.OperationalError: they cannot be written at the moment.
    """
    with telling_broken(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            for table, row in rows:
                columns = row.__struct_fields__
                values = [_encode(getattr(row, column)) for column in columns]
                database.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", values)
            database.execute("COMMIT")
        except BaseException:  # whatever it was, the transaction must not stay open
            if database.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
            raise


def forget_what_is_long_over(database: sqlite3.Connection) -> None:
    """Remove the oldest rows of what is over, beyond KEPT_ENDED in each table; the room is used again.

    Raises:
        sqlite3.Error: it cannot be done.
    """
    for table in TABLES:
        over = f"SELECT id FROM {table} WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET {KEPT_ENDED}"
        database.execute(f"DELETE FROM {table} WHERE id IN ({over})")


def put_aside(path: Path) -> Path:
    """Give a file that is not whole another name, with what lies beside it, and forget the oldest of those before it.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.broken-{stamp}-{os.urandom(2).hex()}")
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    os.replace(path, aside)
    former = sorted(each for each in path.parent.glob(f"{path.name}.broken-*") if not each.name.endswith(("-wal", "-shm")))
    for old in former[:-KEPT_BROKEN]:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{old}{suffix}").unlink(missing_ok=True)
    return aside


def _look_at(database: sqlite3.Connection, path: Path) -> int:
    """The file's version, if it is ours and not of the future."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application not in (0, schema.APPLICATION):
        raise Broken(f"{path} is a database, but not of beaker")
    if version > len(schema.STEPS):
        raise JournalTooNew(
            f"The journal {path} was written by a later version of beaker (its schema is {version}, this one knows {len(schema.STEPS)}). "
            "Start that version, or move the file away: then the kernels in it are forgotten."
        )
    return int(version)


def _check(database: sqlite3.Connection, path: Path) -> None:
    (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Broken(f"{path} is not whole: {said}")


def _migrate(database: sqlite3.Connection, version: int) -> None:
    for number, statements in enumerate(schema.STEPS[version:], version + 1):
        database.execute("BEGIN IMMEDIATE")
        for statement in statements:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {schema.APPLICATION}")
        database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")


def _encode(value: object) -> object:
    return _json.encode(value).decode() if isinstance(value, dict) else value


def _decode(kind: type[Row], values: dict[str, object]) -> Row:
    if isinstance(told := values.get("environment"), str):
        values["environment"] = msgspec.json.decode(told)
    return msgspec.convert(values, kind, strict=False)
