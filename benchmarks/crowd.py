"""Many websockets on one kernel that prints ten lines a second: who receives all of them, how late, and what each costs."""

import asyncio
import statistics
import time
from typing import Final

from benchmarks.figures import Row, percentile
from benchmarks.services import Service
from benchmarks.websockets import Client

PER_S: Final = 10
"""Lines."""
LATE_MS: Final = 250.0
"""At the 99th percentile, by the clock of the cell that printed."""
EACH_KB: Final = 100.0
"""What a websocket may cost in memory."""
AT_ONCE: Final = 50
"""Websockets that are opened together."""


async def watching(service: Service, watchers: int, watched_s: int) -> list[Row]:
    """Measures."""
    kernel = service.kernels[0]
    before = _kb(service)
    clients: list[Client] = []
    for begin in range(0, watchers, AT_ONCE):
        clients += await asyncio.gather(*(service.connect(kernel) for _ in range(min(AT_ONCE, watchers - begin))))
    await asyncio.gather(*(client.wait_until_usable() for client in clients[:1]))
    after = _kb(service)
    lines = watched_s * PER_S
    late: list[float] = []

    async def watch(client: Client) -> None:
        seen = 0
        while seen < lines:
            # On a busy machine a kernel puts two lines into one message.
            came = await client.behind(b"printed-at ")
            late.extend(time.time() - float(printed_at) for printed_at in came)
            seen += len(came)

    received = asyncio.gather(*(watch(client) for client in clients), return_exceptions=True)
    code = f"import time\\nfor n in range({lines}):\\n    print('printed-at', time.time(), flush=True)\\n    time.sleep({1 / PER_S})"
    await clients[0].request("execute_request", f'{{"code": "{code}", "silent": false, "allow_stdin": false}}')
    complete = sum(result is None for result in await received)
    await asyncio.gather(*(client.close() for client in clients))
    p99 = percentile(late, 0.99) * 1e3
    rows = [
        Row(f"of {watchers} websockets on one kernel receive all", complete, None, "", complete, watchers, "higher"),
        Row("lateness there, p99", p99, None, "ms", p99, LATE_MS, notes=[f"p50 {statistics.median(late) * 1e3:.0f} ms"]),
    ]
    if before and after:
        each = (after - before) / watchers
        rows.append(Row("memory per websocket", each, None, "kB", each, EACH_KB))
    return rows


def _kb(service: Service) -> float:
    try:
        return service.pss_mb() * 1024
    except PermissionError:
        return 0.0  # said already, where the memory of kernels is read
