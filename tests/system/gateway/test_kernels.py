"""Kernels as clients of the running gateway have them: started, listed, asked, interrupted, restarted, ended."""

import asyncio
import resource
from collections.abc import Iterator

import pytest

from tests.kit.running_gateway import PATIENCE_S, RunningGateway, execute_content
from tests.system.gateway.conftest import DESCRIPTORS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

ADDED_UP = ("beaker_websockets{", "beaker_host_connections{", "beaker_kernels{", "beaker_messages_total{")

LINUX_MOST = 1_048_576
"""Descriptors of a process, where the system names no limit."""


@pytest.fixture(scope="module")
def kernel_id(gateway: RunningGateway) -> Iterator[str]:
    """One that all tests may have which leave it as it is."""
    kernel_id = asyncio.run(gateway.start_kernel())
    yield kernel_id
    asyncio.run(gateway.call("DELETE", f"/kernels/{kernel_id}"))


async def test_two_clients_of_a_kernel_both_hear_what_it_prints_and_one_gets_the_reply(gateway: RunningGateway, kernel_id: str) -> None:
    async with gateway.connect(kernel_id) as first, gateway.connect(kernel_id, framing="legacy") as second:
        await second.run("1")
        asked = await first.send("execute_request", execute_content("print('both')"))
        await first.hear_out(asked)
        await second.hear_idle(asked)
        assert second.printed(asked) == "both\n"
        await second.run("2")  # behind which nothing comes of what was before
        assert [message["kind"] for message in second.heard].count("execute_reply") == 2


async def test_two_clients_whose_cells_run_in_turn_see_one_order(gateway: RunningGateway, kernel_id: str) -> None:
    """FAULTS 38: of what is told to all, and whoever asked."""
    async with gateway.connect(kernel_id) as first, gateway.connect(kernel_id, framing="legacy") as second:
        clients = (first, second)
        for client in clients:
            await client.run("import sys")
        code = "print('{0}', flush=True)\nprint('{0}', file=sys.stderr, flush=True)\ndisplay('{0}')\n'{0}'"
        asked = [await clients[n % 2].send("execute_request", execute_content(code.format(n))) for n in range(20)]
        for number, msg_id in enumerate(asked):
            assert (await clients[number % 2].hear_out(msg_id))["status"] == "ok"
        seen = []
        for client in clients:
            for msg_id in asked:  # two sockets of two workers: which cell is the last is not said by who was sent last
                await client.hear_idle(msg_id)
            told = [each for each in client.heard if each["channel"] == "iopub" and each["parent"] in asked]
            seen.append([(each["parent"], each["kind"], each["content"]) for each in told])
        assert seen[0] == seen[1]
        assert sorted(msg_id for msg_id, kind, _ in seen[0] if kind == "execute_result") == sorted(asked)


async def test_a_kernel_is_started_runs_cells_is_interrupted_restarted_and_ended(gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    assert kernel_id in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("x = 1\nprint(6 * 7)"))[1] == "42\n"
        asked = await client.send("execute_request", execute_content("print('on', flush=True)\nimport time\ntime.sleep(600)"))
        await client.hear_printed(asked, "on")
        await gateway.call("POST", f"/kernels/{kernel_id}/interrupt")
        assert (await client.hear_until("execute_reply", asked))["content"]["ename"] == "KeyboardInterrupt"
        restarted = await gateway.call("POST", f"/kernels/{kernel_id}/restart")
        assert restarted["id"] == kernel_id
        reply, _ = await client.run("x")
        assert reply["ename"] == "NameError"
    await gateway.call("DELETE", f"/kernels/{kernel_id}")
    assert kernel_id not in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]
    assert await gateway.status("GET", f"/kernels/{kernel_id}") == 404


async def test_a_session_binds_a_document_to_a_kernel_and_any_worker_answers_for_any_of_them(
    gateway: RunningGateway, kernel_id: str
) -> None:
    wanted = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    again = await gateway.call("POST", "/sessions", wanted)
    assert (again["id"], again["kernel"]["id"]) == (session["id"], session["kernel"]["id"])
    moved = await gateway.call("PATCH", f"/sessions/{session['id']}", {"path": "b.ipynb"})
    assert (moved["path"], moved["kernel"]["id"]) == ("b.ipynb", session["kernel"]["id"])
    lists = await asyncio.gather(*(gateway.call("GET", "/kernels") for _ in range(9)))
    assert all({kernel["id"] for kernel in listed} >= {kernel_id, session["kernel"]["id"]} for listed in lists)
    await gateway.call("DELETE", f"/sessions/{session['id']}")
    assert session["id"] not in [listed["id"] for listed in await gateway.call("GET", "/sessions")]
    assert session["kernel"]["id"] not in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]


async def test_a_cell_may_have_as_many_descriptors_open_as_the_user_and_the_gateway_as_the_system_allows(
    gateway: RunningGateway, kernel_id: str
) -> None:
    async with gateway.connect(kernel_id) as client:
        _, printed = await client.run("import resource\nprint(*resource.getrlimit(resource.RLIMIT_NOFILE))")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert printed == f"{DESCRIPTORS} {hard}\n"
    raised = LINUX_MOST if hard == resource.RLIM_INFINITY else hard
    assert f" each process having {raised} descriptors\n" in gateway.printed
    roles = [process for role in ("registry", "host", "worker") for process in gateway.roles(role)]
    assert {process.rlimit(resource.RLIMIT_NOFILE) for process in roles} == {(raised, hard)}


async def test_one_scrape_shows_all_processes_whichever_worker_it_reaches(gateway: RunningGateway, kernel_id: str) -> None:
    kernels = len(await gateway.call("GET", "/kernels"))
    wanted = {"beaker_websockets{": 1, "beaker_host_connections{": 1, "beaker_kernels{": kernels}
    async with gateway.connect(kernel_id) as client, gateway.http() as http:
        await client.run("1")
        async with asyncio.timeout(PATIENCE_S):
            # Clients of tests before are counted until their workers have noticed that they left.
            while True:
                async with http.get("/metrics") as answer:
                    lines = (await answer.text()).splitlines()
                roles = [role for role in ("registry", "host", "worker", "agent-host") for _ in gateway.roles(role)]
                ups = [line[-1] for line in lines if line.startswith("beaker_up{")]
                counted = {name: sum(float(line.split()[-1]) for line in lines if line.startswith(name)) for name in ADDED_UP}
                if ups == ["1"] * len(["guardian", *roles]) and counted == counted | wanted:
                    break
                await client.run("1")
    assert counted["beaker_messages_total{"] > 0
    memory = {line.split()[0].partition("{")[2]: float(line.split()[1]) for line in lines if line.startswith("beaker_process_resident")}
    shares = {line.split()[0].partition("{")[2]: float(line.split()[1]) for line in lines if line.startswith("beaker_process_prop")}
    assert len(shares) >= len(roles)  # not of the guardian, where another user than root runs it
    assert all(1_000_000 < share < memory[process] * 1.5 for process, share in shares.items())
