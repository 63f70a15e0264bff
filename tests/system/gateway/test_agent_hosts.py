"""Questions in kernels of a running gateway: one agent host has the conversations of all, and its death is the end of none."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import psutil
import pytest

from tests.kit.processes import words_of
from tests.kit.running_gateway import PATIENCE_S, Client, RunningGateway, environ_of, execute_content
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import STALL, Speak

pytestmark = pytest.mark.slow

Start = Callable[..., RunningGateway]
KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
async def endpoint() -> AsyncIterator[ScriptedEndpoint]:
    async with ScriptedEndpoint([Speak(text="well")]) as server:
        yield server


def started(start_gateway: Start, endpoint: ScriptedEndpoint, **variables: str) -> RunningGateway:
    return start_gateway("--port", "0", OPENAI_BASE_URL=endpoint.base_url, BEAKER_MODEL="scripted-1", OPENAI_API_KEY=KEY, **variables)


async def ask(client: Client, prompt: str) -> str:
    return await client.send("execute_request", execute_content(f"%%ai\n{prompt}"), cell_id="c")


async def answer(client: Client, asked: str) -> tuple[str, str]:
    """The status of a question's reply, or its error, and all that was shown of it."""
    reply = await client.hear_out(asked)
    kinds = ("display_data", "update_display_data")
    shown = [str(each["content"]["data"]) for each in client.heard if each["kind"] in kinds and each["parent"] == asked]
    return reply.get("evalue", "ok"), "\n".join(shown)


async def drawn(client: Client, asked: str, text: str) -> None:
    """Waits until so much of an answer is shown."""
    while text not in str([each["content"] for each in client.heard if each["parent"] == asked]):
        await client.hear()


async def two_kernels(gateway: RunningGateway, stack: AsyncExitStack) -> list[Client]:
    ids = await asyncio.gather(*(gateway.start_kernel() for _ in range(2)))
    clients = [await stack.enter_async_context(gateway.connect(kernel_id)) for kernel_id in ids]
    for client in clients:
        await client.run("1")
    return clients


async def test_two_kernels_that_ask_at_once_share_a_process_that_was_not_there_before(
    start_gateway: Start, endpoint: ScriptedEndpoint
) -> None:
    gateway = started(start_gateway, endpoint)
    async with AsyncExitStack() as stack:
        clients = await two_kernels(gateway, stack)
        assert gateway.roles("agent") == []
        asked = [await ask(client, f"why {number}?") for number, client in enumerate(clients)]
        assert [(await answer(client, each))[0] for client, each in zip(clients, asked, strict=True)] == ["ok", "ok"]
        (process,) = gateway.roles("agent")
        assert words_of(process) == "beaker --role agent-host --number 0"
        everybody = [psutil.Process(gateway.pid), *psutil.Process(gateway.pid).children(recursive=True)]
        assert not any(KEY.encode() in environ_of(each) or KEY in words_of(each) for each in everybody[1:])
    questions = [str(request.body["messages"]) for request in endpoint.requests]
    assert [sum(f"why {number}?" in each for each in questions) for number in range(2)] == [1, 1]
    assert {request.headers["Authorization"] for request in endpoint.requests} == {f"Bearer {KEY}"}
    assert KEY not in gateway.logs
    assert gateway.end() == 0
    assert gateway.complaints == ""


async def test_one_that_is_killed_in_the_middle_of_two_answers_is_told_in_both_and_the_next_questions_work(
    start_gateway: Start, endpoint: ScriptedEndpoint
) -> None:
    gateway = started(start_gateway, endpoint)
    endpoint.follow([STALL])
    async with AsyncExitStack() as stack:
        clients = await two_kernels(gateway, stack)
        asked = [await ask(client, "why?") for client in clients]
        for client, each in zip(clients, asked, strict=True):
            await drawn(client, each, "one two")
        (process,) = gateway.roles("agent")
        process.kill()
        endpoint.follow([Speak(text="well")])
        for client, each in zip(clients, asked, strict=True):
            told, shown = await answer(client, each)
            assert told == "the agent was restarted and this answer was cut; run the cell again to retry"
            assert "one two" in shown
            assert (await answer(client, await ask(client, "why?")))[0] == "ok"
            assert (await client.run("print(6 * 7)"))[1] == "42\n"
        (again,) = gateway.roles("agent")
        assert again.pid != process.pid


async def test_one_that_stands_still_is_told_and_killed_once_a_question_is_given_up(
    start_gateway: Start, endpoint: ScriptedEndpoint
) -> None:
    gateway = started(start_gateway, endpoint, BEAKER_KERNEL_AGENT_SILENCE_S="0.4")
    endpoint.follow([STALL])
    async with AsyncExitStack() as stack:
        clients = await two_kernels(gateway, stack)
        asked = [await ask(client, "why?") for client in clients]
        for client, each in zip(clients, asked, strict=True):
            await drawn(client, each, "one two")
        (process,) = gateway.roles("agent")
        os.kill(process.pid, signal.SIGSTOP)
        for client, each in zip(clients, asked, strict=True):
            await drawn(client, each, "the agent is not responding since")
            assert (await client.run("print(6 * 7)"))[1] == "42\n", "a shell waits for no agent"
        endpoint.follow([Speak(text="well")])
        await clients[0].send("interrupt_request", {}, channel="control")
        assert "one two" in (await answer(clients[0], asked[0]))[1]
        assert (await answer(clients[0], await ask(clients[0], "and now?")))[0] == "ok"
        told, _ = await answer(clients[1], asked[1])
        assert told == "the agent was restarted and this answer was cut; run the cell again to retry"
        gateway.wait_for_role("agent", 1, without={process.pid})


async def test_where_none_can_be_had_a_kernel_has_an_agent_of_its_own(start_gateway: Start, endpoint: ScriptedEndpoint) -> None:
    gateway = started(start_gateway, endpoint)
    async with AsyncExitStack() as stack:
        first, second = await two_kernels(gateway, stack)
        (socket,) = (gateway.folder / "run/beaker").glob("gw-*/agents-0.sock")
        socket.unlink()
        async with asyncio.timeout(PATIENCE_S):
            for client in (first, second):
                assert (await answer(client, await ask(client, "why?")))[0] == "ok"
        assert len(gateway.roles("agent-host")) == 0
