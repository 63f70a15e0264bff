"""The runtime folder is cleaned away under a living kernel, as programs do with what lies in temporary folders for long."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.deaths import cut_off, wait_for_the_end
from tests.kit.lasting_kernel import LastingKernel, lend
from tests.kit.processes import living
from tests.kit.running_kernel import A_QUESTION_S, LOOK_AT_PROCESSES_S, RunningKernel, running_kernel, wait_until


@pytest.fixture
def kernel(lasting: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    for kernel in lend(lasting, request):
        kernel.run("%beaker restart agent")  # whoever is asked something is started anew
        yield kernel
        # The Supervisor notices within seconds; whoever comes next finds the folder of the next one.
        wait_until((kernel.runtime_folder / "subkernel.json").exists, what="the record")


def clean_away(kernel: RunningKernel, tmp_path: Path, *, wait: bool = True) -> None:
    """Remove the folder with all sockets at once; returns when another Supervisor serves in a new one."""
    former = kernel.wait_for_role("supervisor")
    kernel.runtime_folder.rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    if wait:
        kernel.wait_for_role("supervisor", other_than=former.pid)
        wait_until((kernel.runtime_folder / "subkernel.json").exists, what="the record")


def subkernels(kernel: RunningKernel) -> list[int]:
    """The pids of all ipykernels of this kernel."""
    return [process.pid for process in living(lambda line: "ipykernel_launcher" in line and kernel.runtime_folder.name in line)]


def wait_for_one(kernel: RunningKernel, *, other_than: int = 0) -> None:
    """Until there is a single one."""

    def single() -> bool:
        found = subkernels(kernel)
        return len(found) == 1 and other_than not in found

    wait_until(single, what="one subkernel", every_s=LOOK_AT_PROCESSES_S)


def test_a_question_is_answered_though_the_agents_socket_is_gone(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 41")
    clean_away(kernel, tmp_path, wait=False)
    assert kernel.run("%%ai what variables do I have?").status == "ok"
    kernel.wait_for_role("agent")
    assert kernel.run("x + 1").text.endswith("42")


def test_variables_interrupts_and_restarts_survive(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    clean_away(kernel, tmp_path)
    assert kernel.run("x + 1").text == "42"
    assert subkernels(kernel) == [pid]
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    kernel.wait_for_print(running)
    kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.run("%beaker restart").status == "ok"
    assert kernel.run("'x' in globals()").text == "False"
    wait_for_one(kernel, other_than=pid)


def test_a_restart_before_anybody_has_noticed_succeeds(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 41")
    clean_away(kernel, tmp_path, wait=False)
    kernel.run("%beaker restart")
    # On a busy machine the Supervisor may notice just now: then the cell is told of a death, and the one behind it has what was wanted.
    wait_until(lambda: kernel.run("'x' in globals()").text.endswith("False"), what="a clean session", every_s=A_QUESTION_S)
    wait_for_one(kernel)


def test_a_successor_of_the_kernel_process_says_that_the_session_is_lost(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    clean_away(kernel, tmp_path)
    kernel.replace_front()
    kernel.ready()
    after = kernel.run("'x' in globals()").text
    assert after.endswith("False")
    assert "variables lost" in after
    wait_for_one(kernel, other_than=pid)


@pytest.mark.parametrize("once_there_is", [".", "subkernel.json", "supervisor.sock", "1/s-1"])
def test_a_kernel_whose_folder_goes_while_it_starts_starts_all_the_same(once_there_is: str, tmp_path: Path) -> None:
    kernel = RunningKernel(env={"BEAKER_KERNEL_LEASE_S": "2"})
    try:
        folder = kernel.runtime_folder
        wait_until(lambda: list(folder.glob(once_there_is)) if once_there_is != "." else folder.exists(), what=once_there_is)
        folder.rename(tmp_path / "gone")
        shutil.rmtree(tmp_path / "gone")
        assert kernel.ready().run("6 * 7").text.endswith("42")
        wait_for_one(kernel)
        assert kernel.subkernel_pid() == subkernels(kernel)[0]
        kernel.client.shutdown()
        assert kernel.process.wait(timeout=60) == 0
        wait_for_the_end(kernel)
    finally:
        kernel.close()


def test_a_death_is_mended_and_nobody_is_left_after_the_lease(tmp_path: Path) -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "1"}) as kernel:
        pid = kernel.subkernel_pid()
        clean_away(kernel, tmp_path)
        os.kill(pid, signal.SIGKILL)
        kernel.wait_for_status("restarting")
        assert kernel.run("40 + 2").text.endswith("42")
        wait_for_one(kernel, other_than=pid)
        clean_away(kernel, tmp_path)
        cut_off(kernel)
        wait_for_the_end(kernel)


def test_nobody_is_left_after_the_lease_when_the_kernel_process_alone_is_killed(tmp_path: Path) -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "1"}) as kernel:
        clean_away(kernel, tmp_path)
        kernel.process.kill()
        wait_for_the_end(kernel)
