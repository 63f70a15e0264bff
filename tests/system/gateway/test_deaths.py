"""Kill -9 of each part of a gateway: kernels, variables, running cells and sessions are there afterwards."""

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.kit.processes import lives
from tests.kit.running_gateway import PATIENCE_S, RunningGateway, environ_of, execute_content
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

Start = Callable[..., RunningGateway]


def printed_for(asked: str, heard: list[dict[str, Any]]) -> str:  # Any: JSON
    return "".join(message["content"]["text"] for message in heard if message["kind"] == "stream" and message["parent"] == asked)


@pytest.mark.parametrize("role", ["registry", "host"])
async def test_a_socket_lives_through_the_death_of_the_registry_or_a_host(role: str, start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0")
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 7")
        flag = gateway.root / "flag"
        code = f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)\nprint('done')"
        asked = await client.send("execute_request", execute_content(code))
        await client.hear_until("stream", asked)
        (process,) = gateway.roles(role)
        process.kill()
        gateway.wait_for_role(role, 1, without={process.pid})
        # Answered by the session itself: whoever replaces a host hears it again.
        await client.hear_until("kernel_info_reply", await client.send("kernel_info_request", {}, channel="control"))
        flag.touch()
        await client.hear_until("stream", asked, text="done\n")
        assert (await client.hear_until("execute_reply", asked))["content"]["status"] == "ok"
        # A new host says in front of the next cell that it is one.
        assert (await client.run("print(x)"))[1].endswith("7\n")
    assert [kernel["id"] for kernel in await gateway.call("GET", "/kernels")] == [kernel_id]


async def test_a_client_of_a_killed_worker_misses_nothing_and_hears_nothing_twice(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0")
    kernel_id = await gateway.start_kernel()
    flag = gateway.root / "flag"
    async with gateway.connect(kernel_id, session_id="mine") as client:
        await client.run("1")
        code = f"import os, time\nfor n in range(40):\n    print(n, flush=True)\n    while n == 19 and not os.path.exists({str(flag)!r}):\n"
        asked = await client.send("execute_request", execute_content(code + "        time.sleep(0.05)"))
        while not printed_for(asked, client.heard).endswith("19\n"):
            await client.hear()
        # Answered behind the last message: by then the worker has put down that it has left.
        await gateway.call("GET", "/kernels")
        (worker,) = gateway.roles("worker")
        worker.kill()
        await client.hear_the_end()
    flag.touch()
    gateway.wait_for_role("worker", 1, without={worker.pid})
    async with gateway.connect(kernel_id, session_id="mine") as again:
        await again.hear_until("execute_reply", asked)
        heard = [*client.heard, *again.heard]
    assert printed_for(asked, heard).split() == [str(n) for n in range(40)]


async def test_a_gateway_after_a_killed_one_finds_kernels_sessions_and_the_cell_that_runs(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0", "--workers", "2")
    wanted = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    running, idle = session["kernel"]["id"], await gateway.start_kernel()
    flag = gateway.root / "flag"
    async with gateway.connect(running, session_id="mine") as client, gateway.connect(idle) as other:
        await client.run("x = 7")
        await other.run("y = 8")
        kernels = await known_kernels(gateway)
        code = f"print('on', flush=True)\nimport os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.05)\nprint('done', x)"
        asked = await client.send("execute_request", execute_content(code))
        await client.hear_until("stream", asked)
        gateway.end(signal.SIGKILL)
        await client.hear_the_end()
    gateway.options = ("--port", str(gateway.port), "--workers", "2")
    gateway.start()
    assert [(found["id"], found["path"], found["kernel"]["id"]) for found in await gateway.call("GET", "/sessions")] == [
        (session["id"], "a.ipynb", running)
    ]
    assert await known_kernels(gateway) == kernels
    async with gateway.connect(running, session_id="mine") as client, gateway.connect(idle) as other:
        assert (await other.run("print(y)"))[1].endswith("8\n")
        flag.touch()
        reply = await client.hear_until("execute_reply", asked)
        await client.hear_until("status", asked, execution_state="idle")
        assert (reply["content"]["status"], printed_for(asked, client.heard)[-7:]) == ("ok", "done 7\n")
        assert (await client.run("print(x)"))[1].endswith("7\n")


async def known_kernels(gateway: RunningGateway) -> dict[str, str]:
    """Names of all kernels, by their ids."""
    return {kernel["id"]: kernel["name"] for kernel in await gateway.call("GET", "/kernels")}


async def test_kernels_end_with_the_gateway_and_all_processes_with_them(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0", "--workers", "2")
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        _, printed = await client.run("import os\nprint(os.getpid())")
    everybody = [*psutil.Process(gateway.pid).children(recursive=True), psutil.Process(int(printed))]
    assert gateway.end() == 0
    wait_until(lambda: not any(map(lives, everybody)), timeout_s=PATIENCE_S, what="the end of all processes")
    assert gateway.complaints == ""


async def test_kernels_are_kept_for_the_next_gateway_where_that_is_wanted(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0", "--keep-kernels")
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 7")
    roles = [each.pid for role in ("registry", "host", "worker") for each in gateway.roles(role)]
    left = [child for child in psutil.Process(gateway.pid).children(recursive=True) if child.pid not in roles]
    assert gateway.end() == 0
    # As `| tee` would wait for whoever keeps its pipe open.
    names = {os.readlink(entry.path) for each in left if lives(each) for entry in os.scandir(f"/proc/{each.pid}/fd")}
    assert names, "nobody was kept"
    assert not names & {str(gateway.folder / name) for name in ("printed", "errors")}
    gateway.options = ("--port", str(gateway.port))
    gateway.start()
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("print(x)"))[1].endswith("7\n")


async def test_a_hangup_replaces_workers_and_touches_no_kernel(start_gateway: Start) -> None:
    gateway = start_gateway("--port", "0", "--workers", "2")
    kernel_id = await gateway.start_kernel()
    hosts = {host.pid for host in gateway.roles("host")}
    workers = {worker.pid for worker in gateway.roles("worker")}
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 7")
        os.kill(gateway.pid, signal.SIGHUP)
        gateway.wait_for_role("worker", 2, without=workers)
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("print(x)"))[1] == "7\n"
    assert {host.pid for host in gateway.roles("host")} == hosts


async def test_it_listens_on_this_machine_alone_and_shows_no_token(start_gateway: Start) -> None:
    canary = "canary-0123456789abcdef"
    gateway = start_gateway("--port", "0", BEAKER_GATEWAY_TOKEN=canary, OPENAI_API_KEY=f"sk-{canary}")
    assert canary not in gateway.printed
    gateway.token = canary
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        _, printed = await client.run("import os\nprint(os.getpid(), sorted(os.environ.items()))")
    everybody = [
        psutil.Process(gateway.pid),
        *psutil.Process(gateway.pid).children(recursive=True),
        psutil.Process(int(printed.split()[0])),
    ]
    for process in everybody:
        assert canary not in " ".join(process.cmdline())
        for connection in process.net_connections("inet"):
            assert connection.status != psutil.CONN_LISTEN or connection.laddr.ip == "127.0.0.1"
    for process in everybody[1:]:
        assert canary.encode() not in environ_of(process)
    assert canary not in printed
    assert gateway.end() == 0
    assert canary not in gateway.logs + gateway.complaints
