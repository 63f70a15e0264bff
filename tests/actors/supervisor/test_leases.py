"""Without an owner everything ends: by the Supervisor's lease, and by the watcher when the Supervisor was killed too."""

import os
import signal
from pathlib import Path

import pytest

from beaker.messages.subkernel import Ping, Pong, Shutdown
from tests.actors.supervisor.held import HeldLeases, HeldTime
from tests.actors.supervisor.stage import PATIENCE_S, is_gone, stage, until

pytestmark = pytest.mark.slow


async def test_everything_ends_after_the_lease_when_the_owner_is_lost() -> None:
    time = HeldTime()
    async with stage() as kernel:
        _, subkernel = await kernel.begin(time.hold)
        assert kernel.link is not None
        kernel.link.close()
        await kernel.owner_is_missed()
        await time.pass_until(lambda: not kernel.folder.exists(), pid=kernel.supervisor)
        await until(lambda: is_gone(subkernel.pid or 0) and is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())


async def test_everything_ends_after_the_lease_when_no_owner_ever_comes() -> None:
    time = HeldTime()
    async with stage() as kernel:
        kernel.fork(time.hold)
        await until((kernel.folder / "supervisor.sock").exists)
        await time.pass_until(lambda: not kernel.folder.exists(), pid=kernel.supervisor)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())


async def test_a_new_owner_within_the_lease_keeps_everything() -> None:
    time = HeldTime()
    async with stage() as kernel:
        _, subkernel = await kernel.begin(time.hold)
        for _ in range(3):
            assert kernel.link is not None
            kernel.link.close()
            await kernel.owner_is_missed()
            time.pass_by(kernel.order.lease_s - 1, pid=kernel.supervisor)
            supervisor, attached = await kernel.attach()
            assert attached.subkernel == subkernel
            time.pass_by(kernel.order.lease_s, pid=kernel.supervisor)
            assert await supervisor.ask(Ping(), timeout_s=PATIENCE_S) == Pong()
        assert await kernel.run(subkernel, "print('here')") == "here\n"
        assert (await kernel.attach())[1].subkernel == subkernel


async def test_the_watcher_ends_what_lives_when_all_owners_are_killed() -> None:
    async with stage(lease_s=0.5) as kernel:
        # Only the watcher's wait is so short: without time the Supervisor has no lease.
        _, subkernel = await kernel.begin(HeldTime().hold)
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: is_gone(subkernel.pid or 0))
        await until(lambda: not kernel.folder.exists())
        await until(lambda: not kernel.left())


async def test_the_watcher_leaves_alone_what_a_new_supervisor_took_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = HeldLeases(tmp_path, monkeypatch)
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        watcher = await kernel.watcher()
        for _ in range(2):
            os.kill(kernel.supervisor, signal.SIGKILL)
            await until(lambda: is_gone(kernel.supervisor))
            await leases.wait_begun()
            kernel.fork()
            await kernel.attach()
            # Over for the one that had begun; at the second time that the watcher waits again shows what it made of it.
            await leases.run_out()
        assert await kernel.run(subkernel, "print('here')") == "here\n"
        assert kernel.watchers() == [watcher]


async def test_a_watcher_that_is_killed_is_replaced() -> None:
    async with stage() as kernel:
        await kernel.begin()
        old = await kernel.watcher()
        os.kill(old, signal.SIGKILL)
        await until(lambda: set(kernel.watchers()) - {old})
        assert len(list(kernel.folder.glob("owners-*"))) == 1


async def test_a_supervisor_without_an_owner_that_is_told_to_end_ends_all() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert kernel.link is not None
        kernel.link.close()
        await kernel.link.closed
        os.kill(kernel.supervisor, signal.SIGTERM)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: is_gone(subkernel.pid or 0) and not kernel.folder.exists())


async def test_a_supervisor_that_is_told_to_end_leaves_the_subkernel_of_an_owner_to_the_next_one() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        os.kill(kernel.supervisor, signal.SIGTERM)
        await until(lambda: is_gone(kernel.supervisor))
        kernel.fork()
        _, attached = await kernel.attach()
        assert attached.subkernel is not None
        assert attached.subkernel.pid == subkernel.pid


async def test_a_shutdown_leaves_nothing() -> None:
    async with stage() as kernel:
        supervisor, subkernel = await kernel.begin()
        await supervisor.ask(Shutdown(grace_s=0), timeout_s=PATIENCE_S)
        assert not kernel.folder.exists()
        assert subkernel.pid is not None
        assert is_gone(subkernel.pid)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())
