"""FAULTS 23: the disk of the gateway's state is full: it says so and goes on, and writes what is missing when there is room.

Its runtime folder may be full, too, which is memory on many machines: nobody dies of that.
"""

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

SMALL_BYTES = 2_000_000

Small = Callable[[str], RunningGateway]


@pytest.fixture
def small(short_folder: Path, need: Callable[..., None]) -> Iterator[Small]:
    """Starts a gateway of whose folders one, by its name, lies on a file system of its own."""
    need("root, who alone can mount a small file system", there=os.getuid() == 0)
    gateway = RunningGateway(short_folder, "--port", str(free_port()))
    mounts: list[str] = []

    def start(name: str) -> RunningGateway:
        place = str(short_folder / name)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES},mode=700", "none", place], capture_output=True)
        need(f"a machine on which something can be mounted: {mounted.stderr.decode().strip()}", there=mounted.returncode == 0)
        mounts.append(place)
        return gateway.start()

    try:
        yield start
        gateway.close()
    finally:
        for place in mounts:
            subprocess.run(["umount", "--lazy", place], check=True)


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


async def test_a_full_disk_is_told_cells_run_on_and_what_was_not_written_is_written_when_there_is_room(small: Small) -> None:
    gateway = small("state")
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


async def test_a_full_runtime_folder_costs_no_process_and_no_cell_and_a_kernel_that_cannot_start_says_why(small: Small) -> None:
    gateway = small("run")
    kernel_id = await gateway.start_kernel()
    rubbish = gateway.folder / "run/rubbish"
    fill(rubbish)
    (worker,), (registry,) = gateway.roles("worker"), gateway.roles("registry")
    session_id = "one"
    # The first websocket of this worker: nothing of what is noted of such was written to yet.
    async with gateway.connect(kernel_id, session_id=session_id) as client:
        assert (await client.run("x = 7\nprint(x)"))[1] == "7\n"
        os.kill(gateway.pid, signal.SIGHUP)  # another takes its place while it has its part of the folder yet
        await client.hear_the_end()
    gateway.wait_for_role("worker", 1, without={worker.pid})
    registry.kill()
    gateway.wait_for_role("registry", 1, without={registry.pid})
    fill(rubbish)
    async with gateway.connect(kernel_id, session_id=session_id) as client:
        assert (await client.run("print(x + 1)"))[1] == "8\n"
    async with gateway.http() as http, http.post("/api/kernels", json={"name": "python3"}) as refused:
        assert (refused.status, "No space left on device" in await refused.text()) == (503, True)
    rubbish.unlink()
    other = await gateway.start_kernel()
    async with gateway.connect(other) as client:
        assert (await client.run("print(6)"))[1] == "6\n"
    logs = gateway.logs
    assert "websockets.noted_elsewhere" in logs
    assert [logs.count(f'"event":"{name}"') for name in ("post.ended", "guard.lost", "actor.crashed")] == [1, 0, 0], "but what was killed"
