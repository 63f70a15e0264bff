"""FAULTS 2: signals to the kernel process, as a terminal and process managers send them."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel() as kernel:
        yield kernel


def test_sigint_interrupts_the_cell_that_runs(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    next(m for m in kernel.iopub(time.monotonic() + 30) if m["msg_type"] == "stream")
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.run("x + 1").text == "42"


def test_sigint_without_a_cell_does_nothing(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    for _ in range(3):
        kernel.process.send_signal(signal.SIGINT)
    # A signal takes its way through two processes; a cell that follows at once may be the one that it meets.
    wait_until(lambda: kernel.run("x + 1").text == "42", what="a cell that no interrupt meets")
    assert kernel.subkernel_pid() == pid
    assert kernel.process.poll() is None
