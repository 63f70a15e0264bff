"""FAULTS 24, 37: subkernels that cannot start, and one that runs out of memory."""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.kit.kernelspecs import install
from tests.kit.lasting_kernel import LastingKernel, lend
from tests.kit.processes import command_lines, living
from tests.kit.running_kernel import LOOK_AT_PROCESSES_S, RunningKernel, running_kernel, wait_until

TOLD_WITHIN_S = 20.0
"""The figure is 2 s on a quiet machine, the start of the kernel process included."""


@pytest.fixture
def kernel(lasting: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    yield from lend(lasting, request, adopted=False)


def assert_nothing_is_left(folder: Path) -> None:
    """Neither a process that names the kernel of this runtime folder, as all do on their command lines, nor the folder."""

    def left() -> list[str]:
        return [each for each in command_lines().values() if folder.name in each]

    wait_until(lambda: not left() and not folder.exists(), what="the end of all processes and files", every_s=LOOK_AT_PROCESSES_S)


@pytest.mark.parametrize(
    ("name", "argv", "words"),
    [
        ("no-program", ["/no/such/program", "{connection_file}"], "/no/such/program"),
        (
            "exits-at-once",
            [sys.executable, "-c", "import sys; sys.stderr.write('out of ink'); sys.exit(3)", "{connection_file}"],
            "out of ink",
        ),
        ("no-argv", [], "has an empty argv"),
        ("missing-argv", None, "missing required field `argv`"),
    ],
)
def test_a_subkernel_that_cannot_start_is_told_with_its_path_and_stderr(name: str, argv: list[str] | None, words: str) -> None:
    folder = install(name, argv)
    kernel = RunningKernel(arguments=["--subkernel", name])
    runtime = kernel.runtime_folder
    try:
        began = time.monotonic()
        refused = kernel.ready().run("1 + 1")
        assert time.monotonic() - began < TOLD_WITHIN_S
        assert refused.status == "error"
        assert words in refused.text
        assert str(folder) in refused.text
        assert "Traceback" not in str(refused.reply["content"]["evalue"])
        assert kernel.run("%beaker status").status == "ok"
        info = kernel.reply(kernel.client.kernel_info())["content"]
        assert (info["status"], info["implementation"]) == ("ok", "beaker")
        assert str(folder) in info["banner"]
        wait_until(lambda: not (runtime / "1").exists(), what="the removal of its files")
        ports = [value for name, value in json.loads(Path(kernel.connection_file).read_text()).items() if name.endswith("_port")]
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)
    assert len(ports) == 5
    for port in ports:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of connections that were closed; a listener would stand in the way
            free.bind(("127.0.0.1", port))


def test_a_subkernel_that_hangs_at_its_start_is_given_up() -> None:
    code = "import sys, time; sys.stderr.write('waiting for a licence'); sys.stderr.flush(); time.sleep(600)"
    folder = install("hangs", [sys.executable, "-c", code, "{connection_file}"])
    kernel = RunningKernel(arguments=["--subkernel", "hangs"], env={"BEAKER_SUBKERNEL_START_TIMEOUT_S": "1"})
    runtime = kernel.runtime_folder
    try:
        refused = kernel.ready().run("1 + 1")
        assert refused.status == "error"
        assert str(folder) in refused.text
        assert "did not answer within 1 s" in refused.text
        assert "waiting for a licence" in refused.text
        # By whoever gave it up, and not only at the end of the kernel.
        left = partial(living, lambda line: "waiting for a licence" in line and runtime.name in line)
        wait_until(lambda: not left(), what="the end of the one that hangs", every_s=LOOK_AT_PROCESSES_S)
        wait_until(lambda: not (runtime / "1").exists(), what="the removal of its files")
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)


def test_an_unknown_subkernel_is_told_with_the_names_there_are() -> None:
    kernel = RunningKernel(arguments=["--subkernel", "pyhton3"])
    runtime = kernel.runtime_folder
    try:
        refused = kernel.ready().run("1 + 1")
        assert refused.status == "error"
        assert "'pyhton3'" in refused.text
        assert "python3" in refused.text
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)


def test_a_cell_that_runs_out_of_memory_is_told_and_the_next_one_runs(kernel: RunningKernel) -> None:
    # No limit that a process may set on itself kills it: the machine's out-of-memory killer would need a cgroup and the
    # right to make one. So the allocation fails, and the process ends as C extensions end then; a kill by signal 9
    # without words is in test_subkernel_death.py. What a cell writes to fd 2 goes by a pipe that a thread of ipykernel reads: its
    # words are waited for, or they end with the process.
    code = (
        "import array, fcntl, os, resource, termios, time\n"
        "def unread():\n    left = array.array('i', [0]); fcntl.ioctl(2, termios.FIONREAD, left); return left[0]\n"
        "resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))\n"
        "try:\n    b = bytearray(2_000_000_000)\n"
        "except MemoryError:\n    os.write(2, b'MemoryError: cannot allocate memory')\n"
        "    while unread(): time.sleep(0.01)\n"
        "    time.sleep(1)  # until that thread has passed them on\n    os.abort()"
    )
    died = kernel.run(code)
    assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
    assert "memory" in died.reply["content"]["evalue"]
    assert kernel.run("40 + 2").text.endswith("42")


CGROUPS = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
"""Where the two versions of control groups limit memory."""


@contextmanager
def limited(pid: int, limit_bytes: int) -> Iterator[None]:
    """Put a process into a control group with little memory, where this machine lets us make one; else do nothing."""
    made: Path | None = None
    for folder, name in CGROUPS:
        group = Path(folder) / f"beaker-test-{pid}"
        with suppress(OSError):
            group.mkdir()
            made = group
            (group / name).write_text(str(limit_bytes))
            (group / "cgroup.procs").write_text(str(pid))
            break
    try:
        yield
    finally:
        if made is not None:
            wait_until(lambda: remove(made), what="the end of the control group")


def remove(group: Path) -> bool:
    """Remove a control group, which succeeds when it is empty."""
    try:
        group.rmdir()
    except OSError:
        return not group.exists()
    return True


def test_a_limit_of_memory_is_an_error_of_the_cell_and_a_kill_for_want_of_it_is_told_and_no_other_kernel_is_touched(
    kernel: RunningKernel, record_property: Callable[[str, str], None]
) -> None:
    """Says which kill it saw, in the report and where tests show their output: the machine's, or the cell's own in its place."""
    with running_kernel() as other:
        other.run("x = 41")
        pid, others = kernel.subkernel_pid(), other.subkernel_pid()
        kernel.run("import resource; resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, resource.RLIM_INFINITY))")
        refused = kernel.run("b = bytearray(4_000_000_000)")
        assert (refused.status, refused.reply["content"]["ename"]) == ("error", "MemoryError")
        assert kernel.run("40 + 2").text == "42"
        assert kernel.subkernel_pid() == pid, "nobody has died of it"
        with limited(pid, psutil.Process(pid).memory_info().rss + 100_000_000):
            # Where no group can be made, or its limit is not enforced, the cell does to itself what the kernel would have done.
            died = kernel.run("import os; b = b'x' * 500_000_000; print('it fits', flush=True); os.kill(os.getpid(), 9)")
            assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
            assert "killed by signal 9 (out of memory?)" in died.reply["content"]["evalue"]
        killer = "the cell itself, as no limit holds on this machine" if "it fits" in died.text else "the machine, by a control group"
        record_property("killed by", killer)
        print(f"killed by {killer}")
        assert kernel.run("40 + 2").text.endswith("42")
        assert (other.run("x + 1").text, other.subkernel_pid()) == ("42", others)
