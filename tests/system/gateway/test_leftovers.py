"""FAULTS 33: whoever of a gateway is killed, nothing of it is left once the lease has run out, and no zombie while it runs."""

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from tests.kit.processes import is_zombie, lives, words_of
from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

Start = Callable[..., RunningGateway]

LEASE_S = 5
"""Longer than a part of it takes to begin on a busy machine: else kernels end before anybody was killed."""
LEASE = {"BEAKER_GATEWAY_ORPHAN_TIMEOUT_S": str(LEASE_S)}
ROOM_S = 40
"""Behind the lease, for the end of all processes: three seconds on a quiet machine."""
RESTARTS = 10
"""A hundred in `tests/soak`."""


def family(gateway: RunningGateway) -> set[psutil.Process]:
    """All of its processes, subkernels and their watchers too."""
    guardian = psutil.Process(gateway.pid)
    return {guardian, *guardian.children(recursive=True)}


def wait_for_the_lease(everybody: set[psutil.Process]) -> None:
    """Sessions live on behind a gateway that was killed just now, and end with their watchers when the lease is over."""
    assert any(lives(each) and "ipykernel" in words_of(each) for each in everybody), "for whom is the lease?"
    wait_until(lambda: not any(map(lives, everybody)), timeout_s=LEASE_S + ROOM_S, what="the end of all processes")


async def with_question(gateway: RunningGateway) -> str:
    """A kernel that has answered one, so that there is an agent too; gives its id."""
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        reply, _ = await client.run("%%ai hello")
        assert reply["status"] == "ok"
    return kernel_id


@pytest.mark.timeout(300)  # each restart waits for the session to leave and for the next one: seconds on a busy machine
async def test_nothing_is_left_of_restarted_kernels_nor_of_a_gateway_whose_parts_are_killed_and_then_the_guardian(
    start_gateway: Start,
) -> None:
    gateway = start_gateway("--port", "0", **LEASE)
    await restart_again_and_again(gateway, RESTARTS, await with_question(gateway))
    everybody = family(gateway)
    for role in ("worker", "host", "registry", "agent"):
        for process in [each for each in everybody if lives(each) and f"--role {role}" in words_of(each)]:
            process.kill()
            if role != "agent":
                gateway.wait_for_role(role, 1, without={process.pid})
                everybody |= family(gateway)
    wait_until(lambda: not any(map(is_zombie, family(gateway))), timeout_s=PATIENCE_S, what="the end of zombies")
    gateway.end(signal.SIGKILL)
    wait_for_the_lease(everybody)


async def test_nothing_is_left_of_a_gateway_that_is_killed_at_once(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0", **LEASE)
    await with_question(gateway)
    everybody = family(gateway)
    told = [each for each in everybody if "beaker --role" in words_of(each) and "watcher" not in words_of(each)]
    assert len(told) >= 5
    for process in sorted(told, key=lambda each: each.pid):  # the guardian, which leads, first
        with suppress(psutil.NoSuchProcess):  # it leaves by itself where it sees the guardian go first
            process.kill()
    gateway.end(signal.SIGKILL)
    wait_for_the_lease(everybody)
    assert [*(gateway.folder / "run/beaker").glob("*/kernel*.json")] == []


async def restart_again_and_again(gateway: RunningGateway, restarts: int, kernel_id: str) -> None:
    """Leaves no zombie, no process and no descriptor."""
    async with gateway.connect(kernel_id) as client:
        await client.run("1")
        processes, descriptors = len(family(gateway)), _descriptors(gateway)
        for _ in range(restarts):
            await gateway.call("POST", f"/kernels/{kernel_id}/restart")
            await client.run("1")  # and hears pings meanwhile

        def as_before() -> bool:
            now = family(gateway)
            return not any(map(is_zombie, now)) and len(now) <= processes and _descriptors(gateway) <= descriptors + 4

        wait_until(as_before, timeout_s=PATIENCE_S, what=f"{processes} processes with {descriptors} descriptors")


def _descriptors(gateway: RunningGateway) -> int:
    return sum(gateway.roles(role)[0].num_fds() for role in ("registry", "host", "worker"))
