"""FAULTS 2: signals to the kernel process, as a terminal and process managers send them."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.kit.lasting_kernel import LastingKernel, lend
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

INTERRUPTED = '"interrupt.wanted"'
"""Stands in the log of the kernel process for each that reached it."""


@pytest.fixture
def kernel(lasting: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    yield from lend(lasting, request)


def test_sigint_interrupts_the_cell_that_runs(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    kernel.wait_for_print(running)
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.run("x + 1").text == "42"


def test_sigint_without_a_cell_does_nothing(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    # A signal takes its way; a cell that follows at once may be the one that it meets.
    logs = Path(kernel.env["XDG_STATE_HOME"], "beaker/logs")  # of all kernel processes that there were

    def arrived() -> int:
        return sum(log.read_text().count(INTERRUPTED) for log in logs.glob("kernel-*.jsonl"))

    before = arrived()
    for number in range(1, 4):
        kernel.process.send_signal(signal.SIGINT)
        wait_until(lambda: arrived() == before + number, what="the signal")  # noqa: B023  # called at once
    assert kernel.run("x + 1").text == "42"
    assert kernel.subkernel_pid() == pid
    assert kernel.process.poll() is None


def test_every_cell_that_an_interrupt_meets_is_answered_once(kernel: RunningKernel) -> None:
    """One that meets the edge of a cell costs ipykernel's reply: of a hundred such cells some ten have none on python3.

    And some cost it its life: of 1200 such interrupts to a bare one four did (m).
    """
    kernel.run("x = 41")
    chance = random.Random(5)
    for _ in range(16):
        cell = kernel.send("x + 1")
        time.sleep(chance.random() * 0.006)  # as long as a cell takes, from its sending to its reply
        kernel.process.send_signal(signal.SIGINT)
        content = kernel.reply(cell)["content"]
        assert content["status"] in {"ok", "aborted"} or content["ename"] in {"KeyboardInterrupt", "KernelDied"}
        if content.get("ename") == "KernelDied":
            assert kernel.run("x = 41").reply["content"]["status"] == "ok", "the next session takes over"
    wait_until(lambda: kernel.run("x + 1").text == "42", what="a cell that no interrupt meets")
    assert not [each for each in kernel.unclaimed_replies if each["msg_type"] == "execute_reply"], "no second one to any"


def test_an_interrupt_at_any_moment_of_the_start_harms_nothing(tmp_path: Path) -> None:
    """The signal comes from the file that our first import reads: before that, the process is Python's and not ours."""
    program = (
        "import os, runpy, signal, sys, threading, time\n"
        "def interrupt():\n"
        "    for _ in range(60):\n"
        "        os.kill(os.getpid(), signal.SIGINT); time.sleep(0.005)\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'actors.roles' and not started:\n"
        "            started.append(threading.Thread(target=interrupt)); started[0].start()\n"
        "started = []\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv[0] = 'beaker_kernel'\n"
        "runpy.run_module('beaker_kernel', run_name='__main__', alter_sys=True)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program, "-f", str(tmp_path / "none.json")], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert str(tmp_path / "none.json") in ended.stderr


def test_a_second_sigterm_ends_a_subkernel_that_does_not_leave() -> None:
    with running_kernel(env={"BEAKER_SUBKERNEL_SHUTDOWN_GRACE_S": "2.5"}) as kernel:
        pid = kernel.subkernel_pid()
        stubborn = "import atexit, os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\natexit.register(time.sleep, 60)"
        kernel.run(stubborn)
        (log,) = Path(kernel.env["XDG_STATE_HOME"], "beaker/logs").glob("kernel-*.jsonl")
        kernel.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"kernel.shutdown"' in log.read_text(), what="the first one in the log")
        time.sleep(0.3)  # two wishes at once have one cause
        kernel.process.send_signal(signal.SIGTERM)
        kernel.process.wait(timeout=60)
        wait_until(lambda: not psutil.pid_exists(pid), what="the end of the subkernel")
        assert '"kernel.shutdown_hurried"' in log.read_text()
