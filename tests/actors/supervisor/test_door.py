"""The last moment of a lease: whoever comes then takes over the session, or hears that it is over, and never one that is being ended."""

import asyncio
import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.supervisor import watcher
from actors.supervisor.start_time import start_time
from beaker.places import KernelFolder
from tests.actors.supervisor.held import HeldCalls, HeldLeases
from tests.actors.supervisor.stage import until

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(short_folder: Path) -> KernelFolder:
    """Of a kernel."""
    folder = KernelFolder(short_folder / "kernel")
    folder.path.mkdir(mode=0o700)
    return folder


@pytest.fixture
def subkernel(folder: KernelFolder) -> Iterator["subprocess.Popen[bytes]"]:
    """Its session."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    folder.living.write_text(f"{process.pid} {start_time(process.pid)}\n")
    yield process
    process.kill()
    process.wait()


async def abandon(folder: KernelFolder, leases: HeldLeases) -> watcher.Watcher:
    """Have the one owner of a folder go, and its lease run out."""
    owner = watcher.ensure(folder, kernel_id="k", lease_s=60)
    owner.release()
    await leases.run_out()
    return owner


async def come(folder: KernelFolder) -> "asyncio.Task[watcher.Watcher | None]":
    """Have an owner come to a watcher that is held; returns once it has written its line."""
    [pipe] = watcher.pipes(folder)
    coming = asyncio.ensure_future(asyncio.to_thread(watcher.hold, folder))
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        await until(lambda: struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, bytes(4)))[0])
    finally:
        os.close(reading)
    return coming


async def test_whoever_comes_when_the_watcher_has_made_up_its_mind_takes_over_nothing(
    folder: KernelFolder, subkernel: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, ending = HeldLeases(tmp_path, monkeypatch), HeldCalls(tmp_path, monkeypatch, "mv", 'command mv "$@"')
    first = await abandon(folder, leases)
    await ending.wait_begun()
    coming = await come(folder)
    await ending.let_go()
    assert await coming is None
    await until(lambda: subkernel.poll() is not None)
    with pytest.raises(FileNotFoundError):
        watcher.ensure(folder, kernel_id="k", lease_s=60)
    first.reap()


async def test_whoever_comes_before_the_watchers_last_look_takes_over_the_session(
    folder: KernelFolder, subkernel: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, closing = HeldLeases(tmp_path, monkeypatch), HeldCalls(tmp_path, monkeypatch, "true")
    first = await abandon(folder, leases)
    await closing.wait_begun()
    coming = await come(folder)
    await closing.let_go()
    taken = await coming
    assert taken is not None
    taken.release()
    await leases.wait_begun()  # for another lease
    assert subkernel.poll() is None
    await leases.run_out()
    await closing.let_go()
    await until(lambda: subkernel.poll() is not None)
    first.reap()
    assert not folder.path.exists()


async def test_a_watcher_that_stands_still_as_it_makes_up_its_mind_is_not_taken_for_dead(
    folder: KernelFolder, subkernel: "subprocess.Popen[bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, ending = HeldLeases(tmp_path, monkeypatch), HeldCalls(tmp_path, monkeypatch, "mv", 'command mv "$@"')
    first = await abandon(folder, leases)
    await ending.wait_begun()
    monkeypatch.setattr(watcher, "LOOKS", 3)
    with pytest.raises(TimeoutError):
        watcher.ensure(folder, kernel_id="k", lease_s=60)
    await ending.let_go()
    await until(lambda: subkernel.poll() is not None)
    first.reap()
