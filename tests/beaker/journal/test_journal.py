"""The journal: what was written is there after any death, and what is in its way costs nothing while we live."""

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from beaker.journal import database, schema
from beaker.journal import journal as module
from beaker.journal.database import KEPT_BROKEN, Broken, JournalTooNew
from beaker.journal.journal import Journal, JournalTaken
from beaker.journal.rows import TABLES, ConversationRow, KernelRow, Row, SessionRow

ROOT = str(Path(__file__).parents[3])


def kernel(name: str = "k", **fields: object) -> KernelRow:
    row = KernelRow(
        kernel_id=name,
        spec_name="beaker",
        subkernel="python3",
        host=0,
        folder="/work",
        runtime_folder="/run/k",
        path="a.ipynb",
        environment={"KERNEL_USER": "ä"},
        started_at=1.5,
    )
    return msgspec.structs.replace(row, **fields)


def session(name: str = "s", **fields: object) -> SessionRow:
    row = SessionRow(session_id=name, path="a.ipynb", name="a", kind="notebook", kernel_id="k", opened_at=2.5)
    return msgspec.structs.replace(row, **fields)


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """A journal that is closed at the end."""
    journal = Journal.open(folder)
    try:
        yield journal
    finally:
        journal.close()


def names(rows: list[KernelRow]) -> list[str]:
    return [row.kernel_id for row in rows]


def test_what_was_written_is_found_by_the_next_one(tmp_path: Path) -> None:
    conversation = ConversationRow(kernel_id="k", file="/run/k/conversation", began_at=1.5)
    with opened(tmp_path) as journal:
        assert journal.append(kernel(), session(), conversation) == [1, 1, 1]
    with opened(tmp_path) as journal:
        assert journal.kernels == [kernel(id=1)]
        assert journal.sessions == [session(id=1)]
        assert journal.conversations == [msgspec.structs.replace(conversation, id=1)]
        assert journal.trouble == ""


def test_what_is_changed_is_found_as_it_was_last_and_what_is_over_is_not(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel("a"), kernel("b"), session())
        journal.change(kernel("a", id=1, generation=3, dead_reason="killed"), kernel("b", id=2, ended_at=9.0))
    with opened(tmp_path) as journal:
        assert journal.kernels == [kernel("a", id=1, generation=3, dead_reason="killed")]


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel("a"))
        journal.change(kernel("a", id=1, ended_at=9.0))
    with opened(tmp_path) as journal:
        assert journal.append(kernel("b")) == [2]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as journal:
        journal.append(kernel())
        files = list((tmp_path / "state").iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(JournalTaken, match="a gateway with this state folder runs"):
        Journal.open(tmp_path)


def test_what_is_told_to_one_that_is_closed_is_not_written(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel("a"))
    journal.append(kernel("b"))
    with opened(tmp_path) as journal:
        assert names(journal.kernels) == ["a"]


def test_of_what_is_over_only_the_latest_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "KEPT_ENDED", 2)
    with opened(tmp_path) as journal:
        for number in range(1, 6):
            journal.append(kernel())
            if number != 1:
                journal.change(kernel(id=number, ended_at=1.0))
    with opened(tmp_path) as journal:
        pass
    rows = sqlite3.connect(journal.path)
    assert rows.execute("SELECT id FROM kernels ORDER BY id").fetchall() == [(1,), (4,), (5,)]
    rows.close()


def test_a_journal_that_is_open_for_long_forgets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "KEPT_ENDED", 2)
    monkeypatch.setattr(module, "FORGET_EVERY", 10)
    with opened(tmp_path) as journal:
        for number in range(1, 21):
            journal.append(kernel())
            journal.change(kernel(id=number, ended_at=1.0))
        journal.close()
        rows = sqlite3.connect(journal.path)
        assert rows.execute("SELECT id FROM kernels ORDER BY id").fetchall() == [(19,), (20,)]
        rows.close()


WRITER = """
import sys
sys.path.insert(0, {root!r})
import beaker_kernel
from pathlib import Path
from beaker.journal.journal import Journal
from tests.beaker.journal.test_journal import kernel
journal = Journal.open(Path(sys.argv[1]))
while True:
    print(*journal.append(*[kernel() for _ in range(3)]), flush=True)
"""


def test_a_writer_that_is_killed_loses_nothing_that_it_has_written_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER.format(root=ROOT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [next(writer.stdout) for _ in range(300)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.read().splitlines(keepends=True)
    whole = [line for line in said if line.endswith("\n")]
    with opened(tmp_path) as journal:
        there = [row.id for row in journal.kernels]
        assert journal.was_put_aside == []
    assert there == list(range(1, len(there) + 1))
    assert len(there) % 3 == 0
    assert len(there) >= 3 * len(whole)


def torn(tmp_path: Path, bytes_lost: int) -> list[str]:
    """The kernels that are found after the end of what was written last is lost, as a machine that fails may leave it."""
    with opened(tmp_path / "before") as journal:
        for name in "abc":
            journal.append(kernel(name))
        shutil.copytree(tmp_path / "before", tmp_path / "after")  # while it is open: closing merges the two files
    log = next((tmp_path / "after").glob("*-wal"))
    os.truncate(log, log.stat().st_size - bytes_lost)
    with opened(tmp_path / "after") as journal:
        assert journal.was_put_aside == []
        return names(journal.kernels)


@pytest.mark.parametrize(("bytes_lost", "left"), [(0, ["a", "b", "c"]), (1, ["a", "b"]), (4000, ["a", "b"])])
def test_a_torn_end_costs_the_last_record(tmp_path: Path, bytes_lost: int, left: list[str]) -> None:
    assert torn(tmp_path, bytes_lost) == left


def junk(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def of_somebody_else(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 77")
    other.close()


def senseless(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("UPDATE kernels SET environment = '{'")
    other.close()


@pytest.mark.parametrize("spoil", [junk, cut, of_somebody_else, senseless])
def test_a_file_that_is_not_whole_is_put_aside_and_a_new_one_begun(tmp_path: Path, spoil: "object") -> None:
    assert callable(spoil)
    with opened(tmp_path) as journal:
        journal.append(kernel("a"))
    spoil(journal.path)
    with opened(tmp_path) as journal:
        assert (journal.kernels, journal.trouble) == ([], "")
        ((aside, reason),) = journal.was_put_aside
        assert aside.exists()
        assert str(journal.path) in reason
        journal.append(kernel("b"))
    with opened(tmp_path) as journal:
        assert names(journal.kernels) == ["b"]


def test_files_that_were_put_aside_do_not_fill_the_disk(tmp_path: Path) -> None:
    for _ in range(KEPT_BROKEN + 2):
        junk(tmp_path / module.FILE)
        with opened(tmp_path):
            pass
    assert len(list(tmp_path.glob("*.broken-*"))) == KEPT_BROKEN


def test_a_file_that_breaks_under_our_hands_is_written_anew_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = database.write_rows
    failures = [Broken("it is malformed")]

    def fail_once(connection: sqlite3.Connection, path: Path, rows: list[tuple[str, Row]]) -> None:
        if failures:
            raise failures.pop()
        write(connection, path, rows)

    with opened(tmp_path) as journal:
        journal.append(kernel("a"), session())
        monkeypatch.setattr(module, "write_rows", fail_once)
        journal.append(kernel("b"))
        assert journal.trouble == ""
        assert len(journal.was_put_aside) == 1
    with opened(tmp_path) as journal:
        assert (names(journal.kernels), len(journal.sessions)) == (["a", "b"], 1)


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """No file can grow beyond what this one has; the signal that tells of it is one that Python ignores."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_it_goes_on_from_memory_says_so_and_writes_when_there_is_room(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel("a"), kernel("b"))
        with no_room(Path(f"{journal.path}-wal")):
            journal.append(kernel("c"))
            journal.change(kernel("a", id=1, ended_at=9.0))
            assert journal.trouble.startswith(f"{journal.path} cannot be written: ")
            assert names(journal.kernels) == ["b", "c"]
            assert not journal.retry()
        assert journal.retry()
        assert journal.trouble == ""
    with opened(tmp_path) as journal:
        assert names(journal.kernels) == ["b", "c"]
        assert journal.was_put_aside == []


def test_a_disk_that_is_full_when_it_is_opened_costs_nothing_either(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with opened(tmp_path) as journal:
        journal.append(kernel("old"))
    copy = tmp_path / "later"
    shutil.copytree(tmp_path, copy)
    with no_room(tmp_path / "empty"):
        journal = Journal.open(copy)
        (number,) = journal.append(kernel("new"))
        assert journal.trouble != ""
    assert journal.retry()
    journal.close()
    with opened(copy) as journal:
        assert names(journal.kernels) == ["old", "new"]
        assert journal.kernels[1].id == number > 1


def test_of_what_is_over_and_cannot_be_written_only_so_much_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_LIMIT", 3)
    with opened(tmp_path) as journal:
        journal.append(kernel("a"))
        with no_room(Path(f"{journal.path}-wal")):
            for name in "bcdef":
                (number,) = journal.append(kernel(name))
                journal.change(kernel(name, id=number, ended_at=1.0))
            journal.append(kernel("g"))
        assert journal.retry()
        assert journal.forgotten == 2
    with opened(tmp_path) as journal:
        assert names(journal.kernels) == ["a", "g"]


def test_a_file_of_a_later_version_is_refused_and_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = (*schema.STEPS, ("ALTER TABLE kernels ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", later)
        with opened(tmp_path) as journal:
            journal.append(kernel("a"))
    content = journal.path.read_bytes()
    with pytest.raises(JournalTooNew, match=r"its schema is 2, this one knows 1.*Start that version, or move the file away"):
        Journal.open(tmp_path)
    assert journal.path.read_bytes() == content
    assert list(tmp_path.glob("*.broken-*")) == []


def test_a_file_of_an_earlier_version_is_brought_to_the_present_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel("a"))
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("ALTER TABLE kernels ADD COLUMN colour TEXT DEFAULT 'blue'",)))
    with opened(tmp_path) as journal:
        assert names(journal.kernels) == ["a"]
    copy = sqlite3.connect(journal.path)
    assert copy.execute("SELECT colour FROM kernels").fetchall() == [("blue",)]
    assert copy.execute("PRAGMA user_version").fetchone() == (2,)
    copy.close()


def test_each_kind_of_row_is_a_table_of_the_present_version(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(kernel())
    copy = sqlite3.connect(journal.path)
    for table, kind in TABLES.items():
        assert [column[1] for column in copy.execute(f"PRAGMA table_info({table})")] == list(kind.__struct_fields__)
    copy.close()
