"""A gateway at a unix socket: cells run by it, the file is its own, and stays while workers come and go."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.kit.running_gateway import PATIENCE_S, V1, Client, RunningGateway

pytestmark = pytest.mark.slow


@asynccontextmanager
async def come_in(gateway: RunningGateway, place: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """By that socket, as a client that has the token."""
    headers, patience = {"Authorization": f"token {gateway.token}"}, aiohttp.ClientTimeout(PATIENCE_S)
    connector = aiohttp.UnixConnector(str(place))
    async with aiohttp.ClientSession("http://localhost", connector=connector, headers=headers, timeout=patience) as web:
        yield web


async def printed(web: aiohttp.ClientSession, kernel_id: str, code: str) -> str:
    """What a cell prints, by a websocket."""
    path = f"/api/kernels/{kernel_id}/channels?session_id=one"
    async with web.ws_connect(path, protocols=[V1], max_msg_size=0, compress=0) as socket:
        return (await Client(socket, "one", "v1").run(code))[1]


async def test_clients_run_cells_behind_a_hangup_too_and_the_file_goes_with_the_gateway(
    short_folder: Path, start_gateway: Callable[..., RunningGateway]
) -> None:
    place = short_folder / "http.sock"
    gateway = start_gateway("--unix-socket", str(place))
    before = {process.pid for process in gateway.roles("worker")}
    async with come_in(gateway, place) as web:
        async with web.post("/api/kernels", json={"name": "python3"}) as answer:
            kernel_id = (await answer.json())["id"]
        assert await printed(web, kernel_id, "x = 7\nprint('here')") == "here\n"
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    gateway.wait_for_role("worker", 1, without=before)
    async with come_in(gateway, place) as web:
        assert await printed(web, kernel_id, "print(x)") == "7\n"
    assert (gateway.end(), gateway.complaints, place.exists()) == (0, "", False)
