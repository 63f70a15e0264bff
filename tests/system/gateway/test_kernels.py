"""Kernels as clients of the running gateway have them: started, listed, asked, interrupted, restarted, ended."""

import asyncio
import resource

import pytest

from tests.kit.running_gateway import Framing, RunningGateway, execute_content
from tests.system.gateway.conftest import DESCRIPTORS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

ADDED_UP = ("beaker_websockets{", "beaker_host_connections{", "beaker_kernels{", "beaker_messages_total{")


@pytest.mark.parametrize("framing", ["v1", "legacy"])
async def test_a_kernel_is_started_runs_cells_and_is_ended(framing: Framing, gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    assert kernel_id in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]
    async with gateway.connect(kernel_id, framing=framing) as client:
        reply, printed = await client.run("print(6 * 7)")
    assert (reply["status"], printed) == ("ok", "42\n")
    await gateway.call("DELETE", f"/kernels/{kernel_id}")
    assert kernel_id not in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]
    assert await gateway.status("GET", f"/kernels/{kernel_id}") == 404


async def test_two_clients_of_a_kernel_both_hear_what_it_prints_and_one_gets_the_reply(gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as first, gateway.connect(kernel_id, framing="legacy") as second:
        await second.run("1")
        await first.run("print('both')")
        heard = await second.hear_until("stream")
        assert heard["content"]["text"] == "both\n"
        await second.hear_until("status", execution_state="idle")
        assert [message["kind"] for message in second.heard].count("execute_reply") == 1
    await gateway.call("DELETE", f"/kernels/{kernel_id}")


async def test_a_kernel_that_is_interrupted_stops_its_cell_and_one_that_is_restarted_forgets(gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        await client.run("x = 1")
        asked = await client.send("execute_request", execute_content("print('on', flush=True)\nimport time\ntime.sleep(600)"))
        await client.hear_until("stream", asked)
        await gateway.call("POST", f"/kernels/{kernel_id}/interrupt")
        assert (await client.hear_until("execute_reply", asked))["content"]["ename"] == "KeyboardInterrupt"
        restarted = await gateway.call("POST", f"/kernels/{kernel_id}/restart")
        assert restarted["id"] == kernel_id
        reply, _ = await client.run("x")
        assert reply["ename"] == "NameError"
    await gateway.call("DELETE", f"/kernels/{kernel_id}")


async def test_a_session_binds_a_document_to_a_kernel(gateway: RunningGateway) -> None:
    wanted = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
    session = await gateway.call("POST", "/sessions", wanted)
    again = await gateway.call("POST", "/sessions", wanted)
    assert (again["id"], again["kernel"]["id"]) == (session["id"], session["kernel"]["id"])
    moved = await gateway.call("PATCH", f"/sessions/{session['id']}", {"path": "b.ipynb"})
    assert (moved["path"], moved["kernel"]["id"]) == ("b.ipynb", session["kernel"]["id"])
    await gateway.call("DELETE", f"/sessions/{session['id']}")
    assert await gateway.call("GET", "/sessions") == []
    assert session["kernel"]["id"] not in [kernel["id"] for kernel in await gateway.call("GET", "/kernels")]


async def test_a_cell_may_have_as_many_descriptors_open_as_the_user(gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client:
        _, printed = await client.run("import resource\nprint(*resource.getrlimit(resource.RLIMIT_NOFILE))")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert printed == f"{DESCRIPTORS} {hard}\n"
    await gateway.call("DELETE", f"/kernels/{kernel_id}")


async def test_one_scrape_shows_all_processes_whichever_worker_it_reaches(gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    async with gateway.connect(kernel_id) as client, gateway.http() as http:
        await client.run("1")
        async with http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
    roles = {role: len(gateway.roles(role)) for role in ("registry", "host", "worker", "agent-host")} | {"guardian": 1}
    assert [line[-1] for line in lines if line.startswith("beaker_up{")] == ["1"] * sum(roles.values())
    counted = {name: sum(float(line.split()[-1]) for line in lines if line.startswith(name)) for name in ADDED_UP}
    assert (counted["beaker_websockets{"], counted["beaker_host_connections{"], counted["beaker_kernels{"]) == (1, 1, 1)
    assert counted["beaker_messages_total{"] > 0
    await gateway.call("DELETE", f"/kernels/{kernel_id}")


async def test_any_worker_answers_for_any_kernel(gateway: RunningGateway) -> None:
    kernel_ids = await asyncio.gather(*(gateway.start_kernel() for _ in range(3)))
    lists = await asyncio.gather(*(gateway.call("GET", "/kernels") for _ in range(9)))
    assert all({kernel["id"] for kernel in listed} >= {*kernel_ids} for listed in lists)
    await asyncio.gather(*(gateway.call("DELETE", f"/kernels/{kernel_id}") for kernel_id in kernel_ids))
