"""FAULTS 19, 20, 21: floods of outputs through a gateway. `tests/soak` has them at their full size."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from beaker.gateway.stumbling import TIMES
from tests.kit.gateway_floods import MB, flood_one_that_never_reads, printed, show_displays, watched
from tests.kit.running_gateway import RunningGateway, execute_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("floods")]

LIMITS = {"BEAKER_GATEWAY_STOPPED_S": "3", "BEAKER_GATEWAY_LAG_BYTES": str(16 * MB)}
"""Long enough that the test itself is not taken for stopped on a busy machine."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", "0", **LIMITS).start()
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def kernel_id(gateway: RunningGateway) -> str:
    """One for all floods."""
    return asyncio.run(gateway.start_kernel())


async def test_a_websocket_that_never_reads_costs_little_is_closed_as_too_slow_and_misses_nothing(
    gateway: RunningGateway, kernel_id: str
) -> None:
    peak = await flood_one_that_never_reads(gateway, kernel_id, 48)
    assert peak["worker"] <= 32 * MB
    assert peak["host"] <= 64 * MB


async def test_one_print_of_a_hundred_megabytes_arrives_whole_and_its_memory_is_given_back(gateway: RunningGateway, kernel_id: str) -> None:
    async with gateway.connect(kernel_id) as client:
        await client.run("1")
        async with watched(gateway) as memory:
            asked = await client.send("execute_request", execute_content(f"print('z' * {100 * MB})"))
            await client.hear_until("status", asked, execution_state="idle")
            text = printed(client, parent=asked)
            assert (len(text), text.strip("z")) == (100 * MB + 1, "\n")
            memory.settle(64 * MB)
        assert memory.peak["worker"] <= 32 * MB
        assert memory.peak["host"] <= 250 * MB, "it holds more than libzmq's copy and its own"


async def test_a_client_that_takes_no_messages_so_large_gets_a_large_print_and_is_told_which_display_is_left_out(
    gateway: RunningGateway, kernel_id: str
) -> None:
    takes_bytes = 10 * MB
    async with gateway.connect(kernel_id, session_id="narrow", takes_bytes=takes_bytes) as client:
        asked = await client.send("execute_request", execute_content(f"print('z' * {11 * MB})"))
        await client.hear_until("status", asked, execution_state="idle")
        assert len(printed(client, parent=asked)) == 11 * MB + 1
        asked = await client.send("execute_request", execute_content(f"display({{'text/plain': 'z' * {11 * MB}}}, raw=True)"))
        await client.hear_the_end()
    for _ in range(TIMES):
        async with gateway.connect(kernel_id, session_id="narrow", takes_bytes=takes_bytes) as client:
            with contextlib.suppress(AssertionError):
                await client.hear_until("status", asked, execution_state="idle")
    assert "a message of 11.0 MB is left out here" in printed(client, parent=asked)
    assert client.heard[-1]["content"] == {"execution_state": "idle"}


async def test_of_three_thousand_displays_each_arrives_once_and_the_idle_behind_them(gateway: RunningGateway, kernel_id: str) -> None:
    await show_displays(gateway, kernel_id, 3000)


async def test_a_message_of_ninety_megabytes_goes_up_in_both_framings(gateway: RunningGateway, kernel_id: str) -> None:
    taking = "def take(comm, _):\n    comm.on_msg(lambda m: print(len(m['buffers'][0]), m['buffers'][0][-3:].tobytes()))\n"
    async with gateway.connect(kernel_id) as v1, gateway.connect(kernel_id, framing="legacy") as legacy:
        await v1.run(taking + "get_ipython().kernel.comm_manager.register_target('take', take)")
        await v1.send("comm_open", {"comm_id": "c", "target_name": "take", "data": {}})
        for client in (v1, legacy):
            asked = await client.send("comm_msg", {"comm_id": "c", "data": {}}, buffers=[b"." * (95 * MB) + b"end"])
            await client.hear_idle(asked)
            assert client.printed(asked) == f"{95 * MB + 3} b'end'\n", client.framing
