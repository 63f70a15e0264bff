"""FAULTS 6, 35: the clock on the wall jumps by an hour under a gateway that ends unused kernels and gives up crash loops."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.kit.gateway_kernel import serving_gateway
from tests.kit.running_gateway import PATIENCE_S, RunningGateway, execute_content
from tests.kit.running_kernel import wait_until
from tests.kit.wall_clock import WallClock
from tests.scripted.replies import STALL, run
from tests.scripted.threaded import ThreadedEndpoint, serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clock of a gateway")]

HOUR_S = 3600
IDLE_S = 4
LOOK_S = 0.05
LIMITS = {"BEAKER_SUBKERNEL_RESTART_LIMIT": "2", "BEAKER_SUBKERNEL_RESTART_WINDOW_S": "600"}
"""As many deaths as tell whether they are counted; the limit itself is shown by a kernel process."""

WORKS = """
from pathlib import Path
from time import sleep
print("on", flush=True)
while not Path({go!r}).exists():
    sleep(0.05)
print("done")
"""


@pytest.fixture(scope="module")
def clock(need_tool: Callable[..., str]) -> Iterator[WallClock]:
    folder = Path(tempfile.mkdtemp(prefix="clock"))
    yield WallClock(folder, need_tool("cc", "gcc", "clang"))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def model() -> Iterator[ThreadedEndpoint]:
    """Wants code run in the first kernel that asks, and never ends its answer to the second."""
    with serving([run("1"), STALL]) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def gateway(clock: WallClock, model: ThreadedEndpoint) -> Iterator[RunningGateway]:
    with serving_gateway("--idle-timeout", str(IDLE_S), **clock.environment, **LIMITS, **model.environment) as gateway:
        yield gateway


async def ask(gateway: RunningGateway, *, until: str) -> str:
    """A kernel that is asked in the background and left when its display says so; returns its id."""
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        # A client that takes no questions is not asked for consent later either.
        await client.send("execute_request", {**execute_content("%%ai --background go"), "allow_stdin": True}, cell_id="c")
        while until not in str((await client.hear())["content"].get("data")):
            continue
    return kernel_id


async def test_a_kernel_that_nobody_uses_is_ended_and_none_at_work_or_that_waits_for_consent_however_the_clock_jumps(
    gateway: RunningGateway, clock: WallClock, tmp_path: Path
) -> None:
    session_id, go = uuid.uuid4().hex, tmp_path / "go"
    at_work = await gateway.start_kernel()
    async with gateway.connect(at_work, session_id=session_id) as client:
        asked = await client.send("execute_request", execute_content(WORKS.format(go=str(go))))
        await client.hear_printed(asked, "on")
    waits = await ask(gateway, until="%beaker allow A1")
    answers = await ask(gateway, until="two")
    unused = await gateway.start_kernel()
    async with gateway.connect(unused) as client:
        process = int((await client.run("import os; print(os.getpid())"))[1])
        clock.jump(-HOUR_S)
        used = time.monotonic()
        await client.run("1")
    seen = datetime.fromisoformat((await gateway.call("GET", f"/kernels/{unused}"))["last_activity"])
    assert abs(seen.timestamp() - time.time() + HOUR_S) < 600, "the clock was not set"
    clock.jump(HOUR_S)
    ended = partial(wait_until, lambda: not psutil.pid_exists(process), timeout_s=PATIENCE_S, what="the end of what nobody uses")
    await asyncio.to_thread(ended)
    assert time.monotonic() - used > IDLE_S, "an hour forwards is no hour without use"
    async with asyncio.timeout(PATIENCE_S):  # it leaves the list a moment after its process has ended
        while await gateway.status("GET", f"/kernels/{unused}") != 404:  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(LOOK_S)
    assert [await gateway.status("GET", f"/kernels/{kernel_id}") for kernel_id in (waits, answers)] == [200, 200]
    async with gateway.connect(at_work, session_id=session_id) as client:
        go.touch()
        assert (await client.hear_out(asked))["status"] == "ok"
        assert client.printed(asked).endswith("done\n")
    for kernel_id in (at_work, waits, answers):
        await gateway.call("DELETE", f"/kernels/{kernel_id}")


async def test_a_crash_loop_is_given_up_with_its_words_however_the_clock_jumps(gateway: RunningGateway, clock: WallClock) -> None:
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        for hours in (1, -1, 1):
            # Printed behind what a session says that follows a dead one.
            pid = int((await client.run("import os; print(os.getpid())"))[1].split()[-1])
            clock.jump(hours * HOUR_S)
            os.kill(pid, signal.SIGKILL)
            await client.hear_until("status", execution_state="restarting")
        await client.hear_until("status", execution_state="dead")
        refused, _ = await client.run("1")
        assert refused["status"] == "error"
        assert "died 3 times within 600 s" in refused["evalue"]
        await gateway.call("POST", f"/kernels/{kernel_id}/restart")
        assert (await client.run("print(6 * 7)"))[1].endswith("42\n")
    await gateway.call("DELETE", f"/kernels/{kernel_id}")
