"""The pieces that a Supervisor is made of: lock, record, stderr, start times."""

import asyncio
import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest

from actors.supervisor import lock, record
from actors.supervisor.local_process import LocalProcess
from actors.supervisor.start_time import start_time
from actors.supervisor.stderr_pipe import StderrPipe
from beaker.places import KernelFolder
from tests.actors.supervisor.stage import PATIENCE_S
from tests.beaker.subkernels.life_kit import subkernel


@pytest.fixture
def folder(tmp_path: Path) -> KernelFolder:
    return KernelFolder(tmp_path)


def entry(pid: int, start: str | None) -> record.Record:
    """A record of a process."""
    import msgspec

    named = msgspec.structs.replace(subkernel(3), pid=pid)
    return record.Record(subkernel=named, start=start, answered=True, spec_path="/s/kernel.json", owner=7, owner_lost_at=None)


def test_the_lock_has_one_holder_and_is_free_when_that_one_lets_go(folder: KernelFolder) -> None:
    held = lock.take(folder)
    assert held is not None
    assert lock.take(folder) is None
    assert folder.supervisor_lock.read_text() == str(os.getpid())
    os.close(held)
    again = lock.take(folder)
    assert again is not None
    os.close(again)


def test_no_folder_is_too_full_for_a_lock(folder: KernelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    held = lock.take(folder)
    assert (held is not None, lock.take(folder)) == (True, None)


def test_a_lock_on_a_file_that_was_removed_is_nobodys(folder: KernelFolder) -> None:
    old = lock.take(folder)
    folder.supervisor_lock.unlink()
    new = lock.take(folder)
    assert old is not None
    assert new is not None
    assert os.fstat(new).st_ino == folder.supervisor_lock.stat().st_ino
    os.close(old)
    os.close(new)


def test_a_record_is_private_and_read_back(folder: KernelFolder) -> None:
    written = entry(os.getpid(), start_time(os.getpid()))
    record.write(folder, written)
    assert folder.record.stat().st_mode & 0o777 == 0o600
    assert record.read(folder) == written
    assert record.found(written).alive
    assert folder.living.read_text() == f"{os.getpid()} {written.start}\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["living", "subkernel.json"]


def test_a_record_that_has_no_room_beside_the_one_that_is_there_takes_its_place(
    folder: KernelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, following = entry(os.getpid(), start_time(os.getpid())), entry(1, "2")
    make = os.open

    def full(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_EXCL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return make(path, flags, mode)

    record.write(folder, former)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        record.write(folder, following)
        assert (record.read(folder), folder.living.read_text()) == (following, "1 2\n")
        record.remove(folder)
        with pytest.raises(OSError, match="No space left"):
            record.write(folder, following)
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("start", ["1", None])
def test_a_pid_with_another_start_time_is_somebody_else(start: str | None) -> None:
    assert not record.found(entry(os.getpid(), start)).alive


@pytest.mark.parametrize("content", [b"", b"{", b'{"subkernel": 1}'])
def test_a_record_that_cannot_be_read_is_none(folder: KernelFolder, content: bytes) -> None:
    folder.record.write_bytes(content)
    assert record.read(folder) is None


def test_a_process_has_one_start_time_and_a_zombie_has_none() -> None:
    process = subprocess.Popen(["sleep", "600"])
    started = start_time(process.pid)
    assert started is not None
    assert start_time(process.pid) == started
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(process.pid) is None
    process.wait()
    assert start_time(process.pid) is None


def sleeper() -> "subprocess.Popen[bytes]":
    """A process that does nothing, in a session of its own."""
    return subprocess.Popen(["sleep", "600"], start_new_session=True)


async def test_the_end_of_a_child_is_heard_with_its_status() -> None:
    child = sleeper()
    process = LocalProcess(child.pid, start_time(child.pid), child)
    ended = asyncio.Event()
    process.watch(ended.set)
    process.send(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        await ended.wait()
    assert process.status == -signal.SIGTERM
    assert not process.alive
    process.send(signal.SIGKILL)
    process.close()


async def test_the_end_of_a_process_that_is_gone_already_is_heard_too() -> None:
    child = sleeper()
    started = start_time(child.pid) or "0"
    child.kill()
    child.wait()
    ended = asyncio.Event()
    LocalProcess(child.pid, started).watch(ended.set)
    async with asyncio.timeout(PATIENCE_S):
        await ended.wait()


async def test_a_signal_does_not_reach_a_process_that_has_the_pid_of_another() -> None:
    child = sleeper()
    somebody = LocalProcess(child.pid, "0")
    ended = asyncio.Event()
    somebody.watch(ended.set)
    somebody.send(signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_S):
        await ended.wait()
    assert child.poll() is None
    child.kill()
    child.wait()


async def test_stderr_is_drained_kept_and_passed_on(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pipe = StderrPipe(tmp_path / "stderr", echo=writing)
    end = pipe.writing_end()
    pipe.attach(asyncio.get_running_loop())
    os.write(end, b"one\ntwo\n")
    assert pipe.tail() == "one\ntwo"
    assert os.read(reading, 100) == b"one\ntwo\n"
    os.close(end)
    await asyncio.sleep(0)
    pipe.drain()
    pipe.close()
    os.close(reading)
    os.close(writing)


async def test_a_reader_of_our_stderr_that_stands_still_stops_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pipe = StderrPipe(tmp_path / "stderr", echo=writing)
    end = pipe.writing_end()
    for _ in range(40):
        os.write(end, b"x" * 65_535 + b"\n")
        pipe.drain()
    assert len(pipe.tail()) <= 4096
    for descriptor in (end, reading, writing):
        os.close(descriptor)
    pipe.close()


async def test_a_second_reader_goes_on_where_the_first_was_killed(tmp_path: Path) -> None:
    first = StderrPipe(tmp_path / "stderr", echo=None)
    end = first.writing_end()
    first.close()
    os.write(end, b"said meanwhile\n")
    second = StderrPipe(tmp_path / "stderr", echo=None)
    assert second.tail() == "said meanwhile"
    second.close()
    os.close(end)
