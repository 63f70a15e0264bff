"""Saves at a running gateway: whole though a worker is killed in the middle, and one of two that are based on the same."""

import asyncio
import json
import os
import random
import signal
from contextlib import AsyncExitStack, closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from threading import Timer

import aiohttp
import pytest

from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import wait_until
from tests.system.gateway.test_worker_death import open_at

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

KILLS = 2
"""Of a gateway; who loses a worker six times within 30 s gives up, and other tests kill some too."""
CELLS = 300
OUTPUT = "." * 2000
"""With it a notebook has more than half a megabyte."""
RACES = 5


def _notebook(version: int, cells: int = CELLS) -> dict[str, object]:
    """Its version stands in each of its cells."""
    output = {"output_type": "stream", "name": "stdout", "text": f"{version}{OUTPUT}"}
    rest: dict[str, object] = {"source": f"{version}", "metadata": {}, "outputs": [output], "execution_count": None}
    made = [{"cell_type": "code", "id": f"c{number}", **rest} for number in range(cells)]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _body(version: int, cells: int = CELLS) -> dict[str, object]:
    return {"type": "notebook", "format": "json", "content": _notebook(version, cells)}


async def _version(gateway: RunningGateway, path: str) -> int:
    """Of a notebook that is whole."""
    cells = (await gateway.call("GET", path))["content"]["cells"]
    version = int(cells[0]["source"])
    assert {(cell["source"], cell["outputs"][0]["text"]) for cell in cells} == {(f"{version}", f"{version}{OUTPUT}")}
    assert len(cells) == CELLS
    return version


def _connection(gateway: RunningGateway) -> aiohttp.ClientSession:
    """One, and so one worker."""
    headers = {"Authorization": f"token {gateway.token}"}
    return aiohttp.ClientSession(gateway.url, headers=headers, connector=aiohttp.TCPConnector(limit=1))


def _save_until_killed(gateway: RunningGateway, path: str, first: int, chance: random.Random) -> tuple[int, int]:
    """Saves one version after the other; gives the last that was answered, and who was killed."""
    acknowledged, worker = first - 1, 0
    # Not aiohttp's client: that sends a save again whose connection broke, and so mends what it was to show.
    with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)) as connection:
        for version in range(first, first + 1000):
            if version == first + 2:
                # At any moment of a save, which takes some hundredths of a second.
                Timer(chance.uniform(0, 0.1), os.kill, (worker, signal.SIGKILL)).start()
            try:
                connection.request("PUT", path, json.dumps(_body(version)), {"Authorization": f"token {gateway.token}"})
                answer = connection.getresponse()
                assert answer.status in {200, 201}
                answer.read()
            except (HTTPException, OSError):
                return acknowledged, worker
            acknowledged = version
            worker = worker or wait_until(partial(gateway.worker_that_answered, str(answer.headers["X-Request-ID"])))
    raise AssertionError("it was never killed")


async def test_a_notebook_that_is_saved_while_workers_are_killed_is_the_old_one_or_the_new_one(gateway: RunningGateway) -> None:
    folder = gateway.root / "killed-while-saving"
    folder.mkdir()
    path = f"/contents/{folder.name}/n.ipynb"
    chance = random.Random(4)
    workers, version = len(gateway.roles("worker")), 0
    for _ in range(KILLS):
        acknowledged, killed = _save_until_killed(gateway, f"/api{path}", version + 1, chance)
        gateway.wait_for_role("worker", workers, without={killed})
        version = await _version(gateway, path)
        assert version in {acknowledged, acknowledged + 1}
        assert [entry["name"] for entry in (await gateway.call("GET", f"/contents/{folder.name}"))["content"]] == ["n.ipynb"]
    # What a killed one has left is in nobody's way.
    await gateway.call("DELETE", path)
    await gateway.call("DELETE", f"/contents/{folder.name}")
    assert not folder.exists()


async def test_of_two_saves_of_the_same_version_at_whatever_workers_one_is_refused(gateway: RunningGateway) -> None:
    several = len(gateway.roles("worker")) > 1
    address = "/api/contents/raced.ipynb"
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(_connection(gateway)) for _ in range(2)]
        worker = await open_at(None, gateway, first)
        await open_at(None, gateway, second, but={worker} if several else ())

        async def save(http: aiohttp.ClientSession, version: int, seen: str) -> tuple[int, int, str]:
            async with http.put(address, json=_body(version, 20), headers={"If-Match": seen} if seen else {}) as answer:
                told = await answer.json()
                return answer.status, version, f'"{told["hash"]}"' if answer.status < 400 else told["reason"]

        _, _, seen = await save(first, 0, "")
        for number in range(1, RACES + 1):
            answers = await asyncio.gather(save(first, 2 * number, seen), save(second, 2 * number + 1, seen))
            (saved, version, seen), refused = sorted(answers)
            assert (saved, refused[0], refused[2]) == (200, 412, "changed")
            async with second.get(address, params={"hash": "1"}) as answer:
                assert answer.headers["ETag"] == seen
                assert (await answer.json())["content"]["cells"][0]["source"] == f"{version}"
