"""A gateway at a unix socket: the file is its own, and stays while workers come and go."""

import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.kit.running_gateway import RunningGateway

pytestmark = pytest.mark.slow


async def test_clients_come_in_after_a_hangup_too_and_the_file_goes_with_the_gateway(
    short_folder: Path, start_gateway: Callable[..., RunningGateway]
) -> None:
    place = short_folder / "http.sock"
    gateway = start_gateway("--unix-socket", str(place))
    before = {process.pid for process in gateway.roles("worker")}
    for _ in range(2):
        connector = aiohttp.UnixConnector(str(place))
        headers = {"Authorization": f"token {gateway.token}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as web, web.get("http://localhost/api/me") as answer:
            assert answer.status == 200
        if not before & {process.pid for process in gateway.roles("worker")}:
            break
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGHUP)
        gateway.wait_for_role("worker", 1, without=before)
    assert (gateway.end(), gateway.complaints, place.exists()) == (0, "", False)
