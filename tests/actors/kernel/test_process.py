"""The kernel process and its Supervisor, which is a child of it. In a process of its own: it lets go of every child that has ended."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys
import beaker_kernel
from actors.kernel.process import KernelProcess

child = os.fork()
if child == 0:
    signal.pause() if sys.argv[1] == "killed" else os._exit(0)
kernel = KernelProcess(None, None, None, "", child)
if sys.argv[1] == "killed":
    os.kill(child, signal.SIGKILL)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
kernel._reap_orphans()
print(kernel._gone_for(60.0))
"""


@pytest.mark.parametrize(("how", "gives_up"), [("killed", True), ("left by itself", False)])
def test_one_that_was_killed_is_not_waited_for_as_one_that_met_another(how: str, gives_up: bool) -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == (f"{gives_up}\n", "")
