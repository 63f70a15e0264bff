"""Kill -9 of each part of a gateway: kernels, variables, running cells and sessions are there afterwards.

One gateway has all of it done to it, one test after the other; each takes it as the one before has left it, and starts what is not there.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.kit.gateway_floods import printed
from tests.kit.ports import free_port
from tests.kit.processes import lives
from tests.kit.running_gateway import PATIENCE_S, Client, RunningGateway, execute_content
from tests.kit.running_kernel import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deaths of a gateway")]

NUMBERS = 40
HELD = 19
"""Behind it a cell that counts waits: what a session prints while nobody listens is heard by nobody, as `docs/gateway.md` says."""


@pytest.fixture(scope="module")
def mortal() -> Iterator[RunningGateway]:
    """The gateway; it may have ended."""
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", str(free_port())).start("--keep-kernels")
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


def counting(flag: Path) -> str:
    """A cell that shows and prints numbers in turns, and waits in the middle for a file."""
    return f"""
import os, time
for n in range({NUMBERS}):
    print(n, flush=True) if n % 2 else display({{'text/plain': f'{{n}}\\n'}}, raw=True)
    while n == {HELD} and not os.path.exists({str(flag)!r}):
        time.sleep(0.05)
"""


def counted(asked: str, *clients: Client) -> list[int]:
    """The numbers of such a cell, as these connections of one client heard them one after the other."""
    heard = [message for client in clients for message in client.heard if message["parent"] == asked]
    texts = [message["content"].get("text") or message["content"].get("data", {}).get("text/plain", "") for message in heard]
    return [int(number) for number in "".join(texts).split()]


async def hear_until_held(asked: str, client: Client) -> None:
    """Goes on until such a cell waits."""
    while not client.printed(asked).endswith(f"{HELD}\n"):
        await client.hear()


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
            await client.hear_printed(asked, "on")
            (process,) = gateway.roles(role)
            process.kill()
            gateway.wait_for_role(role, 1, without={process.pid})
            # Answered by the session itself: whoever replaces a host hears it again.
            await client.hear_until("kernel_info_reply", await client.send("kernel_info_request", {}, channel="control"))
            flag.touch()
            assert (await client.hear_out(asked))["status"] == "ok", role
            assert client.printed(asked).endswith("done\n"), role
            # A new host says in front of the next cell that it is one.
            assert (await client.run("print(x)"))[1].endswith("7\n"), role
            assert [kernel["id"] for kernel in await gateway.call("GET", "/kernels")] == [kernel_id], role


async def test_a_client_of_a_killed_worker_misses_nothing_and_hears_nothing_twice(gateway: RunningGateway, kernel_id: str) -> None:
    flag = gateway.root / "worker"
    async with gateway.connect(kernel_id, session_id="mine") as client:
        await client.run("1")
        asked = await client.send("execute_request", execute_content(counting(flag)))
        await hear_until_held(asked, client)
        # Answered behind the last message: by then the worker has put down that it has left.
        await gateway.call("GET", "/kernels")
        (worker,) = gateway.roles("worker")
        worker.kill()
        await client.hear_the_end()
    flag.touch()
    gateway.wait_for_role("worker", 1, without={worker.pid})
    async with gateway.connect(kernel_id, session_id="mine") as again:
        await again.hear_out(asked)
    assert counted(asked, client, again) == [*range(NUMBERS)]


@pytest.mark.parametrize("killed", ["guardian", "everybody"])
async def test_a_gateway_after_a_killed_one_finds_kernels_and_sessions_and_each_client_what_it_lacks(
    killed: str, gateway: RunningGateway, kernel_id: str
) -> None:
    wanted = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    running = session["kernel"]["id"]
    flag = gateway.root / killed
    kernels = await known_kernels(gateway)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(gateway.connect(running, session_id="first"))
        second = await stack.enter_async_context(gateway.connect(running, session_id="second", framing="legacy"))
        other = await stack.enter_async_context(gateway.connect(kernel_id))
        if killed == "everybody":
            assert (await other.run("%%ai hello"))[0]["status"] == "ok"
        await other.run("y = 9")
        await second.run("1")
        async with gateway.connect(running, session_id="away") as away:
            await away.run("x = 8")
            gone = gateway.root / f"{killed} and gone"
            code = f"import os, time\nwhile not os.path.exists({str(gone)!r}): time.sleep(0.05)\nprint('for who is away')"
            unread = await away.send("execute_request", execute_content(code))
        gone.touch()
        await first.hear_idle(unread)
        asked = await first.send("execute_request", execute_content(counting(flag)))
        await hear_until_held(asked, first)
        await hear_until_held(asked, second)
        # Answered behind the last message: by then the worker has put down that it has left.
        await gateway.call("GET", "/kernels")
        kill(gateway, killed)
        await first.hear_the_end()
        await second.hear_the_end()
    gateway.start("--keep-kernels")
    assert [(found["id"], found["path"], found["kernel"]["id"]) for found in await gateway.call("GET", "/sessions")] == [
        (session["id"], "a.ipynb", running)
    ]
    assert await known_kernels(gateway) == kernels
    async with AsyncExitStack() as stack:
        comers = [
            await stack.enter_async_context(gateway.connect(running, session_id=client.session_id, framing=client.framing))
            for client in (first, second, away)
        ]
        # Answered by the session itself: whoever replaces a host hears it again.
        await comers[0].hear_until("kernel_info_reply", await comers[0].send("kernel_info_request", {}, channel="control"))
        flag.touch()
        assert (await comers[0].hear_out(asked))["status"] == "ok"
        for former, client in zip((first, second, away), comers, strict=True):
            await client.hear_idle(asked)
            assert counted(asked, former, client) == [*range(NUMBERS)], former.session_id
        assert (await comers[2].hear_out(unread))["status"] == "ok"
        assert printed(away, comers[2], parent=unread) == "for who is away\n"
        assert (await comers[1].run("print(x)"))[1].endswith("8\n")
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("print(y)"))[1].endswith("9\n")
    await gateway.call("DELETE", f"/sessions/{session['id']}")


def kill(gateway: RunningGateway, who: str) -> None:
    """Kill -9 of the guardian, or of all processes of a gateway with it; what only belongs to a session lives on."""
    roles = ("registry", "host", "worker", "agent-host") if who == "everybody" else ()
    found = [gateway.roles(role) for role in roles]
    assert all(found)
    for pid in (gateway.pid, *(process.pid for processes in found for process in processes)):
        with suppress(ProcessLookupError):  # it leaves by itself where it sees the guardian go first
            os.kill(pid, signal.SIGKILL)
    gateway.end(signal.SIGKILL)


async def test_a_gateway_with_another_number_of_workers_has_all_kernels_variables_and_sessions(
    gateway: RunningGateway, kernel_id: str
) -> None:
    assert gateway.end() == 0
    gateway.start("--keep-kernels", "--workers", "3")
    wanted = {"path": "b.ipynb", "name": "b", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    more = [session["kernel"]["id"], await gateway.start_kernel()]
    kernels = await known_kernels(gateway)
    assert [*kernels] == [kernel_id, *more]
    # By now each host has one.
    for number, each in enumerate(kernels):
        async with gateway.connect(each) as client:
            assert (await client.run(f"place = {number}"))[0]["status"] == "ok"
    kill(gateway, "guardian")
    gateway.start("--keep-kernels", "--workers", "2")  # the next test goes back to one
    assert len(gateway.roles("host")) == len(gateway.roles("worker")) == 2
    assert await known_kernels(gateway) == kernels
    assert [(each["id"], each["kernel"]["id"]) for each in await gateway.call("GET", "/sessions")] == [(session["id"], more[0])]
    for number, each in enumerate(kernels):
        async with gateway.connect(each) as client:
            assert (await client.run("print(place)"))[1].endswith(f"{number}\n"), number
    for each in more:
        await gateway.call("DELETE", f"/kernels/{each}")


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
