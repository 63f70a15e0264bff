"""Following logs: across rotation, new processes and pieces of lines, in order, each line once."""

import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actors.logs.following import HISTORY_BYTES, Follower
from actors.logs.reading import LogFolder
from actors.runtime.log_file import LogFile
from beaker.logs.selection import Selection
from tests.actors.logs.test_command import PROGRAM, ROOT
from tests.beaker.logs.lines import NOON, raw

LATER = NOON + timedelta(hours=1)


def follower(folder: Path, *, of_kernel: str = "", whole: bool = False, now: datetime = LATER) -> Follower:
    return Follower(LogFolder(folder), Selection(), of_kernel=of_kernel, whole=whole, now=lambda: now)


def events(made: Follower) -> list[str]:
    return [line.head.event for line in made.poll()]


def test_lines_come_as_they_are_written_and_once(tmp_path: Path) -> None:
    path = tmp_path / "kernel-ab12-1.jsonl"
    path.write_bytes(raw("a"))
    made = follower(tmp_path)
    assert events(made) == ["a"]
    assert events(made) == []
    with path.open("ab") as file:
        file.write(raw("b") + raw("c")[:20])
        file.flush()
        assert events(made) == ["b"]
        file.write(raw("c")[20:])
        file.flush()
        assert events(made) == ["c"]
    made.close()


def test_files_that_come_are_followed_from_their_beginning_and_all_are_merged_by_time(tmp_path: Path) -> None:
    made = follower(tmp_path)
    assert events(made) == []
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(raw("first", at_s=1) + raw("third", at_s=3))
    (tmp_path / "agent-ab12-2.jsonl").write_bytes(raw("second", at_s=2, role="agent"))
    (tmp_path / "kernel-ffff-3.jsonl").write_bytes(raw("fourth", at_s=4))
    assert events(made) == ["first", "second", "third", "fourth"]
    made.close()


def test_one_kernel_can_be_followed_alone(tmp_path: Path) -> None:
    made = follower(tmp_path, of_kernel="ab12")
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(raw("mine"))
    (tmp_path / "kernel-ffff-3.jsonl").write_bytes(raw("other"))
    assert events(made) == ["mine"]
    made.close()


def test_one_kernel_of_a_gateway_can_be_followed_alone(tmp_path: Path) -> None:
    uuid = "a1b88acc-59d0-46db-a2bc-ca5f080b61fc"
    made = follower(tmp_path, of_kernel=uuid)
    (tmp_path / "host-7.jsonl").write_bytes(raw("a", kernel=uuid) + raw("b") + raw("c", kernel=""))
    (tmp_path / f"agent-{uuid}-8.jsonl").write_bytes(raw("d", at_s=1, kernel=""))
    assert events(made) == ["a", "d"]
    made.close()


@pytest.mark.parametrize("between", [1, 7, 25])
def test_no_line_is_lost_or_doubled_by_rotation(tmp_path: Path, between: int) -> None:
    file = LogFile(tmp_path / "kernel-ab12-1.jsonl", max_bytes=1000, keep=20)
    made, seen = follower(tmp_path), []
    assert events(made) == []
    for number in range(50):
        file.write(raw(f"line.{number}", at_s=number))
        if number % between == 0:
            seen += events(made)
    seen += events(made)
    file.close()
    made.close()
    assert len(list(tmp_path.iterdir())) > 5, "it was put aside often"
    assert seen == [f"line.{number}" for number in range(50)]


def test_what_was_written_before_a_file_was_pruned_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "kernel-ab12-1.jsonl"
    path.write_bytes(raw("a"))
    made = follower(tmp_path)
    assert events(made) == ["a"]
    with path.open("ab") as file:
        file.write(raw("last words"))
    path.unlink()
    assert events(made) == ["last words"]
    assert events(made) == []
    made.close()


def test_a_line_younger_than_the_look_waits_for_an_older_one_of_another_process(tmp_path: Path) -> None:
    made = follower(tmp_path, now=NOON + timedelta(seconds=5))
    assert events(made) == []
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(raw("old", at_s=1) + raw("young", at_s=7))
    assert events(made) == ["old"]
    (tmp_path / "agent-ab12-2.jsonl").write_bytes(raw("between", at_s=3))
    assert events(made) == ["between", "young"]
    made.close()


def test_one_begins_with_the_end_of_long_files_or_with_all_of_them(tmp_path: Path) -> None:
    rows = [raw(f"line.{number}", at_s=number) for number in range(3000)]
    (tmp_path / "kernel-ab12-1.jsonl.1").write_bytes(b"".join(rows[:100]))
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(b"".join(rows[100:]))
    made = follower(tmp_path)
    late = events(made)
    made.close()
    assert late[-1] == "line.2999"
    assert HISTORY_BYTES - 500 < sum(len(row) for row in rows[-len(late) :]) <= HISTORY_BYTES
    made = follower(tmp_path, whole=True)
    assert events(made) == [f"line.{number}" for number in range(3000)]
    made.close()


def test_junk_is_counted_and_passed_over(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path)
    made = Follower(folder, Selection(), now=lambda: datetime.now(UTC))
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(b"junk\n" + raw("a"))
    assert events(made) == ["a"]
    made.close()
    assert folder.unreadable == {"kernel-ab12-1.jsonl": 1}


@pytest.mark.slow
def test_the_command_shows_what_is_written_while_it_runs_and_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "kernel-ab12-1.jsonl").write_bytes(raw("before"))
    process = subprocess.Popen(
        [*PROGRAM, ROOT, "follow", "--json", "--folder", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit it ignored
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert b'"before"' in process.stdout.readline()
        (tmp_path / "agent-ab12-2.jsonl").write_bytes(raw("after"))
        assert b'"after"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
