"""Kill -9 of each part of a gateway: kernels, variables, running cells and sessions are there afterwards.

One gateway has all of it done to it, one test after the other; each takes it as the one before has left it, and starts what is not there.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.kit.processes import lives
from tests.kit.running_gateway import PATIENCE_S, RunningGateway, execute_content
from tests.kit.running_kernel import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deaths of a gateway")]


@pytest.fixture(scope="module")
def mortal() -> Iterator[RunningGateway]:
    """The gateway; it may have ended."""
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", "0").start("--keep-kernels")
    running.options = ("--port", str(running.port))
    yield running
    if running.process is not None and running.process.poll() is None:
        running.end()
        running.start().close()  # without keeping any kernel
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def gateway(mortal: RunningGateway) -> RunningGateway:
    """The gateway, which runs, and keeps its kernels when it is ended."""
    assert mortal.process is not None
    return mortal if mortal.process.poll() is None else mortal.start("--keep-kernels")


@pytest.fixture
async def kernel_id(gateway: RunningGateway) -> str:
    """A kernel of it, which has no other."""
    found = [*await known_kernels(gateway)]
    return found[0] if found else await gateway.start_kernel()


async def known_kernels(gateway: RunningGateway) -> dict[str, str]:
    """Names of all kernels, by their ids."""
    return {kernel["id"]: kernel["name"] for kernel in await gateway.call("GET", "/kernels")}


async def test_a_socket_lives_through_the_death_of_the_registry_and_of_a_host(gateway: RunningGateway, kernel_id: str) -> None:
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 7")
        for role in ("registry", "host"):
            flag = gateway.root / role
            code = (
                f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)\nprint('done')"
            )
            asked = await client.send("execute_request", execute_content(code))
            await client.hear_until("stream", asked)
            (process,) = gateway.roles(role)
            process.kill()
            gateway.wait_for_role(role, 1, without={process.pid})
            # Answered by the session itself: whoever replaces a host hears it again.
            await client.hear_until("kernel_info_reply", await client.send("kernel_info_request", {}, channel="control"))
            flag.touch()
            await client.hear_until("stream", asked, text="done\n")
            assert (await client.hear_until("execute_reply", asked))["content"]["status"] == "ok", role
            # A new host says in front of the next cell that it is one.
            assert (await client.run("print(x)"))[1].endswith("7\n"), role
            assert [kernel["id"] for kernel in await gateway.call("GET", "/kernels")] == [kernel_id], role


async def test_a_client_of_a_killed_worker_misses_nothing_and_hears_nothing_twice(gateway: RunningGateway, kernel_id: str) -> None:
    flag = gateway.root / "worker"
    async with gateway.connect(kernel_id, session_id="mine") as client:
        await client.run("1")
        code = f"import os, time\nfor n in range(40):\n    print(n, flush=True)\n    while n == 19 and not os.path.exists({str(flag)!r}):\n"
        asked = await client.send("execute_request", execute_content(code + "        time.sleep(0.05)"))
        while not client.printed(asked).endswith("19\n"):
            await client.hear()
        # Answered behind the last message: by then the worker has put down that it has left.
        await gateway.call("GET", "/kernels")
        (worker,) = gateway.roles("worker")
        worker.kill()
        await client.hear_the_end()
    flag.touch()
    gateway.wait_for_role("worker", 1, without={worker.pid})
    async with gateway.connect(kernel_id, session_id="mine") as again:
        await again.hear_out(asked)
    assert (client.printed(asked) + again.printed(asked)).split() == [str(n) for n in range(40)]


async def test_a_gateway_after_a_killed_one_finds_kernels_sessions_and_the_cell_that_runs(gateway: RunningGateway, kernel_id: str) -> None:
    wanted = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    running = session["kernel"]["id"]
    flag = gateway.root / "guardian"
    async with gateway.connect(running, session_id="here") as client, gateway.connect(kernel_id) as other:
        await client.run("x = 8")
        await other.run("y = 9")
        kernels = await known_kernels(gateway)
        code = f"print('on', flush=True)\nimport os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)\nprint('done', x)"
        asked = await client.send("execute_request", execute_content(code))
        await client.hear_until("stream", asked)
        gateway.end(signal.SIGKILL)
        await client.hear_the_end()
    gateway.start("--keep-kernels")
    assert [(found["id"], found["path"], found["kernel"]["id"]) for found in await gateway.call("GET", "/sessions")] == [
        (session["id"], "a.ipynb", running)
    ]
    assert await known_kernels(gateway) == kernels
    async with gateway.connect(running, session_id="here") as client, gateway.connect(kernel_id) as other:
        assert (await other.run("print(y)"))[1].endswith("9\n")
        flag.touch()
        reply = await client.hear_out(asked)
        assert (reply["status"], client.printed(asked)[-7:]) == ("ok", "done 8\n")
        assert (await client.run("print(x)"))[1].endswith("8\n")
    await gateway.call("DELETE", f"/sessions/{session['id']}")


def open_files() -> set[str]:
    """Of all processes of this machine."""
    found: set[str] = set()
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            found.add(os.readlink(place))
    return found


async def test_kernels_are_kept_for_the_next_gateway_where_that_is_wanted_and_else_end_with_it(
    gateway: RunningGateway, kernel_id: str
) -> None:
    async with gateway.connect(kernel_id) as client:
        subkernel = psutil.Process(int((await client.run("import os\nx = 10\nprint(os.getpid())"))[1].split()[-1]))
    assert gateway.end() == 0
    assert lives(subkernel), "nobody was kept"
    # As `| tee` would wait for whoever keeps its pipe open.
    assert not {str(gateway.folder / name) for name in ("printed", "errors")} & open_files()
    gateway.start()
    complaints = gateway.complaints
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("print(x)"))[1].endswith("10\n")
    everybody = [*psutil.Process(gateway.pid).children(recursive=True), subkernel]
    assert gateway.end() == 0
    wait_until(lambda: not any(map(lives, everybody)), timeout_s=PATIENCE_S, what="the end of all processes")
    assert gateway.complaints == complaints == ""
