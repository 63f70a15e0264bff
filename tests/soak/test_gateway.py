"""Gateways at the full size that FAULTS names, where `tests/system/gateway` has a smaller one."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.gateway_floods import MB, flood_one_that_never_reads, show_displays
from tests.kit.running_gateway import RunningGateway
from tests.system.gateway.test_leftovers import restart_again_and_again

pytestmark = pytest.mark.timeout(1200)

Start = Callable[..., RunningGateway]


@pytest.fixture
def start() -> Iterator[Start]:
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    made: list[RunningGateway] = []

    def begin(**variables: str) -> RunningGateway:
        made.append(RunningGateway(folder, "--port", "0", **variables).start())
        return made[-1]

    yield begin
    for gateway in made:
        gateway.close()
    shutil.rmtree(folder, ignore_errors=True)


async def test_400_megabytes_beside_a_websocket_that_never_reads(start: Start) -> None:
    gateway = start(BEAKER_GATEWAY_STOPPED_S="3", BEAKER_GATEWAY_REPLAY_BYTES=str(1000 * MB))
    peak = await flood_one_that_never_reads(gateway, await gateway.start_kernel(), 400)
    assert peak["worker"] <= 32 * MB
    assert peak["host"] <= 64 * MB


async def test_50_000_displays(start: Start) -> None:
    gateway = start()
    await show_displays(gateway, await gateway.start_kernel(), 50_000)


async def test_100_restarts(start: Start) -> None:
    gateway = start()
    kernel_id = await gateway.start_kernel()
    await gateway.call("POST", f"/kernels/{kernel_id}/restart")
    await restart_again_and_again(gateway, 100, kernel_id)
