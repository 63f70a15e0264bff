"""FAULTS 36, 37: a session that is bounded by the user's settings runs out of memory and processes without taking anybody else's."""

import ctypes.util
import os
from collections.abc import Callable, Iterator

import pytest

from tests.actors.supervisor.test_limits import BOMB, lonely_uid, processes_now
from tests.kit.running_kernel import RunningKernel, running_kernel

MEMORY_MB = 6000
"""Above what libraries reserve at import, with room for a machine of many cores."""

FEW = 10
"""Of a user who has none: as root the bomb runs as one, because root is not bound."""


@pytest.fixture(scope="module")
def kernel() -> Iterator[RunningKernel]:
    few = FEW if os.getuid() == 0 else processes_now() + 40
    limits = {"BEAKER_SUBKERNEL_MAX_MEMORY_MB": str(MEMORY_MB), "BEAKER_SUBKERNEL_MAX_PROCESSES": str(few)}
    with running_kernel(env=limits) as kernel:
        yield kernel


def test_a_cell_that_wants_more_memory_gets_an_error_and_the_session_lives(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    refused = kernel.run(f"b = bytearray({MEMORY_MB} << 20)")
    assert (refused.status, refused.reply["content"]["ename"]) == ("error", "MemoryError")
    assert kernel.run("x + 1").text == "42"


def test_a_library_that_dies_of_it_is_told_as_out_of_memory_and_the_next_session_is_bounded_too(
    kernel: RunningKernel, need: Callable[..., None]
) -> None:
    need("libstdc++, whose allocation ends the process", there=ctypes.util.find_library("stdc++") is not None)
    died = kernel.run(f"import ctypes; ctypes.CDLL('libstdc++.so.6')._Znwm(ctypes.c_size_t({MEMORY_MB} << 20))")
    assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
    assert "(out of memory)" in died.reply["content"]["evalue"]
    assert kernel.run("import resource; resource.getrlimit(resource.RLIMIT_AS)[1] >> 20").text.endswith(str(MEMORY_MB))


def test_a_fork_bomb_in_a_cell_is_stopped(kernel: RunningKernel) -> None:
    kernel.run("import json, os, subprocess, sys; reading, writing = os.pipe(); waiting, held = os.pipe()")
    kernel.run(f"bomb = {BOMB!r}")
    kernel.run(f"command = [sys.executable, '-c', bomb, str(writing), '{lonely_uid()}', str(waiting)]")
    kernel.run("subprocess.run(command, pass_fds=[writing, waiting], check=True)")
    found = kernel.run("os.close(writing); json.load(os.fdopen(reading))['refused']")
    assert found.text == "'BlockingIOError'"
