"""A kernel process that a fault of its own ends: it says so, and the session is the next one's."""

import os
import subprocess
import sys

import pytest

from tests.kit.running_kernel import running_kernel

pytestmark = pytest.mark.slow

LIMIT_S = 60
"""Ends a hang."""

FAILING = """
import sys
import beaker_kernel
from actors.kernel.life.attaching import Attaching

def fail(*_):
    raise ValueError("the lamp went out")

Attaching._take_stock = fail
from actors.roles.entry import main as enter
sys.exit(enter(sys.argv[1:]))
"""


def test_one_that_fails_again_and_again_ends_with_a_sentence_and_the_next_has_the_variables() -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "60"}) as kernel:
        kernel.run("x = 41")
        kernel.kill_front()
        command = [sys.executable, "-P", "-c", FAILING, "-f", kernel.connection_file]
        failed = subprocess.run(command, env={**os.environ, **kernel.env}, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        words = "beaker: this kernel process failed again and again (crashed: ValueError: the lamp went out) and ends; its log lies in "
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr.startswith(words)
        kernel.start()
        assert kernel.ready().run("x + 1").text.endswith("42")
