"""A worker is killed in the middle of many saves: the notebook is the old one or the new one, whole."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import nbformat
import pytest

from tests.actors.gateway.desk import WITH_TOKEN

ROUNDS = 3
CELLS = 300
CHECKOUT = Path(__file__).parents[3]

SERVE = """
import sys
sys.modules["rfc3987_syntax"] = None
import beaker_kernel
from aiohttp import web
from actors.gateway.app import make_app
from tests.actors.gateway.desk import make_order, make_service
socket, folder, root = sys.argv[1:]
web.run_app(make_app(make_service(make_order(folder, root_dir=root))), path=socket)
"""
"""A worker imports without that grammar too, which takes longer than all the rest of it."""


def _notebook(version: int) -> dict[str, object]:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{number}", "source": f"{version}", "metadata": {}, "outputs": [], "execution_count": None}
        for number in range(CELLS)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _version(file: Path) -> int:
    """Of a notebook that is one and the same in all its cells."""
    read = nbformat.reads(file.read_text(), as_version=4)  # type: ignore[no-untyped-call]  # nbformat is untyped
    versions = {cell.source for cell in read.cells}
    assert (len(read.cells), len(versions)) == (CELLS, 1)
    return int(versions.pop())


async def _save_until_killed(socket: Path, pid: int, first: int, chance: random.Random) -> int:
    """Saves one version after the other; gives the last that was answered."""
    acknowledged, loop = first - 1, asyncio.get_running_loop()
    connector = aiohttp.UnixConnector(str(socket))
    async with aiohttp.ClientSession(connector=connector, headers=WITH_TOKEN) as session:
        for version in range(first, first + 1000):
            if version == first + 2:
                # At any moment of a save, which takes some hundredths of a second.
                loop.call_later(chance.uniform(0, 0.1), os.kill, pid, signal.SIGKILL)
            body = {"type": "notebook", "format": "json", "content": _notebook(version)}
            try:
                async with session.put("http://localhost/api/contents/n.ipynb", json=body) as answer:
                    assert answer.status in {200, 201}
                    await answer.read()
            except aiohttp.ClientError:
                return acknowledged
            acknowledged = version
    raise AssertionError("it was never killed")


@pytest.mark.slow
async def test_a_notebook_is_the_old_one_or_the_new_one(tmp_path: Path, short_folder: Path) -> None:
    chance = random.Random(4)
    version = 0
    for round_number in range(ROUNDS):
        socket = short_folder / f"s{round_number}"
        words = [sys.executable, "-c", SERVE, str(socket), str(short_folder), str(tmp_path)]
        server = await asyncio.create_subprocess_exec(*words, cwd=CHECKOUT, stdout=subprocess.PIPE)
        assert server.stdout is not None
        await server.stdout.readline()  # it says where it runs
        acknowledged = await _save_until_killed(socket, server.pid, version + 1, chance)
        await server.wait()
        version = _version(tmp_path / "n.ipynb")
        assert version in {acknowledged, acknowledged + 1}
        # What it left behind, if anything, is hidden from whoever lists the folder.
        assert [name for name in os.listdir(tmp_path) if not name.startswith(".beaker-")] == ["n.ipynb"]
