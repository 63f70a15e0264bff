"""What a process says about itself to Linux."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")]

ROOT = str(Path(__file__).parents[3])


def run(code: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_an_undumpable_process_says_so() -> None:
    code = "from actors.runtime.prctl import *; print(is_undumpable(), become_undumpable(), is_undumpable())"
    assert run(code).stdout.split() == ["False", "True", "True"]


def test_a_subreaper_reaps_its_grandchild() -> None:
    code = """
import os
from actors.runtime.prctl import become_subreaper
assert become_subreaper()
reading, writing = os.pipe()
if os.fork() == 0:
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(5)
    os.write(writing, str(grandchild).encode())
    os._exit(0)
os.wait()
grandchild = int(os.read(reading, 20))
print(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
"""
    assert run(code).stdout.split() == ["5"]
