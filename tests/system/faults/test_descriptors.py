"""FAULTS 34: clients come and go, or hold all descriptors that there are; what runs goes on, and everything is given back."""

import contextlib
import json
import os
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


@pytest.fixture
def kernel(need: Callable[..., None]) -> Iterator[RunningKernel]:
    """A kernel process that may hold 256 descriptors."""
    need("root, who alone can count the descriptors of a process that lets nobody look", there=os.geteuid() == 0)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    made: RunningKernel | None = None
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        with running_kernel() as made:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            yield made
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def ports(kernel: RunningKernel) -> list[tuple[str, int]]:
    """Where clients come in."""
    known = json.loads(Path(kernel.connection_file).read_text())
    return [(known["ip"], known[name]) for name in CHANNELS]


def test_what_runs_goes_on_while_strangers_hold_all_descriptors_and_afterwards_new_clients_come_in(kernel: RunningKernel) -> None:
    front = psutil.Process(kernel.process.pid)
    kernel.run("x = 41")
    pid, before = kernel.subkernel_pid(), front.num_fds()
    with contextlib.ExitStack() as strangers:
        for number in range(300):
            address = ports(kernel)[number % len(CHANNELS)]
            strangers.enter_context(socket.create_connection(address, timeout=60))
        wait_until(lambda: front.num_fds() >= 250, what="the last descriptor")
        assert kernel.run("x + 1").text == "42"
        assert kernel.run("for n in range(1000): print(n)").text.endswith("999\n")
        # What beaker answers itself may need files that it has not read yet; then it says so.
        for cell in ("%beaker status", "%%ai what variables do I have?"):
            answered = kernel.run(cell)
            assert answered.status == "ok" or "Too many open files" in answered.text
    wait_until(lambda: front.num_fds() <= before, what="the return of the descriptors")
    assert kernel.run("%beaker status").status == "ok"
    assert "x" in kernel.run("%%ai what variables do I have?").text
    second = kernel.connect()
    try:
        second.wait_for_ready(timeout=60)
        assert second.execute_interactive("x", timeout=60, output_hook=lambda _: None)["content"]["status"] == "ok"
    finally:
        second.stop_channels()
    assert kernel.subkernel_pid() == pid


def test_five_hundred_clients_that_came_and_left_leave_no_descriptor_behind(kernel: RunningKernel) -> None:
    front = psutil.Process(kernel.process.pid)
    kernel.run("x = 41")
    before = front.num_fds()
    for number in range(500):
        with socket.create_connection(ports(kernel)[number % len(CHANNELS)], timeout=60):
            pass
    for _ in range(20):  # and as clients do it, with all five at once, subscribed
        client = kernel.connect()
        client.wait_for_ready(timeout=60)
        client.stop_channels()
    wait_until(lambda: front.num_fds() <= before, what="the return of the descriptors")
    assert kernel.run("x + 1").text == "42"
