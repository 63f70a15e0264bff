"""Watchers that are killed, and folders that are cleaned away under a living kernel: whoever inherited them replaces them."""

import asyncio
import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

import msgspec
import psutil
import pytest

from actors.supervisor import watcher
from actors.supervisor.local_process import end_remains
from actors.supervisor.order import Remembered
from actors.supervisor.start_time import start_time
from beaker.messages.subkernel import Restart, Shutdown
from beaker.places import KernelFolder
from beaker.subkernels.restart_intensity import RestartIntensity
from tests.actors.supervisor.held import HeldLeases
from tests.actors.supervisor.stage import PATIENCE_S, Stage, is_gone, run_code, stage, until

pytestmark = pytest.mark.slow


def clean_away(kernel: Stage) -> None:
    """Remove the folder at once, whoever is writing in it."""
    aside = kernel.root / "gone"
    kernel.folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


async def kill_supervisor(kernel: Stage) -> None:
    os.kill(kernel.supervisor, signal.SIGKILL)
    await until(lambda: is_gone(kernel.supervisor))


def look_at_the_folder_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Supervisors hear soon that it was cleaned away."""
    monkeypatch.setattr("actors.supervisor.caretaker.LOOK_AT_FOLDER_S", 0.1)


async def test_a_watcher_that_was_inherited_is_replaced_when_it_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = HeldLeases(tmp_path, monkeypatch)
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        await kill_supervisor(kernel)
        kernel.fork()
        await kernel.attach()
        old = await kernel.watcher()
        os.kill(old, signal.SIGKILL)
        await until(lambda: [pid for pid in kernel.watchers() if pid != old])
        assert len(list(kernel.folder.glob("owners-*"))) == 1
        await kill_supervisor(kernel)
        await leases.run_out()
        await until(lambda: is_gone(subkernel.pid or 0))
        await until(lambda: not kernel.folder.exists() and not kernel.left())


async def test_a_watcher_that_is_killed_again_and_again_is_replaced_at_once_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.supervisor.caretaker.WATCHERS", RestartIntensity(limit=5, window_s=3.0))
    async with stage() as kernel:
        await kernel.begin()
        seen: set[int] = set()
        for _ in range(7):
            await until(lambda: set(kernel.watchers()) - seen)
            [new] = set(kernel.watchers()) - seen
            seen.add(new)
            os.kill(new, signal.SIGKILL)
            await until(partial(lambda pid: pid not in kernel.watchers(), new))
        await until(lambda: set(kernel.watchers()) - seen)


async def test_a_watcher_that_waits_for_a_long_lease_leaves_when_its_kernel_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "STEP_S", 0.2)
    async with stage(lease_s=600.0) as kernel:
        await kernel.begin()
        waiting = await kernel.watcher()
        await kill_supervisor(kernel)
        await until(psutil.Process(waiting).children)
        kernel.fork()
        supervisor, _ = await kernel.attach()
        assert kernel.watchers() == [waiting]
        await supervisor.ask(Shutdown(grace_s=0), timeout_s=PATIENCE_S)
        await until(lambda: is_gone(waiting))


async def test_every_owner_hears_of_the_end_of_a_watcher_that_waits_for_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "STEP_S", 600.0)  # one sleep for the whole lease, which is looked at below
    folder = KernelFolder(tmp_path)
    first = watcher.ensure(folder, kernel_id="k", lease_s=600)
    assert first.process is not None
    first.release()
    # It sleeps for the lease now, with nobody to own it; its sleep must not be taken for a reader of the pipe.
    shell = psutil.Process(first.process.pid)
    await until(shell.children)
    [sleep] = [child.pid for child in shell.children()]
    second = watcher.hold(folder)
    assert second is not None
    ended = asyncio.Event()
    second.watch(ended.set)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    async with asyncio.timeout(PATIENCE_S):
        await ended.wait()
    assert start_time(sleep) is not None
    assert watcher.hold(folder) is None
    second.release()
    os.kill(sleep, signal.SIGKILL)


async def test_a_folder_that_is_cleaned_away_makes_the_supervisor_give_way_and_the_next_one_adopts(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at_the_folder_often(monkeypatch)
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        async with kernel.client(subkernel) as client:
            clean_away(kernel)
            await until(lambda: is_gone(kernel.supervisor))
            assert start_time(subkernel.pid) is not None
            known = Remembered(generation=1, subkernel=subkernel, start=start_time(subkernel.pid), dead_reason="")
            kernel.order = msgspec.structs.replace(kernel.order, remembered=known)
            kernel.fork()
            supervisor, attached = await kernel.attach()
            assert attached.subkernel is not None
            assert (attached.subkernel.pid, attached.generation, attached.subkernel.adopted) == (subkernel.pid, 1, True)
            assert await run_code(client, "print(6 * 7)") == "42\n"
        assert (await supervisor.ask(Restart(), timeout_s=PATIENCE_S)).generation == 2
        fresh = await kernel.started()
        assert await kernel.run(fresh, "print(6 * 7)") == "42\n"
        await until(lambda: is_gone(subkernel.pid or 0))
        await kernel.watcher()  # that of the folder which is gone takes its time to leave


async def test_a_folder_that_is_cleaned_away_without_an_owner_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at_the_folder_often(monkeypatch)
    async with stage() as kernel:
        kernel.fork()
        await until((kernel.folder / "living").exists)
        pid = int((kernel.folder / "living").read_text().split()[0])
        await until((kernel.folder / "supervisor.sock").exists)  # it serves: nobody cleans up in the milliseconds before
        clean_away(kernel)
        await until(lambda: is_gone(kernel.supervisor) and is_gone(pid))
        await until(lambda: not kernel.left())


async def test_a_supervisor_does_not_clear_a_folder_that_is_another_ones_by_now() -> None:
    async with stage() as kernel:
        await kernel.begin()
        clean_away(kernel)
        kernel.folder.mkdir(mode=0o700)
        (kernel.folder / "1").mkdir()
        for name in ("supervisor.lock", "1/kernel-1.json"):
            (kernel.folder / name).write_text("somebody else's")
        assert kernel.link is not None
        kernel.link.close()
        await kernel.link.closed
        os.kill(kernel.supervisor, signal.SIGTERM)  # nobody owns it: it leaves for good, and clears what is its own
        await until(lambda: is_gone(kernel.supervisor))
        assert (kernel.folder / "1" / "kernel-1.json").read_text() == "somebody else's"
        assert (kernel.folder / "supervisor.lock").read_text() == "somebody else's"


async def test_a_given_up_kernel_stays_so_under_the_next_supervisor_until_a_restart() -> None:
    async with stage() as kernel:
        known = Remembered(generation=6, subkernel=None, start=None, dead_reason="died 6 times")
        kernel.order = msgspec.structs.replace(kernel.order, remembered=known)
        kernel.fork()
        supervisor, attached = await kernel.attach()
        assert (attached.state, attached.reason, attached.generation, attached.subkernel) == ("dead", "died 6 times", 6, None)
        assert (await supervisor.ask(Restart(), timeout_s=PATIENCE_S)).generation == 7
        assert (await kernel.started()).generation == 7


async def test_what_a_killed_subkernel_leaves_in_its_group_ends_with_it() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        worker = int(await kernel.run(subkernel, "import subprocess\nprint(subprocess.Popen(['sleep', '300']).pid)"))
        assert os.getpgid(worker) == subkernel.pid
        os.kill(subkernel.pid, signal.SIGKILL)
        await kernel.started()
        await until(lambda: is_gone(worker))


async def test_the_watcher_ends_the_group_of_a_leader_that_is_dead_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = HeldLeases(tmp_path, monkeypatch)
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        worker = int(await kernel.run(subkernel, "import subprocess\nprint(subprocess.Popen(['sleep', '300']).pid)"))
        os.kill(kernel.supervisor, signal.SIGKILL)
        os.kill(subkernel.pid, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor) and is_gone(subkernel.pid or 0))
        await leases.run_out()
        await until(lambda: is_gone(worker) and not kernel.folder.exists())


def test_remains_are_not_sought_where_the_number_is_a_living_process() -> None:
    living = subprocess.Popen(["sleep", "30"], start_new_session=True)
    try:
        end_remains(living.pid)
        assert living.poll() is None
    finally:
        living.kill()
        living.wait()
