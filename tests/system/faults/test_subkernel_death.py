"""FAULTS 4, 5, 6: the subkernel is killed while idle, in a cell, again and again."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel() as kernel:
        yield kernel


def test_killed_while_idle_is_told_at_once_and_the_next_cell_says_what_was_lost(kernel: RunningKernel) -> None:
    kernel.run("x = 1")
    pid = kernel.subkernel_pid()
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    assert kernel.wait_for_status("restarting") - killed < 0.5
    after = kernel.run("'x' in globals()")
    assert after.status == "ok"
    assert after.reply["content"]["execution_count"] == 1
    assert "killed by signal 9" in after.text
    assert "variables lost" in after.text
    assert after.text.endswith("False")
    assert "variables lost" not in kernel.run("1").text, "said once"


def test_killed_during_a_cell_every_request_gets_one_answer(kernel: RunningKernel) -> None:
    pid = kernel.subkernel_pid()
    running = kernel.send("import time; print('before', flush=True); time.sleep(60)")
    queued = [kernel.send("1"), kernel.send("2")]
    for message in kernel.iopub(time.monotonic() + 30):
        if message["msg_type"] == "stream" and "before" in message["content"]["text"]:
            break
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    died = kernel.outcome(running)
    assert died.replied_at - killed < 1.0
    assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
    assert "killed by signal 9" in died.reply["content"]["evalue"]
    assert [m["msg_type"] for m in died.outputs] == ["error"]
    assert [kernel.reply(msg_id)["content"]["status"] for msg_id in queued] == ["aborted", "aborted"]
    assert kernel.run("40 + 2").text.endswith("42")


def test_the_last_words_of_a_cell_are_delivered_before_its_error(kernel: RunningKernel) -> None:
    outcome = kernel.run("import os, sys; print('last words'); sys.stdout.flush(); import time; time.sleep(0.3); os.kill(os.getpid(), 9)")
    assert outcome.status == "error"
    kinds = [message["msg_type"] for message in outcome.outputs if message["msg_type"] != "status"]
    assert kinds == ["execute_input", "stream", "error"]


def test_a_crash_loop_is_given_up_with_words_and_a_restart_by_hand_works() -> None:
    with running_kernel(env={"BEAKER_SUBKERNEL_RESTART_LIMIT": "2"}) as kernel:
        for _ in range(2):
            os.kill(kernel.subkernel_pid(), signal.SIGKILL)
            kernel.wait_for_status("restarting")
        os.kill(kernel.subkernel_pid(), signal.SIGKILL)
        kernel.wait_for_status("dead")
        refused = kernel.run("1")
        assert refused.status == "error"
        assert "killed by signal 9" in refused.text
        status = kernel.run("%beaker status")
        assert status.status == "ok"
        restarted = kernel.run("%beaker restart")
        assert restarted.status == "ok"
        kernel.wait_for_status("idle")
        assert kernel.run("6 * 7").text.endswith("42")


def test_a_restart_on_request_aborts_what_waits_and_begins_at_one(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 1")
    first = kernel.subkernel_pid()
    marker = tmp_path / "ran"
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    next(m for m in kernel.iopub(time.monotonic() + 30) if m["msg_type"] == "stream")
    queued = kernel.send(f"open({str(marker)!r}, 'w').close()")
    restart = kernel.send("%beaker restart")
    assert kernel.reply(running)["content"]["status"] == "error"
    assert kernel.reply(queued)["content"]["status"] == "aborted"
    assert kernel.reply(restart)["content"]["status"] == "ok"
    kernel.wait_for_status("restarting")
    after = kernel.run("'x' in globals()")
    assert not marker.exists()
    assert after.reply["content"]["execution_count"] == 1
    assert after.text.endswith("False")
    assert kernel.subkernel_pid() != first
    wait_until(lambda: not os.path.exists(f"/proc/{first}"), what="the end of the former subkernel")


def test_a_restart_lets_the_session_run_what_it_wants_to_run_at_its_end(kernel: RunningKernel, tmp_path: Path) -> None:
    marker = tmp_path / "said goodbye"
    kernel.run(f"import atexit; atexit.register(lambda: open({str(marker)!r}, 'w').close())")
    kernel.run("%beaker restart")
    assert kernel.run("1").status == "ok"
    assert marker.exists()
