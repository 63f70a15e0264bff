"""The gateway beside jupyter_server, as shipped and with TCP_NODELAY: cells, processor time, starts, websockets, memory."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Row, Series, percentile
from benchmarks.services import Client, Service, as_shipped, ours, undelayed

BUDGETS = {1: (5.0, 1.0), 8: (1.5, 1.2), 32: (1.1, 1.1)}
"""For each number of kernels: the least ratio of executes per second to jupyter_server as shipped, and with TCP_NODELAY."""

CPU_BUDGET = 0.8
"""Server's processor time per execute, of jupyter_server's, at eight kernels."""

WATCHERS = 500
"""Websockets on one kernel that all have to receive."""
WATCHED_S = 10
"""How long ten messages a second are sent to them."""


def measure(*, quick: bool) -> list[Row]:
    """All rows; one event loop for the clients of all sides."""
    return asyncio.run(_measure(quick))


async def _measure(quick: bool) -> list[Row]:
    rows: list[Row] = []
    async with ours() as gateway, as_shipped() as shipped, undelayed() as prompt:
        sides = (gateway, shipped, prompt)
        starts: list[list[float]] = [[], [], []]
        before = _pss_mb(gateway)
        for count in (1, 8) if quick else BUDGETS:
            clients = [await _grow(side, count, taken) for side, taken in zip(sides, starts, strict=True)]
            rows += await _executes(sides, clients, count, quick=quick)
            for one in clients:
                await asyncio.gather(*(client.close() for client in one))
        answered = [statistics.median(taken) * 1e3 for taken in starts]
        notes = [f"p99 {percentile(starts[0], 0.99) * 1e3:.0f} / {percentile(starts[1], 0.99) * 1e3:.0f} ms"]
        rows.append(Row("POST /api/kernels", answered[0], answered[1], "ms", answered[0] / answered[1], 1.0, notes=notes))
        kernels = len(gateway.kernels)
        per_kernel = (_pss_mb(gateway) - before) / kernels
        rows.append(Row(f"memory per kernel, of {kernels}", per_kernel, None, "MB", per_kernel, 3.0))
        rows.append(await _watching(gateway, 50 if quick else WATCHERS))
    if not quick:
        rows.append(await _two_workers())
    return rows


async def _grow(service: Service, count: int, taken: list[float]) -> list[Client]:
    """Have so many kernels, and a client on each."""
    while len(service.kernels) < count:
        taken.append(await service.start_kernel())
    clients = [await service.connect(kernel) for kernel in service.kernels]
    await asyncio.gather(*(client.wait_until_usable() for client in clients))
    await asyncio.gather(*(_run(client, 5) for client in clients))
    return clients


async def _run(client: Client, count: int) -> list[float]:
    return [await client.execute() for _ in range(count)]


async def _executes(sides: Sequence[Service], clients: Sequence[Sequence[Client]], count: int, *, quick: bool) -> list[Row]:
    """All kernels of a side run cells at once, one after the other; the sides take turns."""
    rounds, batch = (2, 20) if quick else (5, max(20, 200 // count))
    speeds: list[list[float]] = [[] for _ in sides]
    latencies: list[list[float]] = [[] for _ in sides]
    used: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for number, (side, own) in enumerate(zip(sides, clients, strict=True)):
            cpu, began = side.server_cpu_s(), time.perf_counter()
            taken = await asyncio.gather(*(_run(client, batch) for client in own))
            cells = batch * len(own)
            speeds[number].append(cells / (time.perf_counter() - began))
            used[number].append((side.server_cpu_s() - cpu) / cells)
            latencies[number] += [one for each in taken for one in each]
    rows = []
    for number, (against, budget) in enumerate(zip(("jupyter_server", "with TCP_NODELAY"), BUDGETS[count], strict=True), 1):
        mine, other = Series([speeds[0]]), Series([speeds[number]])
        notes = [
            f"p50 {statistics.median(latencies[0]) * 1e3:.2f} / {statistics.median(latencies[number]) * 1e3:.2f} ms",
            f"p99 {percentile(latencies[0], 0.99) * 1e3:.1f} / {percentile(latencies[number], 0.99) * 1e3:.1f} ms",
        ]
        name = f"executes/s at {count} kernels / {against}"
        rows.append(Row(name, mine.median, other.median, "/s", mine.median / other.median, budget, "higher", notes))
    per_cell = [statistics.median(side) * 1e3 for side in used]
    budget = CPU_BUDGET if count == 8 else 1.0
    rows.append(Row(f"server CPU per execute at {count} kernels", per_cell[0], per_cell[1], "ms", per_cell[0] / per_cell[1], budget))
    return rows


async def _watching(service: Service, watchers: int) -> Row:
    """Many websockets on one kernel while it prints ten lines a second, each with the time at which it was printed."""
    kernel = service.kernels[0]
    before = _pss_mb(service)
    clients = [await service.connect(kernel) for _ in range(watchers)]
    await asyncio.gather(*(client.wait_until_usable() for client in clients[:1]))
    each = (_pss_mb(service) - before) * 1024 / watchers
    late: list[float] = []

    async def watch(client: Client) -> int:
        for _ in range(WATCHED_S * 10):
            printed_at = float(await client.behind(b"printed-at "))
            late.append(time.time() - printed_at)
        return WATCHED_S * 10

    received = asyncio.gather(*(watch(client) for client in clients), return_exceptions=True)
    code = f"import time\\nfor n in range({WATCHED_S * 10}):\\n    print('printed-at', time.time(), flush=True)\\n    time.sleep(0.1)"
    await clients[0].request("execute_request", f'{{"code": "{code}", "silent": false, "allow_stdin": false}}'.encode())
    complete = sum(count == WATCHED_S * 10 for count in await received)
    await asyncio.gather(*(client.close() for client in clients))
    notes = [f"p50 {statistics.median(late) * 1e3:.0f} ms", f"p99 {percentile(late, 0.99) * 1e3:.0f} ms (<= 250)"]
    notes.append(f"{each:.0f} kB each")
    return Row(f"of {watchers} websockets on one kernel receive all", complete, None, "", complete, watchers, "higher", notes)


async def _two_workers() -> Row:
    """Eight kernels with two workers and with one."""
    speeds = []
    for workers in (2, 1):
        async with ours(workers) as gateway:
            clients = await _grow(gateway, 8, [])
            samples = []
            for _ in range(5):
                began = time.perf_counter()
                await asyncio.gather(*(_run(client, 50) for client in clients))
                samples.append(8 * 50 / (time.perf_counter() - began))
            speeds.append(statistics.median(samples))
    return Row("executes/s at 8 kernels, 2 workers / 1", speeds[0], speeds[1], "/s", speeds[0] / speeds[1], 0.9, "higher")


def _pss_mb(service: Service) -> float:
    """Of all its processes but those that run cells; root can read it, others cannot: then 0."""
    total = 0.0
    for process in service.servers():
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (PermissionError, ProcessLookupError):
            return 0.0
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total
