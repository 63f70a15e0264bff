"""Floods of outputs through a running gateway, in any size: what clients get of them, and what its processes cost meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from tests.kit.running_gateway import PATIENCE_S, Client, RunningGateway, execute_content
from tests.kit.running_kernel import wait_until

MB = 1_000_000
LOOK_S = 0.02

UNBOUNDED = "get_ipython().kernel.iopub_thread.socket.sndhwm = 0"
"""ipykernel drops what it publishes beyond a thousand messages that libzmq's thread could not write yet, as on a busy machine. Nobody
behind it can bring that back; whoever wants to see what we lose keeps it from that."""


class Memory:
    """How much more the processes of a gateway take than they did."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._processes = {role: gateway.roles(role)[0] for role in ("worker", "host", "registry")}
        self._before = {role: _resident_bytes(process) for role, process in self._processes.items()}
        self.peak = Counter[str]()
        """In bytes, by role."""

    def look(self) -> Counter[str]:
        """How it is now."""
        now = Counter({role: _resident_bytes(process) - self._before[role] for role, process in self._processes.items()})
        self.peak |= now
        return now

    def settle(self, limit_bytes: int) -> None:
        """Wait until all of them take less than that again."""
        what = f"less than {limit_bytes} bytes more than before"
        wait_until(lambda: max(self.look().values()) <= limit_bytes, timeout_s=PATIENCE_S, what=what)


@asynccontextmanager
async def watched(gateway: RunningGateway) -> AsyncIterator[Memory]:
    """Looks all the time."""
    memory = Memory(gateway)

    async def look() -> None:
        while True:
            memory.look()
            await asyncio.sleep(LOOK_S)

    looking = asyncio.create_task(look())
    try:
        yield memory
    finally:
        looking.cancel()
        print({role: f"{size / MB:+.0f} MB" for role, size in memory.peak.items()})


def _resident_bytes(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


async def number_of(metric: str, gateway: RunningGateway) -> int:
    """A number at /metrics, of all processes together."""
    async with gateway.http() as http, http.get("/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if line.startswith(f"{metric}{{")]
    return sum(int(line.split()[-1]) for line in lines)


def printed(*clients: Client, parent: str) -> str:
    """What a cell has printed, as these connections of one client heard it one after the other."""
    return "".join(client.printed(parent) for client in clients)


async def flood_one_that_never_reads(gateway: RunningGateway, kernel_id: str, megabytes: int) -> Counter[str]:
    """FAULTS 19: closes it as too slow, while another hears everything; gives it all when it comes back. Gives the peaks of memory."""
    wanted = "".join(f"{n:03}".ljust(MB, ".") + "\n" for n in range(megabytes))
    code = f"for n in range({megabytes}):\n    print(f'{{n:03}}'.ljust({MB}, '.'), flush=True)"
    too_slow = await number_of("beaker_websockets_too_slow_total", gateway)
    async with gateway.connect(kernel_id) as reader, gateway.connect(kernel_id, session_id="still") as still:
        await reader.run(f"for n in range(8):\n    print('.' * {MB}, flush=True)")
        await still.run("1")
        still.stop_reading()
        async with watched(gateway) as memory:
            asked = await reader.send("execute_request", execute_content(code))
            await reader.hear_until("status", asked, execution_state="idle")
            assert printed(reader, parent=asked) == wanted
            async with asyncio.timeout(PATIENCE_S):
                while await number_of("beaker_websockets_too_slow_total", gateway) == too_slow:
                    await reader.run("2")
        still.read_on()
        await still.hear_the_end()
        assert still.socket.close_code == 1013
        async with gateway.connect(kernel_id, session_id="still") as again:
            await again.hear_until("status", asked, execution_state="idle")
            assert printed(still, again, parent=asked) == wanted
    return memory.peak


async def show_displays(gateway: RunningGateway, kernel_id: str, displays: int) -> None:
    """FAULTS 21: a client that reads gets exactly so many, in order, and the idle behind them."""
    async with gateway.connect(kernel_id) as client:
        await client.run(UNBOUNDED)
        code = f"publish = get_ipython().display_pub.publish\nfor n in range({displays}):\n    publish({{'text/plain': str(n)}})"
        asked = await client.send("execute_request", execute_content(code))
        await client.hear_until("status", asked, execution_state="idle")
        shown = [message["content"]["data"]["text/plain"] for message in client.heard if message["kind"] == "display_data"]
        assert shown == [str(n) for n in range(displays)]
        assert (await client.run("print('and on')"))[1] == "and on\n"
