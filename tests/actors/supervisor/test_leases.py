"""Without an owner everything ends: by the Supervisor's lease, and by the watcher when the Supervisor was killed too."""

import os
import signal

import pytest

from beaker.messages.subkernel import Shutdown
from tests.actors.supervisor.stage import is_gone, stage, until

pytestmark = pytest.mark.slow


async def test_everything_ends_after_the_lease_when_the_owner_is_lost() -> None:
    async with stage(lease_s=0.3) as kernel:
        _, subkernel = await kernel.begin()
        assert kernel.link is not None
        kernel.link.close()
        await until(lambda: not kernel.folder.exists())
        await until(lambda: is_gone(subkernel.pid or 0) and is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())


async def test_everything_ends_after_the_lease_when_no_owner_ever_comes() -> None:
    async with stage(lease_s=0.3) as kernel:
        kernel.fork()
        await until(lambda: not kernel.folder.exists())
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())


async def test_a_new_owner_within_the_lease_keeps_everything() -> None:
    async with stage(lease_s=1.0) as kernel:
        _, subkernel = await kernel.begin()
        for _ in range(3):
            assert kernel.link is not None
            kernel.link.close()
            _, attached = await kernel.attach()
            assert attached.subkernel == subkernel
        assert await kernel.run(subkernel, "import time; time.sleep(1.2); print('here')") == "here\n"


async def test_the_watcher_ends_what_lives_when_all_owners_are_killed() -> None:
    async with stage(lease_s=0.5) as kernel:
        _, subkernel = await kernel.begin()
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: is_gone(subkernel.pid or 0))
        await until(lambda: not kernel.folder.exists())
        await until(lambda: not kernel.left())


async def test_the_watcher_leaves_alone_what_a_new_supervisor_took_over() -> None:
    async with stage(lease_s=0.6) as kernel:
        _, subkernel = await kernel.begin()
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        kernel.fork()
        await kernel.attach()
        assert await kernel.run(subkernel, "import time; time.sleep(1.0); print('here')") == "here\n"
        assert len(kernel.watchers()) == 1


async def test_a_watcher_that_is_killed_is_replaced() -> None:
    async with stage() as kernel:
        await kernel.begin()
        [old] = kernel.watchers()
        os.kill(old, signal.SIGKILL)
        await until(lambda: set(kernel.watchers()) - {old})
        assert len(list(kernel.folder.glob("owners-*"))) == 1


async def test_a_supervisor_without_an_owner_that_is_told_to_end_ends_all() -> None:
    async with stage(lease_s=60.0) as kernel:  # longer than anything is waited for here
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
        await supervisor.ask(Shutdown(grace_s=0), timeout_s=10)
        assert not kernel.folder.exists()
        assert subkernel.pid is not None
        assert is_gone(subkernel.pid)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: not kernel.left())
