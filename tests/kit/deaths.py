"""Who of a kernel's processes is killed, what is there afterwards, and how tests see that nothing is left."""

import os
import signal
from collections.abc import Iterable

from tests.kit.processes import command_lines
from tests.kit.running_kernel import A_QUESTION_S, LOOK_AT_PROCESSES_S, PATIENCE_S, RunningKernel, wait_until

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
    return [line[:100] for line in command_lines().values() if name in line]


def kill(cast: dict[str, int], order: Iterable[str]) -> None:
    """Kill these roles, one right behind the other."""
    for role in order:
        os.kill(cast[role], signal.SIGKILL)


def wait_for_the_end(kernel: RunningKernel, *, within_s: float = PATIENCE_S) -> None:
    """Until no process and no file is left."""
    kernel.process.wait(timeout=PATIENCE_S)
    wait_until(lambda: not left_of(kernel), timeout_s=within_s, what="the end of all processes", every_s=LOOK_AT_PROCESSES_S)
    wait_until(lambda: not kernel.runtime_folder.exists(), what="the removal of the runtime folder")


def look(kernel: RunningKernel) -> str:
    """Whether `x` is there; asked again where the cell itself met a death, of which it is told."""
    text = ""

    def looked() -> bool:
        nonlocal text
        outcome = kernel.run("'x' in globals()")
        text += outcome.text
        return outcome.status == "ok"

    wait_until(looked, what="a cell that no death meets", every_s=A_QUESTION_S)
    return text


def cut_off(kernel: RunningKernel) -> None:
    """Kill the owners together, so that only the watcher can end the rest."""
    os.kill(kernel.process.pid, signal.SIGKILL)
    kernel.wait_for_role("supervisor").kill()


def assert_replaced(kernel: RunningKernel, order: tuple[str, ...], cast: dict[str, int]) -> None:
    """Others than the kernel process were killed: its session has what it had, and who was killed has a successor."""
    assert look(kernel).endswith(str("subkernel" not in order))
    for role in ("supervisor", "watcher"):
        now = kernel.wait_for_role(role, other_than=cast[role] if role in order else 0)
        assert (now.pid == cast[role]) == (role not in order), role


def assert_found(kernel: RunningKernel, order: tuple[str, ...], cast: dict[str, int]) -> None:
    """The kernel process was killed, with others or alone: another one takes over what was not."""
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
    kernel.replace_front()
    kernel.ready()
    inherit_the_watcher(kernel)


def assert_the_watcher_is_replaced(kernel: RunningKernel) -> None:
    """The watcher is killed: there is another one, and it ends what it watches when nobody else is left."""
    former = kernel.wait_for_role("watcher")
    former.kill()
    kernel.wait_for_role("watcher", other_than=former.pid)
    assert kernel.run("40 + 2").text.endswith("42")
    cut_off(kernel)
    wait_for_the_end(kernel)
