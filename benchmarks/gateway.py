"""The gateway beside jupyter_server, as shipped and with TCP_NODELAY: cells, processor time, starts, memory, websockets.

Minutes go by, so each row is printed as soon as it is known, and what does not fit into the time is named at the end. The processor
time of an execute is the figure to trust on a machine that does other things too.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.crowd import watching
from benchmarks.figures import Row, Series, print_rows
from benchmarks.services import Service, as_shipped, cpu_s, ours, undelayed
from benchmarks.websockets import Client

BUDGETS: Final = {1: (5.0, 1.0), 8: (1.5, 1.2), 32: (1.1, 1.1)}
"""For each number of kernels: the least ratio of executes per second to jupyter_server as shipped, and with TCP_NODELAY."""
CPU_BUDGETS: Final = {1: 1.0, 8: 0.8, 32: 1.0}
"""Server's processor time per execute, of jupyter_server's."""
KERNEL_MB: Final = 3.0
"""What a kernel more may cost beside its subkernel."""
TWO_WORKERS: Final = 0.9
"""On two cores eight kernels and their client leave a second worker nothing to use: it must cost little."""

CELLS: Final = {"1": "1", "1 kB": "print('x' * 1000)", "100 kB": "display({'text/plain': 'x' * 100_000}, raw=True)"}

FULL_S: Final = 600.0
QUICK_S: Final = 45.0
"""When measuring ends, whatever is missing; ending the services takes some seconds more."""
AT_ONCE: Final = 4
"""Kernels that are started together, beyond the first eight, whose starts are measured."""


class Plan:
    """How much is measured.

    Args:
        quick: shows that it works, proves nothing.
    """

    def __init__(self, *, quick: bool) -> None:
        self.rounds = 2 if quick else 5
        self.round_s = 0.5 if quick else 1.2
        self.limit_s = QUICK_S if quick else FULL_S
        self.watchers = 50 if quick else 500
        self.watched_s = 3 if quick else 10
        self.others = not quick
        """Other cells, the other framing, 32 kernels and two workers are measured too."""


def measure(*, quick: bool) -> list[Row]:
    """Prints all rows; none are left to return."""
    asyncio.run(_measure(Plan(quick=quick)))
    return []


async def _measure(plan: Plan) -> None:
    bench = Bench(plan)
    try:
        async with asyncio.timeout(plan.limit_s):
            await bench.run()
    except TimeoutError:
        print(f"gateway: not measured in {plan.limit_s:g} s, from here on: {bench.at}", flush=True)


class Bench:
    """The sides and what is done with them."""

    def __init__(self, plan: Plan) -> None:
        self.at = "the start of the services"
        """What is being measured."""
        self._plan = plan

    async def run(self) -> None:
        """Measure everything, what counts most first."""
        plan = self._plan
        async with ours() as gateway, as_shipped() as shipped, undelayed() as prompt:
            sides = (gateway, shipped, prompt)
            before = [await side.memory_mb() for side in (gateway, shipped)]
            starts: list[list[float]] = [[], [], []]
            for count in (1, 8):
                await self._grow(sides, count, starts)
                await self._cells(sides, count, "1")
            self._starts(starts)
            if plan.others:
                await self._grow(sides, 32, starts)
                await self._cells(sides, 32, "1")
            await self._memory((gateway, shipped), before)
            self.at = "many websockets"
            print_rows(await watching(gateway, shipped, plan.watchers, plan.watched_s))
            if plan.others:
                for cell, legacy in (("1 kB", False), ("100 kB", False), ("1", True)):
                    self.at = f"{cell} cells, 8 kernels"
                    await self._cells(sides, 8, cell, legacy=legacy)
        if plan.others:
            self.at = "two workers"
            await self._workers()

    async def _grow(self, sides: Sequence[Service], count: int, starts: Sequence[list[float]]) -> None:
        self.at = f"{count} kernels"
        for side, taken in zip(sides, starts, strict=True):
            await _grow(side, count, taken)

    def _starts(self, starts: Sequence[list[float]]) -> None:
        mine, other, _ = (statistics.median(taken) * 1e3 for taken in starts)
        notes = [f"slowest {max(starts[0]) * 1e3:.0f} / {max(starts[1]) * 1e3:.0f} ms, of {len(starts[0])}"]
        print_rows([Row("POST /api/kernels", mine, other, "ms", mine / other, 1.0, notes=notes)])

    async def _memory(self, sides: Sequence[Service], before: Sequence[float]) -> None:
        """What kernels cost a service, with the outputs of the cells they ran; behind larger ones it would be the journals' bound."""
        mine, theirs = [(await side.memory_mb() - at) / len(side.kernels) for side, at in zip(sides, before, strict=True)]
        print_rows([Row(f"memory per kernel, of {len(sides[0].kernels)}", mine, theirs, "MB", mine, KERNEL_MB)])

    async def _cells(self, sides: Sequence[Service], count: int, cell: str, *, legacy: bool = False) -> None:
        """All kernels of a side run cells at once, one after the other; the sides take turns."""
        plan = self._plan
        clients = [await _clients(side, count, CELLS[cell], legacy=legacy) for side in sides]
        found = [_Side(side) for side in sides]
        for _ in range(plan.rounds):
            for side, own in zip(found, clients, strict=True):
                await side.run(own, CELLS[cell], plan.round_s)
        for one in clients:
            await asyncio.gather(*(client.close() for client in one))
        mine, shipped, prompt = found
        what = f"{count} kernel{'s' * (count > 1)}"
        if cell != "1" or legacy:
            what += f", {cell}" if cell != "1" else ", JSON"
        rows = [
            mine.speed_beside(shipped, f"executes/s, {what} / jupyter_server", BUDGETS[count][0]),
            mine.speed_beside(prompt, f"executes/s, {what} / TCP_NODELAY", BUDGETS[count][1]),
            mine.cost_beside(shipped, f"server CPU per execute, {what}", CPU_BUDGETS[count]),
        ]
        if count > (os.cpu_count() or 1):
            for row, other in zip(rows, (shipped, prompt), strict=False):
                row.notes.append(mine.bound_beside(other))
        print_rows(rows)

    async def _workers(self) -> None:
        """Eight kernels behind two workers and behind one."""
        async with ours(2) as two, ours(1) as one:
            for side in (two, one):
                await _grow(side, 8, [])
            clients = [await _clients(side, 8, "1") for side in (two, one)]
            found = [_Side(two), _Side(one)]
            for _ in range(self._plan.rounds):
                for measured, own in zip(found, clients, strict=True):
                    await measured.run(own, "1", self._plan.round_s)
            print_rows([found[0].speed_beside(found[1], "executes/s, 8 kernels, 2 workers / 1", TWO_WORKERS)])


class _Side:
    """What was measured of one service."""

    def __init__(self, service: Service) -> None:
        self._processes = service.servers()
        self._kernels = service.cells()
        self.speeds: list[list[float]] = []
        self.taken: list[list[float]] = []
        self.costs: list[list[float]] = []
        self.others: list[float] = []
        """Processor time per execute of the kernels and of our client: what no server can spare."""
        self._shares: dict[str, float] = {}
        self._cells = 0

    async def run(self, clients: Sequence[Client], code: str, round_s: float) -> None:
        """One round."""
        before = [cpu_s([process]) for process in self._processes]
        others = cpu_s(self._kernels) + time.process_time()
        began = time.perf_counter()
        taken = await asyncio.gather(*(client.execute_until(began + round_s, code) for client in clients))
        passed_s = time.perf_counter() - began
        cells = sum(map(len, taken))
        used = [cpu_s([process]) - at for process, at in zip(self._processes, before, strict=True)]
        for process, each in zip(self._processes, used, strict=True):
            words = " ".join(process.cmdline()).split()
            role = words[words.index("--role") + 1] if "--role" in words else "main"
            self._shares[role] = self._shares.get(role, 0.0) + each
        self._cells += cells
        self.speeds.append([cells / passed_s])
        self.taken.append([one for each in taken for one in each])
        self.costs.append([sum(used) / cells])
        self.others.append((cpu_s(self._kernels) + time.process_time() - others) / cells)

    def speed_beside(self, other: "_Side", name: str, budget: float) -> Row:
        """Executes per second."""
        mine, theirs = Series(self.speeds), Series(other.speeds)
        times, others = Series(self.taken), Series(other.taken)
        notes = [
            f"p50 {times.median * 1e3:.2f} / {others.median * 1e3:.2f} ms",
            f"p99 {times.p99 * 1e3:.1f} / {others.p99 * 1e3:.1f} ms",
            f"spread {mine.spread:.0%} / {theirs.spread:.0%}",
        ]
        return Row(name, mine.median, theirs.median, "/s", mine.median / theirs.median, budget, "higher", notes)

    def bound_beside(self, other: "_Side") -> str:
        """How much faster a server could be that takes no processor time, where all processors are busy with cells."""
        spared_s = statistics.median(self.others)
        free = (Series(other.costs).median + statistics.median(other.others)) / spared_s
        return f"kernels and client take {spared_s * 1e3:.2f} ms, so {free:.2f} were we free"

    def cost_beside(self, other: "_Side", name: str, budget: float) -> Row:
        """Processor time of the server per execute."""
        mine, theirs = Series(self.costs), Series(other.costs)
        shares = [f"{role} {used * 1e3 / self._cells:.2f}" for role, used in self._shares.items() if used * 1e3 / self._cells >= 0.005]
        notes = [", ".join(shares), f"spread {mine.spread:.0%} / {theirs.spread:.0%}"]
        return Row(name, mine.median * 1e3, theirs.median * 1e3, "ms", mine.median / theirs.median, budget, notes=notes)


async def _grow(service: Service, count: int, taken: list[float]) -> None:
    """Have so many kernels, all of which answer."""
    new = len(service.kernels)
    while len(service.kernels) < min(count, 8):
        taken.append(await service.start_kernel())
    while (missing := count - len(service.kernels)) > 0:
        await asyncio.gather(*(service.start_kernel() for _ in range(min(AT_ONCE, missing))))
        await _usable(service, service.kernels[-AT_ONCE:])
    await _usable(service, service.kernels[new:])


async def _usable(service: Service, kernels: Sequence[str]) -> None:
    clients = [await service.connect(kernel) for kernel in kernels]
    await asyncio.gather(*(client.wait_until_usable() for client in clients))
    await asyncio.gather(*(client.close() for client in clients))


async def _clients(service: Service, count: int, code: str, *, legacy: bool = False) -> list[Client]:
    """One on each kernel, behind some cells."""
    clients = [await service.connect(kernel, legacy=legacy) for kernel in service.kernels[:count]]
    for _ in range(5):
        await asyncio.gather(*(client.execute(code) for client in clients))
    return clients
