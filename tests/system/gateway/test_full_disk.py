"""FAULTS 23: the disk of the gateway's state is full: it says so and goes on, and writes what is missing when there is room."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.ports import free_port
from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a file system that lies in memory and has a size"),
]

STATE_BYTES = 2_000_000


@pytest.fixture
def small(short_folder: Path, need: Callable[..., None]) -> Iterator[RunningGateway]:
    """A gateway whose state lies on a file system of its own."""
    need("root, who alone can mount a small file system", there=os.getuid() == 0)
    gateway = RunningGateway(short_folder, "--port", str(free_port()))
    state = short_folder / "state"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_BYTES},mode=700", "none", str(state)], capture_output=True)
    need(f"a machine on which something can be mounted: {mounted.stderr.decode().strip()}", there=mounted.returncode == 0)
    try:
        yield gateway.start()
        gateway.close()
    finally:
        subprocess.run(["umount", "--lazy", str(state)], check=True)


def fill(path: Path) -> None:
    """Leaves no byte."""
    with path.open("ab", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


async def saving_again(gateway: RunningGateway) -> None:
    async with gateway.http() as http, asyncio.timeout(PATIENCE_S):
        while (await (await http.get("/api/status")).json())["not_saving"]:  # noqa: ASYNC110  # that it has room is told by no event
            await asyncio.sleep(0.05)  # whoever asks all the time keeps it from everything else


async def test_a_full_disk_is_told_cells_run_on_and_what_was_not_written_is_written_when_there_is_room(small: RunningGateway) -> None:
    gateway = small
    before = await gateway.start_kernel()
    rubbish = gateway.folder / "state/rubbish"
    fill(rubbish)
    wanted: dict[str, Any] = {"name": "a", "type": "notebook"}
    places = {"0.ipynb": {"name": "python3"}, "1.ipynb": {"id": before}, "2.ipynb": {"id": before}}
    sessions = [await gateway.call("POST", "/sessions", {**wanted, "path": path, "kernel": kernel}) for path, kernel in places.items()]
    trouble = (await gateway.call("GET", "/status"))["not_saving"]
    assert "full" in trouble
    async with gateway.http() as http:
        assert "Not saving" in await (await http.get("/")).text()
        assert re.search(r"^beaker_not_saving\S* 1$", await (await http.get("/metrics")).text(), re.MULTILINE)
    for kernel_id in (before, sessions[0]["kernel"]["id"]):
        async with gateway.connect(kernel_id) as client:
            assert (await client.run("x = 7\nprint(x)"))[1] == "7\n"
    rubbish.unlink()
    await saving_again(gateway)
    gateway.end(signal.SIGKILL)
    gateway.start()
    assert {session["id"] for session in await gateway.call("GET", "/sessions")} == {session["id"] for session in sessions}
    async with gateway.connect(before) as client:
        assert (await client.run("print(x)"))[1].endswith("7\n")
    wait_until(lambda: "journal.saving_again" in gateway.logs, timeout_s=PATIENCE_S, what="the word that it is saved again")
