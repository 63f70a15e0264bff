"""FAULTS 3, 7, 33: kernel process, Supervisor, watcher and subkernel killed by signal 9, alone and in pairs.

What was not killed and has an owner lives on; when the owners stay away nothing is left after the lease. Two signals that are
sent one right behind the other arrive together, so that a pair stands here in one order; `tests/soak/test_every_order.py` has
both, and each on a kernel that nothing has happened to before.
"""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.kit.deaths import (
    AFTER_LEASE_S,
    LEASE_S,
    SHORT,
    assert_found,
    assert_replaced,
    assert_the_watcher_is_replaced,
    cast_of,
    inherit_all,
    kill,
    wait_for_the_end,
)
from tests.kit.lasting_kernel import LastingKernel, lasting_kernel, lend
from tests.kit.processes import lives
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

pytestmark = pytest.mark.xdist_group("every order")

AMONG_OTHERS = [
    ("supervisor",),
    ("watcher",),
    ("subkernel",),
    ("supervisor", "watcher"),
    ("subkernel", "supervisor"),
    ("watcher", "subkernel"),
]
WITH_THE_KERNEL_PROCESS = [("kernel", "watcher"), ("kernel", "supervisor"), ("subkernel", "kernel")]
"""Alone it is killed in test_front_death.py."""
ENDS = [("kernel", "watcher"), ("kernel", "subkernel")]
"""Alone and with the Supervisor it is killed at the end of other tests here."""


@pytest.fixture(scope="module")
def short() -> Iterator[LastingKernel]:
    with lasting_kernel(env=SHORT) as kernel:
        yield kernel


@pytest.fixture
def leased(short: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    """A kernel with a short lease."""
    yield from lend(short, request)


@pytest.fixture
def kernel(lasting: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    yield from lend(lasting, request)


@pytest.mark.parametrize("order", AMONG_OTHERS, ids="-".join)
def test_who_is_killed_beside_the_kernel_process_is_replaced_and_the_rest_lives_on(order: tuple[str, ...], leased: RunningKernel) -> None:
    leased.run("x = 41")
    cast = cast_of(leased)
    kill(cast, order)
    assert_replaced(leased, order, cast)


@pytest.mark.parametrize("order", WITH_THE_KERNEL_PROCESS, ids="-".join)
def test_a_successor_of_the_kernel_process_finds_what_was_not_killed(order: tuple[str, ...], kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    cast = cast_of(kernel)
    kill(cast, order)
    assert_found(kernel, order, cast)


@pytest.mark.parametrize("order", ENDS, ids="-".join)
def test_nothing_is_left_after_the_lease_whoever_was_killed(order: tuple[str, ...]) -> None:
    with running_kernel(env=SHORT) as kernel:
        kill(cast_of(kernel), order)
        wait_for_the_end(kernel, within_s=LEASE_S + AFTER_LEASE_S)


def test_a_watcher_that_is_killed_after_its_starters_is_replaced_and_ends_all_when_the_others_are_killed() -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "3"}) as kernel:
        inherit_all(kernel)
        assert_the_watcher_is_replaced(kernel)


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


def test_the_kernel_process_owns_a_watcher_that_was_replaced_too(leased: RunningKernel) -> None:
    leased.run("x = 41")
    former = leased.wait_for_role("watcher")
    former.kill()
    leased.wait_for_role("watcher", other_than=former.pid)
    assert leased.run("x").text == "41"
    supervisor = leased.wait_for_role("supervisor")
    with occupied(leased):
        psutil.wait_procs([supervisor], timeout=60)
        assert leased.run("import time; time.sleep(3); x + 1").text == "42", "three times the lease"
    leased.wait_for_role("supervisor", other_than=supervisor.pid)


def test_a_subkernel_of_which_all_guards_were_killed_at_once_ends_when_another_kernel_starts_and_its_whole_group_ends_too() -> None:
    with running_kernel(env=SHORT) as kernel:
        cast = cast_of(kernel)
        kill(cast, ("kernel", "supervisor", "watcher"))
        kernel.process.wait(timeout=60)
        assert psutil.pid_exists(cast["subkernel"])
        with running_kernel(env=SHORT) as another:
            wait_for_the_end(kernel)
            assert another.run("1").status == "ok"
            # The group of the kernel process, as a terminal kills it.
            child = int(another.run("import subprocess; print(subprocess.Popen(['sleep', '300']).pid)").text)
            os.killpg(os.getpgid(another.process.pid), signal.SIGKILL)
            wait_for_the_end(another, within_s=LEASE_S + AFTER_LEASE_S)
            wait_until(lambda: not lives(child), what="the child's end")


def test_killing_the_leader_of_the_subkernels_group_ends_what_it_had_started(kernel: RunningKernel) -> None:
    child = int(kernel.run("import subprocess; print(subprocess.Popen(['sleep', '300']).pid)").text)
    os.kill(kernel.subkernel_pid(), signal.SIGKILL)
    kernel.wait_for_status("restarting")
    assert kernel.run("40 + 2").text.endswith("42")
    wait_until(lambda: not lives(child), what="the child's end")


def test_an_agent_that_is_killed_leaves_no_zombie_and_keeps_nobody_else_from_being_reaped(kernel: RunningKernel) -> None:
    assert kernel.run("%%ai what variables do I have?").status == "ok"
    agent = kernel.wait_for_role("agent")
    agent.kill()
    wait_until(lambda: not psutil.pid_exists(agent.pid), what="the agent's end")
    supervisor = kernel.wait_for_role("supervisor")
    supervisor.kill()
    wait_until(lambda: not psutil.pid_exists(supervisor.pid), what="the supervisor's end")
    assert kernel.run("%%ai and now?").status == "ok"
