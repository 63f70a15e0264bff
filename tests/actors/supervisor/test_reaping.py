"""The kernel process reaps what it inherits, and nothing that others of it wait for."""

import subprocess
import sys
from pathlib import Path

CODE = """
import os, subprocess
from actors.supervisor.reaping import reap_orphans

def ended(status):
    child = subprocess.Popen(["sh", "-c", f"exit {status}"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child

assert reap_orphans(set())
orphan = ended(3)
assert reap_orphans(set())
try:
    os.waitpid(orphan.pid, 0)
except ChildProcessError:
    print("reaped")
own = ended(4)
assert not reap_orphans({own.pid})
assert own.wait() == 4
orphan.returncode = 0
print("left alone")
"""


def test_orphans_are_reaped_and_our_own_children_left_alone() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert run.stdout.split("\n") == ["reaped", "left alone", ""], run.stderr
