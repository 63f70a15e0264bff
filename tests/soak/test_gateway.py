"""Gateways at the full size that FAULTS names, where `tests/system/gateway` has a smaller one."""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.kit.gateway_floods import MB, flood_one_that_never_reads, show_displays
from tests.kit.running_gateway import RunningGateway, execute_content
from tests.system.gateway.test_deaths import counted, kill
from tests.system.gateway.test_leftovers import restart_again_and_again

pytestmark = pytest.mark.timeout(1200)

KILLS = 10
NUMBERS = 3000
FLOW = f"""
import time
for n in range({NUMBERS}):
    print(n, flush=True) if n % 2 else display({{'text/plain': f'{{n}}\\n'}}, raw=True)
    time.sleep(0.002)
"""
"""For longer than it takes to start a gateway."""

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


async def test_all_of_it_killed_in_full_flow(start: Start) -> None:
    chance = random.Random(9)
    gateway = start()
    gateway.options = ("--port", str(gateway.port))
    kernel_id = await gateway.start_kernel()
    for _ in range(KILLS):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(gateway.connect(kernel_id)) for _ in range(3)]
            assert (await clients[1].run("%%ai hello"))[0]["status"] == "ok"
            async with gateway.connect(kernel_id) as away:
                await away.run("1")
            asked = await clients[0].send("execute_request", execute_content(FLOW))
            kill_at = chance.randrange(NUMBERS // 3)
            while len(counted(asked, clients[0])) <= kill_at:
                await clients[0].hear()
            kill(gateway, "everybody")
            for client in clients:
                await client.hear_the_end()
        gateway.start()
        lost = set[tuple[int, ...]]()
        async with AsyncExitStack() as stack:
            for former in (*clients, away):
                client = await stack.enter_async_context(gateway.connect(kernel_id, session_id=former.session_id))
                await client.hear_idle(asked)
                before, behind = counted(asked, former), counted(asked, client)
                # The one message that had been sent and not noted may come again: docs/gateway.md says so.
                heard = before + behind[behind[:1] == before[-1:] :]
                assert heard == sorted({*heard})
                lost.add(tuple(n for n in range(NUMBERS) if n not in heard))
        # What was shown while nobody listened is the same for all, and lies between two numbers.
        (missing,) = lost
        print(f"killed at {kill_at}, without {missing[:1]} to {missing[-1:]}")
        assert [*missing] == [*range(missing[0], missing[-1] + 1)]


async def test_100_restarts(start: Start) -> None:
    gateway = start()
    kernel_id = await gateway.start_kernel()
    await gateway.call("POST", f"/kernels/{kernel_id}/restart")
    await restart_again_and_again(gateway, 100, kernel_id)
