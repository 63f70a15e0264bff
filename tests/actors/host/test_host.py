"""A kernel host with real kernels behind it and a worker that the tests play before it.

The host is shared; each test has clients of its own, and a kernel of its own where it ends or restarts one.
"""

import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from actors.runtime.failures import AskFailed
from beaker.messages.host import (
    End,
    EndBegun,
    EndUnused,
    HostFailure,
    InterruptKernel,
    KernelStanding,
    ListStandings,
    RestartKernel,
    Standings,
)
from beaker.messages.registry import KernelEnded
from beaker.wire.websocket import WebsocketChannel
from tests.actors.host.kit import Client, HostStage, host_stage
from tests.kit.running_kernel import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("host"), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[HostStage]:
    root = Path(tempfile.mkdtemp(prefix="bh", dir="/tmp"))
    async with host_stage(root) as made:
        yield made
    shutil.rmtree(root, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(stage: HostStage) -> str:
    """A kernel that stays."""
    return await stage.serve()


@pytest_asyncio.fixture(loop_scope="module")
async def client(stage: HostStage, kernel: str) -> Client:
    return await stage.worker.client(kernel)


async def standing(stage: HostStage, kernel: str) -> KernelStanding:
    told: Standings = await stage.worker.ask(ListStandings())
    return next(each for each in told.kernels if each.kernel_id == kernel)


async def test_a_cell_runs_in_the_notebooks_folder(stage: HostStage, client: Client) -> None:
    assert await client.result("import os; print(os.getcwd(), os.environ['KERNEL_USERNAME'])") == f"{stage.notebooks} somebody\n"


async def test_a_cell_is_interrupted(stage: HostStage, kernel: str, client: Client) -> None:
    cell = client.run("import time\nprint('on', flush=True)\nwhile True: time.sleep(0.05)")
    await client.first("stream", cell)
    at_work = await standing(stage, kernel)
    await stage.worker.ask(InterruptKernel(kernel_id=kernel))
    assert (await client.reply(cell))["ename"] == "KeyboardInterrupt"
    rests = await standing(stage, kernel)
    assert (at_work.execution_state, at_work.at_work) == ("busy", True)
    assert (rests.execution_state, rests.at_work) == ("idle", False)
    assert rests.connections >= 1


async def test_input_is_asked_of_the_client_whose_cell_it_is(stage: HostStage, kernel: str, client: Client) -> None:
    other = await stage.worker.client(kernel)
    cell = client.run("print(input('name? '))")
    asked = await client.first("input_request", cell)
    client.say("input_reply", {"value": "Ada"}, channel="stdin")
    await client.reply(cell)
    assert (asked.channel, asked.content["prompt"], client.printed(cell)) == ("stdin", "name? ", "Ada\n")
    await other.until(lambda: other.printed(cell))
    assert {each.channel for each in other.about(cell)} == {"iopub"}


async def test_a_comm_carries_its_buffers_both_ways(client: Client) -> None:
    await client.result(
        "def opened(comm, message):\n"
        "    comm.on_msg(lambda m: comm.send({'n': 1}, buffers=[bytes(m['buffers'][0])[::-1]]))\n"
        "get_ipython().kernel.comm_manager.register_target('t', opened)"
    )
    client.say("comm_open", {"comm_id": "c1", "target_name": "t", "data": {}})
    asked = client.say("comm_msg", {"comm_id": "c1", "data": {}}, buffers=(bytes(range(256)),))
    answer = await client.first("comm_msg", asked)
    assert answer.buffers == [bytes(range(255, -1, -1))]


async def test_twenty_megabytes_arrive_whole(client: Client) -> None:
    cell = client.run("for n in range(20): print(str(n % 10) * 1_000_000)")
    await client.reply(cell)
    assert client.printed(cell) == "".join(str(n % 10) * 1_000_000 + "\n" for n in range(20))


async def test_a_question_is_answered_by_the_demo_model(stage: HostStage, client: Client) -> None:
    (stage.notebooks / "note.txt").write_text("a note")
    await client.result("answer = 42")
    cell = client.run("%%ai\nwhat variables are there?")
    assert (await client.reply(cell))["status"] == "ok"
    shown = [each for each in client.about(cell) if "display" in each.kind]
    assert "answer" in shown[-1].content["data"]["text/markdown"]
    completed = client.say("complete_request", {"code": "%%ai @file:n", "cursor_pos": 12})
    assert any("note.txt" in match for match in (await client.reply(completed))["matches"])


async def test_the_log_of_the_host_names_the_kernel_on_its_lines(stage: HostStage, kernel: str, client: Client) -> None:
    cell = client.run("1")
    await client.reply(cell)
    assert stage.host is not None
    log = stage.logs / f"host-{stage.host.pid}.jsonl"

    def lines() -> list[dict[str, Any]]:  # Any: JSON
        whole = log.read_text().rpartition("\n")[0]
        return [line for line in map(json.loads, whole.splitlines()) if line.get("trace") == cell]

    (about,) = wait_until(lines, what="the line of a cell that is answered")
    assert (about["event"], about["role"], about["kernel"]) == ("cell.replied", "kernel", kernel)


async def test_a_client_that_comes_back_gets_what_it_missed(stage: HostStage, kernel: str, client: Client) -> None:
    other = await stage.worker.client(kernel)
    cell = client.run("import time\nfor n in range(5): print(n, flush=True); time.sleep(0.05)")
    await client.first("stream", cell)
    stage.worker.close(client)
    await other.until(lambda: other.printed(cell).endswith("4\n"))
    again = await stage.worker.client(kernel, client.session)
    await again.until(lambda: any(each.kind == "execute_reply" for each in again.about(cell)))
    assert client.printed(cell) + again.printed(cell) == "0\n1\n2\n3\n4\n"


async def test_a_worker_whose_link_is_cut_misses_nothing(stage: HostStage, kernel: str) -> None:
    worker = await stage.another_worker()
    client = await worker.client(kernel)
    cell = client.run("import time\nfor n in range(40): print(str(n) * 20_000, flush=True); time.sleep(0.01)")
    await client.first("stream", cell)
    assert worker.link is not None
    worker.link.abort("the test pulled the plug")
    await worker.rejoin()
    await client.reply(cell)
    assert client.printed(cell) == "".join(str(n) * 20_000 + "\n" for n in range(40))


async def test_what_has_not_left_for_a_client_comes_to_its_next_websocket(stage: HostStage, kernel: str) -> None:
    worker = await stage.another_worker()
    client = await worker.client(kernel)
    assert await client.result("print('seen')") == "seen\n"
    client.takes = False
    cell = client.run("print('on its way')")
    await client.reply(cell)
    await worker.stop()  # killed: what lay in its memory is gone
    again = await stage.worker.client(kernel, client.session)
    await again.reply(cell)
    assert again.printed(cell) == "on its way\n"
    assert not any("seen" in str(each.content) for each in again.heard)


async def test_a_second_websocket_of_a_session_takes_its_place(stage: HostStage, kernel: str, client: Client) -> None:
    worker = await stage.another_worker()
    second = await worker.client(kernel, client.session)
    await client.until(lambda: client.superseded)
    cell = second.run("print('here')")
    await second.reply(cell)
    assert (second.printed(cell), client.about(cell)) == ("here\n", [])


async def test_what_cannot_be_a_message_is_dropped(client: Client) -> None:
    client.send([])
    client.send([b"x", b"{}", b"{}", b"{}"])
    client.send([b'{"msg_id": 1}', b"{}", b"{}", b"{}"])
    client.send([b'{"msg_id": "m"}', b"{}", b"{}", b"{}"])
    client.send([b'{"msg_id": "m", "msg_type": "execute_request"}', b"{}", b"{}", b"\xff"])
    client.send([b'{"msg_id": "m", "msg_type": "execute_request"}', b"{}", b"{}", b"{}"], "iopub")
    assert await client.result("print('still here')") == "still here\n"


async def test_a_restart_gives_a_fresh_session_to_the_websockets_that_are_open(stage: HostStage) -> None:
    kernel = await stage.serve()
    client = await stage.worker.client(kernel)
    await client.result("x = 1\nimport atexit\natexit.register(lambda: open('left', 'w').close())")
    await stage.worker.ask(RestartKernel(kernel_id=kernel))
    assert await client.result("x") == "NameError"
    assert (stage.notebooks / "left").exists()
    states = [each.content["execution_state"] for each in client.heard if each.kind == "status" and not each.parent]
    # As behind a Jupyter server: `restarting` is a kernel that has died.
    assert "restarting" not in states
    assert states[-2:] == ["starting", "idle"]


@pytest.mark.parametrize("channel", ["control", "shell"])
async def test_a_client_that_ends_its_kernel_to_have_it_again_gets_a_fresh_session(stage: HostStage, channel: WebsocketChannel) -> None:
    kernel = await stage.serve()
    client = await stage.worker.client(kernel)
    await client.result("x = 1")
    asked = client.say("shutdown_request", {"restart": True}, channel=channel)
    assert (await client.reply(asked))["restart"] is True
    assert await client.result("x") == "NameError"
    assert client.over == ""


async def test_a_supervisor_that_is_replaced_costs_a_running_cell_nothing(stage: HostStage) -> None:
    serve = stage.launch()
    await stage.ask(serve)
    client = await stage.worker.client(serve.kernel.kernel_id)
    cell = client.run("import time, os\nx = 1\nprint('on', flush=True)\nwhile not os.path.exists('on'): time.sleep(0.02)")
    await client.first("stream", cell)
    await stage.kill_supervisor(serve)
    stage.fork_supervisor(serve)
    (stage.notebooks / "on").touch()
    assert (await client.reply(cell))["status"] == "ok"
    await stage.worker.ask(RestartKernel(kernel_id=serve.kernel.kernel_id))
    assert await client.result("x") == "NameError"


async def test_a_worker_that_takes_nothing_for_a_while_gets_everything_afterwards(stage: HostStage, kernel: str) -> None:
    worker = await stage.another_worker()
    client = await worker.client(kernel)
    other = await stage.worker.client(kernel)
    assert worker.link is not None
    assert stage.host is not None
    process = psutil.Process(stage.host.pid)
    before = process.memory_info().rss
    worker.link.transport.pause_reading()
    cell = other.run("for n in range(100): print(str(n % 10) * 500_000, flush=True)")
    await other.reply(cell)
    grown = process.memory_info().rss - before
    worker.link.transport.resume_reading()
    await client.until(lambda: any(each.content.get("execution_state") == "idle" for each in client.about(cell)))
    assert client.printed(cell) == other.printed(cell)
    assert grown < 40_000_000


async def test_a_kernel_ends_for_the_registry(stage: HostStage) -> None:
    kernel = await stage.serve()
    client = await stage.worker.client(kernel)
    await client.result("1")
    await stage.ask(End(kernel_id=kernel))
    await client.until(lambda: client.over)
    with pytest.raises(AskFailed) as refused:
        await stage.worker.ask(InterruptKernel(kernel_id=kernel))
    assert isinstance(refused.value.failure, HostFailure)
    assert refused.value.failure.kind == "unknown_kernel"


async def test_a_kernel_ends_for_want_of_use_only_if_nobody_has_come_since_it_was_seen(stage: HostStage) -> None:
    kernel = await stage.serve()
    client = await stage.worker.client(kernel)
    await client.result("1")
    seen = await standing(stage, kernel)

    async def refusal(last_activity: float) -> str:
        with pytest.raises(AskFailed) as refused:
            await stage.ask(EndUnused(kernel_id=kernel, last_activity=last_activity))
        assert isinstance(refused.value.failure, HostFailure)
        return refused.value.failure.kind

    assert await refusal(seen.last_activity) == "in_use", "somebody is connected"
    cell = client.run("import time, os\nprint('on', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.02)")
    await client.first("stream", cell)
    stage.worker.close(client)
    while (busy := await standing(stage, kernel)).connections:
        continue  # that it has left is said on another lane than what is asked
    assert await refusal(busy.last_activity) == "in_use", "a cell runs"
    (stage.notebooks / "go").touch()
    while (seen := await standing(stage, kernel)).at_work:
        continue
    assert await refusal(busy.last_activity) == "in_use", "something was done"
    ends = False
    while not ends:  # its last messages are on their way yet
        seen = await standing(stage, kernel)
        with suppress(AskFailed):
            ends = await stage.ask(EndUnused(kernel_id=kernel, last_activity=seen.last_activity)) == EndBegun()
    while any(each.kernel_id == kernel for each in (await stage.worker.ask(ListStandings())).kernels):
        continue


async def test_a_kernel_that_a_client_ends_is_told_to_the_registry(stage: HostStage) -> None:
    kernel = await stage.serve()
    client = await stage.worker.client(kernel)
    await client.result("1")
    asked = client.say("shutdown_request", {"restart": False}, channel="control")
    assert (await client.reply(asked))["status"] == "ok"
    await client.until(lambda: client.over)
    assert (await stage.registry.expect(KernelEnded)).kernel_id == kernel


async def test_a_client_may_come_before_its_kernel(stage: HostStage) -> None:
    kernel = "11111111-2222-4333-8444-555555555555"
    client = stage.worker.open(kernel)
    await stage.serve(kernel)
    await client.until(lambda: client.opened and client.live)
    assert await client.result("print(1)") == "1\n"


async def test_sessions_outlive_a_host_that_is_killed_while_a_cell_runs(stage: HostStage) -> None:
    async with host_stage(stage.root / "k") as own:
        kernel = await own.serve()
        client = await own.worker.client(kernel)
        await client.result("x = 41")
        cell = client.run("import time, os\nprint('on', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.02)\nprint('late')")
        await client.first("stream", cell)
        await own.kill_host()
        await own.start_host()
        await own.worker.rejoin()
        await own.ask(own.kernels[0])
        asked = client.say("kernel_info_request", {}, channel="control")
        await client.first("kernel_info_reply", asked)  # until then a reply to the cell would be heard by nobody
        (own.notebooks / "go").touch()
        assert (await client.reply(cell))["status"] == "ok"
        assert client.printed(cell).endswith("late\n")
        assert (await client.result("print(x + 1)")).endswith("42\n")


async def test_the_end_of_a_cell_that_neither_host_nor_worker_has_brought_to_its_client_comes_from_the_next_host(stage: HostStage) -> None:
    async with host_stage(stage.root / "b") as own:
        kernel = await own.serve()
        client, other = await own.worker.client(kernel), await own.worker.client(kernel)
        client.takes = False  # what it hears from here on is with a worker that dies
        cell = client.run("print(7)")
        await client.reply(cell)
        own.worker.close(other)  # so that the host is done with the reply, and knows where the others are
        heard = len(client.about(cell))
        await own.kill_host()
        own.worker.clients.remove(client)
        await own.start_host()
        await own.worker.connect()
        await own.ask(own.kernels[0])
        following = await own.worker.client(kernel, client.session)
        assert (await following.reply(cell))["status"] == "ok"
        assert (following.printed(cell), len(following.about(cell))) == ("7\n", heard)
        again = await own.worker.client(kernel, client.session)
        await again.result("1")
        assert again.about(cell) == [], "it had it"


async def test_a_host_that_is_told_to_leave_leaves_its_sessions(stage: HostStage) -> None:
    async with host_stage(stage.root / "t") as own:
        kernel = await own.serve()
        client = await own.worker.client(kernel)
        await client.result("x = 41")
        assert own.host is not None
        own.host.send_signal(signal.SIGTERM)
        assert (await own.host.exited).status == 0
        await own.start_host()
        await own.worker.rejoin()
        await own.ask(own.kernels[0])
        assert (await client.result("print(x + 1)")).endswith("42\n")
