"""FAULTS 34, 36: a gateway at the end of its descriptors, and kernels and processes that are started without end."""

import asyncio
import json
import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from actors.guardian.limits import websocket_limit
from tests.actors.supervisor.test_limits import BOMB, lonely_uid, processes_now
from tests.kit.gateway_kernel import serving_gateway
from tests.kit.running_gateway import PATIENCE_S, Client, RunningGateway
from tests.kit.running_kernel import A_QUESTION_S, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("limits of a gateway")]

DESCRIPTORS = 256
CONNECTIONS = 500
"""Opened and closed."""
STARTS = 1000
"""Of kernels."""
CONNECTIONS_AT_ONCE = 100
"""That a client opens by itself."""


def descriptors(gateway: RunningGateway) -> Counter[str]:
    """How many each process of it has."""
    roles = {role: gateway.roles(role)[0] for role in ("registry", "host", "worker")}
    return Counter({role: process.num_fds() for role, process in [("guardian", psutil.Process(gateway.pid)), *roles.items()]})


@pytest.fixture
def narrow(short_folder: Path) -> Iterator[RunningGateway]:
    """One that may have few descriptors."""
    gateway = RunningGateway(short_folder, "--port", "0").start(hard_limit=DESCRIPTORS)
    yield gateway
    gateway.close()


async def test_at_the_end_of_its_descriptors_it_says_so_and_sessions_that_are_open_go_on(narrow: RunningGateway) -> None:
    gateway = narrow
    kernel_id = await gateway.start_kernel()
    many = aiohttp.ClientSession(gateway.url, headers={"Authorization": f"token {gateway.token}"}, connector=aiohttp.TCPConnector(limit=0))
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 7")
        before = descriptors(gateway)
        async with many as http:
            path = f"/api/kernels/{kernel_id}/channels"
            opened = [
                await http.ws_connect(f"{path}?session_id={number}")
                for number in range(websocket_limit(2000, descriptors=DESCRIPTORS, workers=1) - 1)
            ]
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
            async with http.get(path, headers=upgrade) as answer:
                assert (answer.status, (await answer.json())["reason"]) == (503, "limit")
            # And whoever only connects takes what is left of them.
            idle = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(DESCRIPTORS)]
            assert (await client.run("print(x)"))[1] == "7\n"
            for connection in idle:
                connection.close()
            await asyncio.gather(*(each.close() for each in opened))

            async def come_and_go(number: int) -> None:
                async with asyncio.timeout(PATIENCE_S):
                    while True:
                        try:
                            async with http.ws_connect(f"{path}?session_id=again-{number}"):
                                return
                        except aiohttp.WSServerHandshakeError as error:
                            if error.status != 503:
                                raise
                            await asyncio.sleep(A_QUESTION_S)  # the place of one that has gone rests for a moment

            for begin in range(0, CONNECTIONS, 20):
                await asyncio.gather(*(come_and_go(number) for number in range(begin, begin + 20)))
                await client.run("1")  # and hears pings: who does not answer them is taken for gone
        # Asked of who was there all the time: for whoever came now, all places might rest.
        assert (await client.run("print(x)"))[1] == "7\n"
        allowed = before + Counter(dict.fromkeys(before, 2))
        wait_until(lambda: descriptors(gateway) <= allowed, timeout_s=PATIENCE_S, what=f"no more than {allowed}")


async def run(client: Client, code: str) -> str:
    reply, printed = await client.run(code)
    assert reply["status"] == "ok", reply
    return printed


@pytest.fixture(scope="module")
def bounded() -> Iterator[RunningGateway]:
    """One that may have three kernels, of few processes."""
    few = 10 if os.getuid() == 0 else processes_now() + 60  # as root the bomb runs as somebody who has none
    with serving_gateway("--max-kernels", "3", BEAKER_SUBKERNEL_MAX_PROCESSES=str(few)) as gateway:
        yield gateway


async def test_a_fork_bomb_in_a_cell_is_stopped_and_other_sessions_work(bounded: RunningGateway) -> None:
    bombed, other = await bounded.start_kernel(), await bounded.start_kernel()
    async with bounded.connect(bombed) as bomber, bounded.connect(other) as bystander:
        await run(bystander, "x = 7")
        await run(bomber, "import json, os, subprocess, sys\nreading, writing = os.pipe()\nwaiting, held = os.pipe()")
        command = f"[sys.executable, '-c', {BOMB!r}, str(writing), '{lonely_uid()}', str(waiting)]"
        await run(bomber, f"subprocess.run({command}, pass_fds=[writing, waiting], check=True)\nos.close(writing)")
        assert json.loads(await run(bomber, "print(os.fdopen(reading).read())"))["refused"] == "BlockingIOError"
        assert await run(bystander, "print(x)") == "7\n"
        await bounded.call("DELETE", f"/kernels/{await bounded.start_kernel()}")
    for kernel_id in (bombed, other):
        await bounded.call("DELETE", f"/kernels/{kernel_id}")


async def test_kernels_are_started_up_to_the_limit_and_the_others_refused_in_words(bounded: RunningGateway) -> None:
    kernel_id = await bounded.start_kernel()
    kept = [kernel_id, await bounded.start_kernel()]
    async with bounded.connect(kernel_id) as client, bounded.http() as http:
        connections = asyncio.Semaphore(CONNECTIONS_AT_ONCE)  # so that none of them waits for one: that would count as its own time

        async def start() -> tuple[int, str]:
            async with connections, http.post("/api/kernels", json={}) as answer:
                made = await answer.json()
                kept.append(made.get("id", ""))
                return answer.status, made.get("message", "")

        answers = await asyncio.gather(*(start() for _ in range(STARTS)))
        assert Counter(status for status, _ in answers) == {201: 1, 429: STARTS - 1}
        assert all(words.endswith(".") for status, words in answers if status == 429)
        assert (await client.run("print('still here')"))[1] == "still here\n"
    assert {kernel["id"] for kernel in await bounded.call("GET", "/kernels")} == {*kept} - {""}
