"""A process of a gateway is killed: how soon clients are told, and how soon they are served again. Rows of `death.py`."""

import asyncio
import json
import time

from benchmarks.figures import Row, death_row
from benchmarks.services import Service
from benchmarks.services import ours as gateway
from benchmarks.websockets import Client
from tests.kit.scripted_process import scripted


async def _worker(service: Service) -> float:
    """The one worker of a gateway is killed: seconds until another answers."""
    (worker,) = [process for process in service.processes() if "--role worker" in " ".join(process.cmdline())]
    killed = time.perf_counter()
    worker.kill()
    await service.answers(look_s=0.001)
    return time.perf_counter() - killed


async def _guardian(service: Service) -> float:
    """The main process of a gateway is killed: seconds from the start of the next one until a cell has its output, with its variables."""
    service.replace()
    await service.answers(look_s=0.001)
    client = await service.connect(service.kernels[0])
    try:
        content = {"code": "print('kept', kept)", "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        await client.request("execute_request", json.dumps(content))
        (kept,) = await client.behind(b"kept ")
        assert kept == b"42", kept
    finally:
        await client.close()
    return time.perf_counter() - service.started_at


async def _gateway(rounds: int) -> tuple[list[float], list[float]]:
    async with gateway() as service:
        await service.start_kernel()
        client = await service.connect(service.kernels[0])
        await client.wait_until_usable()
        await client.execute("kept = 42")
        await client.close()
        return [await _worker(service) for _ in range(rounds)], [await _guardian(service) for _ in range(rounds)]


ASKED_KERNELS = 4
"""That share an agent host."""
QUESTION = json.dumps({"code": "%%ai\nhow long?", "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False})


async def _agent_host(rounds: int) -> tuple[list[float], list[float]]:
    """The process with several kernels' answers is killed: seconds until the last of them is told, and has text below its next question."""
    told: list[float] = []
    asked_again: list[float] = []
    with scripted("stall") as variables:
        async with gateway(variables=variables) as service:
            for _ in range(ASKED_KERNELS):
                await service.start_kernel()
            clients = [await service.connect(kernel) for kernel in service.kernels]
            for client in clients:
                await client.wait_until_usable()
            await _ask_all(clients)
            for _ in range(rounds):
                (process,) = [each for each in service.processes() if "--role agent-host" in " ".join(each.cmdline())]
                killed = time.perf_counter()
                process.kill()
                await asyncio.gather(*(client.behind(b"the agent was restarted") for client in clients))
                told.append(time.perf_counter() - killed)
                await _ask_all(clients)
                asked_again.append(time.perf_counter() - killed)
            for client in clients:
                await client.close()
    return told, asked_again


async def _ask_all(clients: list[Client]) -> None:
    """Ask in each, and wait until each has text of its answer."""
    for client in clients:
        await client.request("execute_request", QUESTION, '{"cellId": "c"}')  # where it streams to
    await asyncio.gather(*(client.behind(b"one ") for client in clients))


def of_gateway(rounds: int) -> list[Row]:
    """Kills each so often."""
    told, asked_again = asyncio.run(_agent_host(rounds))
    answers, usable_again = asyncio.run(_gateway(rounds))
    return [
        death_row(f"agent host killed in {ASKED_KERNELS} answers: all told", told, 0.5),
        death_row(f"agent host killed in {ASKED_KERNELS} answers: all next ones begun", asked_again, 2.0),
        death_row("gateway worker killed: another answers", answers, 1.0),
        death_row("gateway killed: kernels usable again", usable_again, 5.0),
    ]
