"""Subkernels that are killed: told at once, started again, given up when they die in a loop."""

import os
import signal
import sys
from pathlib import Path

import pytest

from beaker.messages.subkernel import Died, GaveUp, Restart, Starting
from tests.actors.supervisor.held import HeldTime
from tests.actors.supervisor.stage import PATIENCE_S, hear_printed, install_spec, stage, until

pytestmark = pytest.mark.slow


# "At once" is without a timer: their Supervisors have no time in which to look again and again. The figure, 0.1 s on a quiet machine, is
# measured by `benchmarks/death.py`.


async def test_a_subkernel_killed_while_idle_is_told_at_once_and_comes_back() -> None:
    async with stage() as kernel:
        supervisor, subkernel = await kernel.begin(HeldTime().hold)
        assert subkernel.pid is not None
        os.kill(subkernel.pid, signal.SIGKILL)
        died = await kernel.probe.expect(Died)
        assert (died.generation, died.reason, died.restarting) == (1, "killed by signal 9 (out of memory?)", True)
        assert (await kernel.probe.expect(Starting)).generation == 2
        fresh = await kernel.started()
        await kernel.answer(supervisor, fresh)
        assert await kernel.run(fresh, "print(6 * 7)") == "42\n"


async def test_a_subkernel_killed_in_mid_cell_is_told_at_once() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin(HeldTime().hold)
        assert subkernel.pid is not None
        async with kernel.client(subkernel) as client:
            cell = client.execute("print('running', flush=True)\nwhile True: pass")
            await hear_printed(client, cell, "running")
            os.kill(subkernel.pid, signal.SIGKILL)
            assert (await kernel.probe.expect(Died)).restarting


async def test_a_crash_loop_ends_dead_after_six_starts_and_a_restart_leads_out() -> None:
    async with stage(restart_window_s=600.0) as kernel:
        supervisor, subkernel = await kernel.begin()
        starts = 1
        for _ in range(5):
            assert subkernel.pid is not None
            os.kill(subkernel.pid, signal.SIGKILL)
            subkernel = await kernel.started()
            starts += 1
        assert subkernel.pid is not None
        os.kill(subkernel.pid, signal.SIGKILL)
        gave_up = await kernel.probe.expect(GaveUp)
        assert starts == 6
        assert "died 6 times within 600 s, the last time: killed by signal 9" in gave_up.reason
        assert "kernel.json" in gave_up.reason
        restarted = await supervisor.ask(Restart(), timeout_s=PATIENCE_S)
        assert restarted.generation == 7
        fresh = await kernel.started()
        assert await kernel.run(fresh, "print('back')") == "back\n"


async def test_an_interrupt_reaches_the_cell_that_runs() -> None:
    async with stage() as kernel:
        supervisor, subkernel = await kernel.begin()
        assert await kernel.interrupted(supervisor, subkernel) == "KeyboardInterrupt"


async def test_a_hundred_restarts_leave_no_zombie_and_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.prctl.become_undumpable", lambda: False)  # or only root could look
    async with stage() as kernel:
        supervisor, _ = await kernel.begin()
        at_first = 0
        for _ in range(100):
            restarted = await supervisor.ask(Restart(), timeout_s=PATIENCE_S)
            fresh = await kernel.started()
            assert fresh.generation == restarted.generation
            at_first = at_first or _descriptors(kernel.supervisor)
        await until(lambda: _descriptors(kernel.supervisor) <= at_first)  # one that is open for a moment is none that was left
        children = [child for child in _children(kernel.supervisor) if child != fresh.pid]
        assert len(children) == 1  # the watcher
        assert sorted(path.name for path in kernel.folder.iterdir() if path.is_dir()) == ["101"]


async def test_a_subkernel_that_leaves_by_itself_after_it_answered_is_mended() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        async with kernel.client(subkernel) as client:
            client.execute("import os\nos._exit(3)")
            died = await kernel.probe.expect(Died)
        assert (died.reason, died.restarting) == ("exited with status 3", True)
        await kernel.started()


async def test_memory_that_runs_out_is_said(tmp_path: Path) -> None:
    limited = "ulimit -v 500000; exec " + sys.executable + " -c 'bytearray(10**9)' {connection_file}"
    environment = install_spec(tmp_path, "small", argv=["/bin/sh", "-c", limited])
    async with stage(spec_name="small", environment=environment) as kernel:
        kernel.fork()
        _, attached = await kernel.attach()
        reason = attached.reason or (await kernel.probe.expect(GaveUp)).reason
        assert "exited with status 1 (out of memory)" in reason


async def test_what_it_writes_outside_of_jupyter_never_blocks_it() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        code = "import os\npipe = os.open(PATH, os.O_WRONLY)\nprint(sum(os.write(pipe, b'x' * 65536) for _ in range(160)))"
        pipe = kernel.folder / "1" / "stderr"
        assert await kernel.run(subkernel, code.replace("PATH", repr(str(pipe)))) == "10485760\n"


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _children(pid: int) -> list[int]:
    listed = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found: list[int] = []
    for each in listed:
        try:
            with open(f"/proc/{each}/stat") as file:
                if file.read().rpartition(") ")[2].split()[1] == str(pid):
                    found.append(each)
        except OSError:
            continue
    return found
