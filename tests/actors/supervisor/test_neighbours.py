"""Kernels whose kernel process, Supervisor and watcher were all killed at once: another kernel's Supervisor sees to their end."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from actors.supervisor import lock, record, watcher
from actors.supervisor.neighbours import give_watchers
from actors.supervisor.start_time import start_time
from beaker.places import KernelFolder
from tests.actors.supervisor.held import HeldLeases, HeldTime
from tests.actors.supervisor.stage import PATIENCE_S, stage, until

pytestmark = pytest.mark.slow

LEASE_S = 0.1


@pytest.fixture
def own(short_folder: Path) -> KernelFolder:
    """The folder of the kernel that looks; as it is its own, what lives there is never touched."""
    return folder_in(short_folder, "own")


@pytest.fixture
def subkernel() -> Iterator["subprocess.Popen[bytes]"]:
    """Somebody's session."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def folder_in(root: Path, name: str) -> KernelFolder:
    folder = KernelFolder(root / name)
    folder.path.mkdir(mode=0o700)
    return folder


def inhabit(folder: KernelFolder, process: "subprocess.Popen[bytes]") -> KernelFolder:
    folder.living.write_text(f"{process.pid} {start_time(process.pid)}\n")
    return folder


async def test_a_subkernel_of_which_nobody_is_left_ends_after_the_lease(own: KernelFolder, subkernel: "subprocess.Popen[bytes]") -> None:
    inhabit(own, subkernel)
    orphaned = inhabit(folder_in(own.path.parent, "orphaned"), subkernel)
    os.mkfifo(orphaned.path / "owners-1")
    [given] = give_watchers(own, lease_s=LEASE_S)
    await until(lambda: subkernel.poll() is not None)
    await until(lambda: given.status is not None)
    assert given.status == 0
    assert sorted(path.name for path in own.path.parent.iterdir()) == ["own"]


async def test_a_neighbour_is_given_the_time_that_its_own_supervisor_had_written_down(subkernel: "subprocess.Popen[bytes]") -> None:
    async with stage(lease_s=71.5) as kernel:
        await kernel.begin()
        folder = KernelFolder(kernel.folder)
        written = record.read(folder)
        assert written is not None
        assert written.lease_s == 71.5
        orphaned = inhabit(folder_in(kernel.root, "orphaned"), subkernel)
        record.write(orphaned, msgspec.structs.replace(written, start=start_time(subkernel.pid)))
        inhabit(orphaned, subkernel)
        [given] = give_watchers(KernelFolder(kernel.root / "looking"), lease_s=LEASE_S)
        try:
            await until(lambda: _lease_of(given.pid) == pytest.approx(71.5, abs=0.1))  # once it has become the shell
        finally:
            given.send(signal.SIGKILL)
            await until(lambda: given.status is not None)


def _lease_of(pid: int) -> float:
    """What a watcher waits for, as its command line says: the length of a step, and how many there are; 0 before it is a shell."""
    words = psutil.Process(pid).cmdline()  # a program that has just begun has none for a moment
    return float(words[-2]) * int(words[-1]) if words and words[-1].isdigit() else 0.0


async def test_nobody_else_is_touched(own: KernelFolder, subkernel: "subprocess.Popen[bytes]") -> None:
    root = own.path.parent
    folder_in(root, "empty")
    (root / "a file").touch()
    watched = inhabit(folder_in(root, "watched"), subkernel)
    held = watcher.ensure(watched, kernel_id="watched", lease_s=60)
    folder_in(root, "elsewhere").living.write_text(f"{subkernel.pid} 1\nno pid\n")  # of another machine that shares the folder
    supervised = inhabit(folder_in(root, "supervised"), subkernel)
    descriptor = lock.take(supervised)
    assert descriptor is not None
    try:
        assert give_watchers(own, lease_s=LEASE_S) == []
    finally:
        os.close(descriptor)
        (pipe,) = watcher.pipes(watched)
        pipe.unlink()  # so it leaves by itself
        held.reap()
        assert held.process is not None
        held.process.wait(PATIENCE_S)
    assert watcher.pipes(supervised) == watcher.pipes(KernelFolder(root / "elsewhere")) == []
    assert subkernel.poll() is None


async def test_the_supervisor_of_another_kernel_looks_once_it_runs(
    subkernel: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, time = HeldLeases(tmp_path, monkeypatch), HeldTime()
    async with stage() as kernel:
        orphaned = inhabit(folder_in(kernel.root, "orphaned"), subkernel)
        await kernel.begin(time.hold)
        assert watcher.pipes(orphaned) == []
        await time.pass_until(lambda: watcher.pipes(orphaned), pid=kernel.supervisor)
        await leases.run_out()
        await until(lambda: subkernel.poll() is not None)
        await until(lambda: not orphaned.path.exists())
        assert kernel.folder.exists()
