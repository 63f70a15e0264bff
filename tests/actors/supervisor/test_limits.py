"""What a subkernel may take of the machine: set before its first instruction, for its children too, and for one that is adopted."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from actors.supervisor.launching import launch
from actors.supervisor.limits import Limits, limit_running, setter
from beaker.subkernels.kernelspecs import Kernelspec

MEMORY = 3 << 30

BOMB = """
import json, os, resource, sys
if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))  # root is not bound
children, refused = [], ""
try:
    for _ in range(400):
        child = os.fork()
        if child == 0:
            os.read(int(sys.argv[3]), 1)
            os._exit(0)
        children.append(child)
except OSError as error:
    refused = type(error).__name__
told = {"children": len(children), "refused": refused, "memory": resource.getrlimit(resource.RLIMIT_AS)}
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
with os.fdopen(int(sys.argv[1]), "w") as out:
    json.dump(told, out)
"""


def lonely_uid() -> int:
    """A user who has no process here, and whom nobody takes that runs the same test beside this one."""
    taken = {told["uids"].real for told in _told_now("uids") if told["uids"]}
    first = 20_000 + os.getpid() % 20_000
    return next(uid for uid in range(first, first + 1000) if uid not in taken)


def processes_now() -> int:
    """As the system counts them: threads too."""
    own = os.getuid()
    return sum(told["num_threads"] for told in _told_now("uids", "num_threads") if told["uids"] and told["uids"].real == own)


def _told_now(*what: str) -> list[dict[str, Any]]:  # Any: as psutil has it
    """Of every process; one that ends meanwhile is left out."""
    return [process.info for process in psutil.process_iter(list(what))]


def test_a_fork_bomb_is_stopped_and_the_memory_of_each_process_bounded() -> None:
    few = 10 if os.getuid() == 0 else processes_now() + 150  # others of ours come and go meanwhile
    limits = Limits(processes=few, memory_bytes=MEMORY)
    reading, writing = os.pipe()
    waiting, held = os.pipe()
    command = [sys.executable, "-c", BOMB, str(writing), str(lonely_uid()), str(waiting)]
    with subprocess.Popen(command, pass_fds=[writing, waiting], preexec_fn=setter(limits)):
        os.close(writing)
        with os.fdopen(reading) as told:
            found = json.load(told)
    os.close(waiting)
    os.close(held)
    assert (found["refused"], found["memory"]) == ("BlockingIOError", [MEMORY, MEMORY])
    assert 1 <= found["children"] < 400


def test_a_subkernel_is_launched_within_its_limits(tmp_path: Path) -> None:
    program = "import resource as r, sys; print(r.getrlimit(r.RLIMIT_NPROC), r.getrlimit(r.RLIMIT_AS), file=open(sys.argv[1], 'w'))"
    spec = Kernelspec(name="x", argv=[sys.executable, "-c", program, str(tmp_path / "told")])
    made = launch(
        spec, tmp_path / "1", 1, environment=dict(os.environ), file_name="k.json", limits=Limits(processes=900, memory_bytes=MEMORY)
    )
    psutil.Process(made.process.pid).wait(60)
    made.stderr.close()
    assert (tmp_path / "told").read_text() == f"(900, 900) ({MEMORY}, {MEMORY})\n"


def test_without_limits_nothing_is_done_to_the_child() -> None:
    assert setter(Limits()) is None


def test_what_the_administrator_gave_is_not_raised() -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    program = (
        "from actors.supervisor.limits import Limits, setter\nimport resource\n"
        f"setter(Limits(memory_bytes={MEMORY * 2}))()\nprint(resource.getrlimit(resource.RLIMIT_AS))"
    )
    code = f"import beaker_kernel\n{program}"
    told = subprocess.run([sys.executable, "-c", code], preexec_fn=lower, capture_output=True, text=True, check=True)
    assert told.stdout == f"({MEMORY}, {MEMORY})\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process that runs already")
def test_one_that_runs_already_is_limited_too() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        limit_running(child.pid, Limits(memory_bytes=MEMORY))
        assert psutil.Process(child.pid).rlimit(resource.RLIMIT_AS) == (MEMORY, MEMORY)
        child.communicate(b"")
