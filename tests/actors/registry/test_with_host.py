"""The Registry and a kernel host as they are: each is killed, and what the two have between them goes on."""

import asyncio
import os
import signal
import sys

import msgspec
import pytest

from actors.guardian.order import OPTION, seal_order
from actors.runtime.codec import Codec
from actors.runtime.node import Node
from actors.runtime.process import Child, start
from beaker.messages.base import PROTOCOL
from beaker.messages.host import HostReply, ListStandings
from beaker.messages.registry import AllEnded, EndKernel, KernelEnded, StartKernel
from tests.actors.registry.stage import PATIENCE_S, Stage, stage
from tests.actors.supervisor.stage import until

pytestmark = pytest.mark.slow


async def launch_host(gateway: Stage) -> Child:
    """A kernel host as a process of its own."""
    sealed = seal_order(msgspec.structs.replace(gateway.order, number=0))
    command = [sys.executable, "-P", "-m", "beaker_kernel", "--role", "host", "--number", "0", f"{OPTION}{sealed}"]
    try:
        child = start(command, role="host", secret=b"", inherit=[sealed])
    finally:
        os.close(sealed)
    await child.ready(PATIENCE_S)
    return child


async def until_idle(gateway: Stage, *kernel_ids: str) -> None:
    """Wait until the host has these kernels and no others, and all of them answer."""
    node = Node("registry", protocol=PROTOCOL)  # a worker would need its shared memory
    try:
        link = await node.connect(
            gateway.order.host_socket(0), codec=Codec(HostReply), secret=gateway.order.link_secret, timeout_s=PATIENCE_S
        )
        async with asyncio.timeout(PATIENCE_S):
            while True:
                standings = (await link.ref("host").ask(ListStandings(), timeout_s=PATIENCE_S)).kernels
                if {each.kernel_id: each.execution_state for each in standings} == dict.fromkeys(kernel_ids, "idle"):
                    return
    finally:
        await node.stop()


async def test_each_of_the_two_is_killed_and_finds_its_kernels_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        registry = await gateway.launch()
        host = await launch_host(gateway)
        asking = await gateway.worker()
        one, two = [(await gateway.start(asking, StartKernel(spec_name="python3"))).kernel_id for _ in range(2)]
        await until_idle(gateway, one, two)
        pids = sorted(process.pid for process in gateway.left() if "ipykernel_launcher" in process.cmdline())
        registry.send_signal(signal.SIGKILL)
        await registry.exited
        await gateway.launch()
        host.send_signal(signal.SIGKILL)
        await host.exited
        host = await launch_host(gateway)
        try:
            await until_idle(gateway, one, two)
            assert sorted(process.pid for process in gateway.left() if "ipykernel_launcher" in process.cmdline()) == pids
            asking = await gateway.worker()
            assert await asking.ask(EndKernel(kernel_id=one), timeout_s=PATIENCE_S) == KernelEnded(kernel_id=one)
            await until_idle(gateway, two)
            assert await gateway.end_all() == AllEnded()
            await until_idle(gateway)
            await until(lambda: gateway.left() == [])
        finally:
            await host.end(5)
