"""Supervisors that are killed: the next one adopts what lives, and tells the owner what was."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
import psutil
import pytest

from actors.supervisor.limits import Limits
from actors.supervisor.order import NOT_THE_FIRST, Remembered
from actors.supervisor.role import fork_supervisor
from beaker.messages.subkernel import Died, Restart
from tests.actors.supervisor.held import HeldTime
from tests.actors.supervisor.stage import PATIENCE_S, hear_printed, is_gone, run_code, stage, until

pytestmark = pytest.mark.slow


async def test_a_new_supervisor_adopts_the_subkernel_with_its_variables(tmp_path: Path) -> None:
    adopted = tmp_path / "adopted"
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        async with kernel.client(subkernel) as client:
            await run_code(client, "kept = 12345")
            waits = f"import os, time\nwhile not os.path.exists({str(adopted)!r}): time.sleep(0.02)"
            cell = client.execute(f"print('running', flush=True)\n{waits}\nprint('went on')")
            await hear_printed(client, cell, "running")
            os.kill(kernel.supervisor, signal.SIGKILL)
            await until(lambda: is_gone(kernel.supervisor))
            kernel.fork(HeldTime().hold)  # it adopts at once: without a timer
            _, attached = await kernel.attach()
            adopted.touch()
            assert attached.subkernel is not None
            assert attached.subkernel.adopted
            assert (attached.state, attached.generation, attached.first_owner) == ("running", 1, True)
            assert attached.subkernel.pid == subkernel.pid
            await hear_printed(client, cell, "went on")
            assert await run_code(client, "print(kept)") == "12345\n"


async def test_the_death_of_an_adopted_subkernel_is_told_at_once() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        kernel.fork(HeldTime().hold)  # it hears of the death: it has no time to look again and again
        await kernel.attach()
        os.kill(subkernel.pid, signal.SIGKILL)
        died = await kernel.probe.expect(Died)
        assert (died.generation, died.reason, died.restarting) == (1, "it is gone", True)
        fresh = await kernel.started()
        assert fresh.generation == 2


async def test_an_adopted_subkernel_takes_signals_and_is_restarted() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        kernel.fork()
        supervisor, _ = await kernel.attach()
        assert await kernel.interrupted(supervisor, subkernel) == "KeyboardInterrupt"
        assert (await supervisor.ask(Restart(), timeout_s=PATIENCE_S)).generation == 2
        await kernel.started()
        assert subkernel.pid is not None
        await until(lambda: is_gone(subkernel.pid or 0))


async def test_a_subkernel_that_died_meanwhile_is_started_again() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        os.kill(kernel.supervisor, signal.SIGKILL)
        os.kill(subkernel.pid, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor) and is_gone(subkernel.pid or 0))
        kernel.fork()
        _, attached = await kernel.attach()
        assert attached.generation == 2
        assert attached.subkernel is not None
        assert not attached.subkernel.adopted


async def test_a_zombie_is_not_adopted() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        os.kill(kernel.supervisor, signal.SIGKILL)
        os.kill(subkernel.pid, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        await until(lambda: psutil.Process(subkernel.pid).status() == psutil.STATUS_ZOMBIE)
        kernel.fork()
        _, attached = await kernel.attach()
        assert attached.generation == 2


async def test_a_second_supervisor_of_one_kernel_leaves_at_once() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        second = await asyncio.to_thread(lambda: os.waitpid(fork_supervisor(kernel.order), 0)[1])
        assert os.waitstatus_to_exitcode(second) == NOT_THE_FIRST
        assert subkernel.pid is not None
        assert not is_gone(subkernel.pid)
        _, attached = await kernel.attach()
        assert attached.subkernel == subkernel


async def test_a_supervisor_can_be_forked_out_of_a_process_with_threads() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    try:
        async with stage() as kernel:
            _, subkernel = await kernel.begin()
            assert await kernel.run(subkernel, "print(1)") == "1\n"
    finally:
        stop.set()
        thread.join()


async def test_limits_hold_for_an_adopted_subkernel_and_for_the_next_life() -> None:
    memory = 8 << 30
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        os.kill(kernel.supervisor, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        kernel.order = msgspec.structs.replace(kernel.order, limits=Limits(memory_bytes=memory))
        kernel.fork()
        _, attached = await kernel.attach()
        assert attached.subkernel is not None
        assert attached.subkernel.pid == subkernel.pid
        assert psutil.Process(subkernel.pid).rlimit(psutil.RLIMIT_AS) == (memory, memory)
        os.kill(subkernel.pid or 0, signal.SIGKILL)
        following = await kernel.started()
        assert psutil.Process(following.pid).rlimit(psutil.RLIMIT_AS) == (memory, memory)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a pipe")
async def test_a_process_that_was_launched_and_not_written_down_is_ended_before_another_takes_its_folder() -> None:
    """The Supervisor is killed between the two; what it has started would bind the same sockets, and nobody would watch it."""
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        os.kill(kernel.supervisor, signal.SIGKILL)
        os.kill(subkernel.pid, signal.SIGKILL)
        await until(lambda: is_gone(kernel.supervisor))
        life = kernel.folder / "2"
        life.mkdir()
        os.mkfifo(life / "stderr")
        writing_end = os.open(life / "stderr", os.O_RDWR)
        stray = await asyncio.create_subprocess_exec("sleep", "600", stderr=writing_end, start_new_session=True)
        os.close(writing_end)
        # As an owner has heard it, of which the first thing that is told of a life is that it starts.
        kernel.order = msgspec.structs.replace(
            kernel.order, remembered=Remembered(generation=2, subkernel=None, start=None, dead_reason="")
        )
        kernel.fork()
        _, attached = await kernel.attach()
        async with asyncio.timeout(PATIENCE_S):
            assert await stray.wait() == -signal.SIGKILL
        assert attached.generation == 2
        assert attached.subkernel is not None
        async with kernel.client(attached.subkernel) as client:
            assert await run_code(client, "import os; print(os.getpid())") == f"{attached.subkernel.pid}\n"
