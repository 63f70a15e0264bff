"""One real kernel that tests kill and stop parts of, and that has to be whole again for the next one.

A kernel takes a second of a processor to start, and most tests of faults look at nothing of its start. What they do to it heals,
which is what they are about; before each test a cell is run that no death meets, the variables are taken away, and what
clients were told meanwhile is read. A test that configures, weighs or ends a kernel starts one of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from tests.kit.running_kernel import A_QUESTION_S, Outcome, RunningKernel, running_kernel, wait_until

UNLIMITED = {"BEAKER_SUBKERNEL_RESTART_LIMIT": "1000", "BEAKER_KERNEL_LEASE_S": "60"}
"""The deaths of many tests are no crash loop, and a successor that starts on a busy machine still finds the session."""


class LastingKernel:
    """Started for the first test that asks, and again behind one that failed: nobody knows what that has left behind.

    Args:
        env: variables beside the environment.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = {**UNLIMITED, **env}
        self._held = ExitStack()
        self._kernel: RunningKernel | None = None

    def healed(self, *, adopted: bool = True) -> RunningKernel:
        """The kernel, with an empty session and nothing unread.

        Args:
            adopted: whether its session may be one that another Supervisor started: how such a one ended is known to nobody.
        """
        if self._kernel is None:
            self._kernel = self._held.enter_context(running_kernel(env=self._env))
        kernel = self._kernel
        kernel.ready()
        wait_until(lambda: _is_quiet(kernel.run("%reset -f")), what="a cell that no death meets", every_s=A_QUESTION_S)
        if not adopted and psutil.Process(kernel.subkernel_pid()).ppid() != kernel.wait_for_role("supervisor").pid:
            kernel.run("%beaker restart")
            wait_until(lambda: _is_quiet(kernel.run("pass")), what="a session of this Supervisor", every_s=A_QUESTION_S)
        kernel.forget_unread()
        return kernel

    def close(self) -> None:
        """End it."""
        self._kernel = None
        self._held.close()


def _is_quiet(outcome: Outcome) -> bool:
    return outcome.status == "ok" and not outcome.text


@contextmanager
def lasting_kernel(env: Mapping[str, str] | None = None) -> Iterator[LastingKernel]:
    """One that is ended afterwards."""
    kernel = LastingKernel(env or {})
    try:
        yield kernel
    finally:
        kernel.close()


def lend(kernel: LastingKernel, request: pytest.FixtureRequest, *, adopted: bool = True) -> Iterator[RunningKernel]:
    """Give it to one test, for a fixture to `yield from`."""
    failed_before = request.session.testsfailed
    yield kernel.healed(adopted=adopted)
    if request.session.testsfailed > failed_before:
        kernel.close()


@pytest.fixture(scope="session")
def lasting() -> Iterator[LastingKernel]:
    """Of all files that need nothing in particular; their fixtures lend it."""
    with lasting_kernel() as kernel:
        yield kernel
