"""Kernels of a running gateway that ends those which nobody uses (`--idle-timeout`)."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kit.running_gateway import RunningGateway, execute_content
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

WORKS = """
from pathlib import Path
from time import sleep
print("on", flush=True)
while not Path({go!r}).exists():
    sleep(0.05)
print("done")
"""


async def test_a_kernel_that_nobody_uses_is_ended_and_one_whose_cell_runs_is_not(
    start_gateway: Callable[..., RunningGateway], tmp_path: Path
) -> None:
    gateway, session_id, go = start_gateway("--port", "0", "--idle-timeout", "2"), uuid.uuid4().hex, tmp_path / "go"
    at_work = await gateway.start_kernel()
    async with gateway.connect(at_work, session_id=session_id) as client:
        asked = await client.send("execute_request", execute_content(WORKS.format(go=str(go))))
        await client.hear_until("stream", asked)
    unused = await gateway.start_kernel()
    async with gateway.connect(unused) as client:
        process = int((await client.run("import os; print(os.getpid())"))[1])
    await asyncio.to_thread(wait_until, lambda: not psutil.pid_exists(process), what="the end of the kernel that nobody uses")
    assert await gateway.status("GET", f"/kernels/{unused}") == 404
    async with gateway.connect(at_work, session_id=session_id) as client:
        go.touch()
        await client.hear_until("stream", asked, text="done\n")
        assert (await client.hear_until("execute_reply", asked))["content"]["status"] == "ok"
