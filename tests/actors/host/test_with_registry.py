"""A kernel host beside the real registry: whichever of the two is killed, kernels and running cells are there afterwards."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.guardian.order import REGISTRY, WORKER
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.process import Child
from beaker.messages.base import PROTOCOL
from beaker.messages.host import RestartKernel
from beaker.messages.registry import EndKernel, Kernels, KernelStarted, ListKernels, RegistryReply, RegistryRequest, StartKernel
from beaker.settings.gateway import GatewaySettings
from tests.actors.host.kit import PATIENCE_S, HostStage

pytestmark = pytest.mark.slow


class Pair(HostStage):
    """Both processes, and a worker that is linked to both."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, GatewaySettings(root_dir=str(root / "n")))
        self.child: Child | None = None
        self._asking = Node("worker", protocol=PROTOCOL)

    async def open(self) -> None:
        self.child = await self.start_role("registry")
        await self.start_host(expected=False)
        await self.worker.connect()

    async def kill_registry(self) -> None:
        assert self.child is not None
        self.child.send_signal(signal.SIGKILL)
        await self.child.exited

    async def wish(self, request: RegistryRequest) -> RegistryReply:
        """Ask the Registry that there is now."""
        link: Link = await self._asking.connect(
            self.order.registry_socket,
            codec=Codec(RegistryReply),
            secret=self.order.secret_between(WORKER, REGISTRY),
            timeout_s=PATIENCE_S,
        )
        answer: RegistryReply = await link.ref("registry").ask(request, timeout_s=PATIENCE_S)
        link.close()
        return answer

    async def shut(self) -> None:
        await self._asking.stop()
        for kernel in self.started:
            await self.wish(EndKernel(kernel_id=kernel))
        await self.kill_registry()
        await self.close()

    started: list[str]


@pytest.fixture
async def pair(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setenv("BEAKER_MODEL", "a-model-of-the-gateway")
    made = Pair(short_folder)
    made.started = []
    try:
        await made.open()
        yield made
    finally:
        await made.shut()


async def test_a_running_cell_outlives_the_registry_and_then_the_host(pair: Pair) -> None:
    answer = await pair.wish(StartKernel(spec_name="python3"))
    assert isinstance(answer, KernelStarted)
    kernel = answer.kernel.kernel_id
    pair.started.append(kernel)
    client = await pair.worker.client(kernel)
    await client.result("x = 41")
    cell = client.run("import time, os\nprint('on', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.02)")
    await client.first("stream", cell)

    await pair.kill_registry()
    pair.child = await pair.start_role("registry")
    listed = await pair.wish(ListKernels())
    assert isinstance(listed, Kernels)
    assert [entry.kernel_id for entry in listed.kernels] == [kernel]

    await pair.kill_host()
    await pair.start_host(expected=False)
    await pair.worker.rejoin()
    asked = client.say("kernel_info_request", {}, channel="control")
    await client.first("kernel_info_reply", asked)
    await asyncio.to_thread((pair.notebooks / "go").touch)
    assert (await client.reply(cell))["status"] == "ok"
    assert (await client.result("print(x + 1)")).endswith("42\n")

    await pair.worker.ask(RestartKernel(kernel_id=kernel))
    assert await client.result("x") == "NameError"


async def test_a_kernel_has_the_gateways_settings_and_its_cells_not_all_of_its_environment(pair: Pair) -> None:
    answer = await pair.wish(StartKernel(spec_name="python3"))
    assert isinstance(answer, KernelStarted)
    pair.started.append(answer.kernel.kernel_id)
    client = await pair.worker.client(answer.kernel.kernel_id)
    shown = client.run("%beaker config")
    await client.reply(shown)
    assert any("a-model-of-the-gateway" in str(each.content) for each in client.about(shown))
    assert await client.result("import os; print(os.environ.get('BEAKER_MODEL'))") == "None\n"


async def test_a_kernel_that_a_client_ends_leaves_the_registrys_list(pair: Pair) -> None:
    answer = await pair.wish(StartKernel(spec_name="python3"))
    assert isinstance(answer, KernelStarted)
    client = await pair.worker.client(answer.kernel.kernel_id)
    await client.result("1")
    client.say("shutdown_request", {"restart": False}, channel="control")
    await client.until(lambda: client.over)
    while True:
        listed = await pair.wish(ListKernels())
        assert isinstance(listed, Kernels)
        if not listed.kernels:
            break
