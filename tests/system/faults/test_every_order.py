"""FAULTS 3, 7, 33: kernel process, Supervisor, watcher and subkernel killed by signal 9, alone and in pairs, in each order.

What was not killed and has an owner lives on; when the owners stay away nothing is left after the lease.
"""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations

import psutil
import pytest

from tests.kit.processes import lives
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

ROLES = ("kernel", "supervisor", "watcher", "subkernel")
ORDERS = [(role,) for role in ROLES] + list(permutations(ROLES, 2))
LEASE_S = 1
SHORT = {"BEAKER_KERNEL_LEASE_S": f"{LEASE_S}"}
AFTER_LEASE_S = 29
"""Within which nothing is left: three on a quiet machine, which `benchmarks/death.py` holds it to."""


def cast_of(kernel: RunningKernel) -> dict[str, int]:
    """The pid of each role."""
    roles = {role: kernel.wait_for_role(role).pid for role in ("supervisor", "watcher")}
    return {"kernel": kernel.process.pid, "subkernel": kernel.subkernel_pid(), **roles}


def left_of(kernel: RunningKernel) -> list[str]:
    """The command lines that name this kernel, as those of all its processes do."""
    name = kernel.runtime_folder.name
    words = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [each[:100] for each in words if name in each]


def kill(cast: dict[str, int], order: tuple[str, ...]) -> None:
    for role in order:
        os.kill(cast[role], signal.SIGKILL)


def wait_for_the_end(kernel: RunningKernel, *, within_s: float = 30) -> None:
    """Until no process and no file is left."""
    kernel.process.wait(timeout=20)
    wait_until(lambda: not left_of(kernel), timeout_s=within_s, what="the end of all processes")
    wait_until(lambda: not kernel.runtime_folder.exists(), what="the removal of the runtime folder")


def look(kernel: RunningKernel) -> str:
    """Whether `x` is there; asked again where the cell itself met a death, of which it is told."""
    text = ""

    def looked() -> bool:
        nonlocal text
        outcome = kernel.run("'x' in globals()")
        text += outcome.text
        return outcome.status == "ok"

    wait_until(looked, what="a cell that no death meets")
    return text


def cut_off(kernel: RunningKernel) -> None:
    """Kill the owners together, so that only the watcher can end the rest."""
    os.kill(kernel.process.pid, signal.SIGKILL)
    kernel.wait_for_role("supervisor").kill()


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_nothing_is_left_after_the_lease_whoever_was_killed(order: tuple[str, ...]) -> None:
    with running_kernel(env=SHORT) as kernel:
        kernel.run("x = 41")
        cast = cast_of(kernel)
        kill(cast, order)
        if "kernel" not in order:
            assert look(kernel).endswith(str("subkernel" not in order))
            for role in ("supervisor", "watcher"):
                now = kernel.wait_for_role(role, other_than=cast[role] if role in order else 0)
                assert (now.pid == cast[role]) == (role not in order)
            cut_off(kernel)
        wait_for_the_end(kernel, within_s=LEASE_S + AFTER_LEASE_S)


@pytest.mark.parametrize("order", [order for order in ORDERS if "kernel" in order], ids="-".join)
def test_a_successor_of_the_kernel_process_finds_what_was_not_killed(order: tuple[str, ...]) -> None:
    with running_kernel() as kernel:
        kernel.run("x = 41")
        cast = cast_of(kernel)
        kill(cast, order)
        kernel.process.wait()
        kernel.start()
        kernel.ready()
        after = look(kernel)
        kept = "subkernel" not in order
        assert after.endswith(str(kept))
        assert ("your variables were kept" in after) == kept
        assert ("variables lost" in after) == (not kept)
        assert (kernel.subkernel_pid() == cast["subkernel"]) == kept
        assert kernel.wait_for_role("watcher").pid != (cast["watcher"] if "watcher" in order else 0)


def inherit_the_watcher(kernel: RunningKernel) -> None:
    """Have a Supervisor that did not start the watcher that there is."""
    former = kernel.wait_for_role("supervisor")
    former.kill()
    kernel.wait_for_role("supervisor", other_than=former.pid)
    assert kernel.run("1").text.endswith("1")


def inherit_all(kernel: RunningKernel) -> None:
    """The same, with a kernel process that did not start anything."""
    kernel.process.kill()
    kernel.process.wait()
    kernel.start()
    kernel.ready()
    inherit_the_watcher(kernel)


@pytest.mark.parametrize("inherit", [inherit_the_watcher, inherit_all], ids=lambda value: str(value.__name__))
def test_a_watcher_that_is_killed_after_its_starters_is_replaced(inherit: Callable[[RunningKernel], None]) -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "3"}) as kernel:
        inherit(kernel)
        former = kernel.wait_for_role("watcher")
        former.kill()
        kernel.wait_for_role("watcher", other_than=former.pid)
        assert kernel.run("40 + 2").text.endswith("42")
        cut_off(kernel)
        wait_for_the_end(kernel)


@contextmanager
def occupied(kernel: RunningKernel) -> Iterator[None]:
    """Hold the lock of a kernel under another file of its name: its Supervisor leaves, and none can take its place."""
    path = kernel.runtime_folder / "supervisor.lock"
    path.unlink()
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(held)


def test_the_kernel_process_owns_a_watcher_that_was_replaced_too() -> None:
    with running_kernel(env=SHORT) as kernel:
        kernel.run("x = 41")
        former = kernel.wait_for_role("watcher")
        former.kill()
        kernel.wait_for_role("watcher", other_than=former.pid)
        assert kernel.run("x").text == "41"
        supervisor = kernel.wait_for_role("supervisor")
        with occupied(kernel):
            psutil.wait_procs([supervisor], timeout=20)
            assert kernel.run("import time; time.sleep(3); x + 1").text == "42", "three times the lease"
        kernel.wait_for_role("supervisor", other_than=supervisor.pid)


def test_a_subkernel_of_which_all_guards_were_killed_at_once_ends_when_another_kernel_starts() -> None:
    with running_kernel(env=SHORT) as kernel:
        cast = cast_of(kernel)
        kill(cast, ("kernel", "supervisor", "watcher"))
        kernel.process.wait(timeout=20)
        assert psutil.pid_exists(cast["subkernel"])
        with running_kernel(env=SHORT) as another:
            wait_for_the_end(kernel)
            assert another.run("1").status == "ok"


def test_killing_the_whole_process_group_of_the_kernel_ends_all_after_the_lease() -> None:
    with running_kernel(env=SHORT) as kernel:
        child = int(kernel.run("import subprocess; print(subprocess.Popen(['sleep', '300']).pid)").text)
        os.killpg(os.getpgid(kernel.process.pid), signal.SIGKILL)
        wait_for_the_end(kernel, within_s=LEASE_S + AFTER_LEASE_S)
        wait_until(lambda: not lives(child), what="the child's end")


def test_killing_the_leader_of_the_subkernels_group_ends_what_it_had_started() -> None:
    with running_kernel() as kernel:
        child = int(kernel.run("import subprocess; print(subprocess.Popen(['sleep', '300']).pid)").text)
        os.kill(kernel.subkernel_pid(), signal.SIGKILL)
        kernel.wait_for_status("restarting")
        assert kernel.run("40 + 2").text.endswith("42")
        wait_until(lambda: not lives(child), what="the child's end")


def test_an_agent_that_is_killed_leaves_no_zombie_and_keeps_nobody_else_from_being_reaped() -> None:
    with running_kernel() as kernel:
        assert kernel.run("%%ai what variables do I have?").status == "ok"
        agent = kernel.wait_for_role("agent")
        agent.kill()
        wait_until(lambda: not psutil.pid_exists(agent.pid), what="the agent's end")
        supervisor = kernel.wait_for_role("supervisor")
        supervisor.kill()
        wait_until(lambda: not psutil.pid_exists(supervisor.pid), what="the supervisor's end")
        assert kernel.run("%%ai and now?").status == "ok"
