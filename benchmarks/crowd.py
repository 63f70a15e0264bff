"""Many websockets on one kernel that prints ten lines a second: who receives all of them, how late, and what each costs."""

import asyncio
import time
from typing import Final, NamedTuple

from benchmarks.figures import Row, percentile
from benchmarks.services import Service
from benchmarks.websockets import Client

PER_S: Final = 10
"""Lines."""
LATE_MS: Final = 250.0
"""At the 99th percentile, by the clock of the cell that printed."""
EACH_KB: Final = 100.0
"""What a websocket may cost in memory."""
OF_REFERENCE: Final = 100
"""Websockets of jupyter_server: each has five ZeroMQ sockets of its own there, of which a process has 1023."""
AT_ONCE: Final = 50
"""Websockets that are opened together."""


async def watching(ours: Service, reference: Service, watchers: int, watched_s: int) -> list[Row]:
    """Measures both, one behind the other."""
    mine, theirs = await _watch(ours, watchers, watched_s), await _watch(reference, min(watchers, OF_REFERENCE), watched_s)
    of_reference = f"the reference with {theirs.watchers}"
    name = f"of {watchers} websockets on one kernel receive all"
    return [
        Row(name, mine.complete, None, "", mine.complete, watchers, "higher", [f"{of_reference}: {theirs.complete}"]),
        Row(
            "lateness there, p99",
            mine.late_ms(0.99),
            theirs.late_ms(0.99),
            "ms",
            mine.late_ms(0.99),
            LATE_MS,
            notes=[f"p50 {mine.late_ms(0.5):.0f} / {theirs.late_ms(0.5):.0f} ms", of_reference],
        ),
        Row("memory per websocket", mine.each_kb, theirs.each_kb, "kB", mine.each_kb, EACH_KB, notes=[of_reference]),
    ]


class _Watched(NamedTuple):
    watchers: int
    complete: int
    """How many have received all lines."""
    late_s: list[float]
    each_kb: float

    def late_ms(self, share: float) -> float:
        return percentile(self.late_s, share) * 1e3


async def _watch(service: Service, watchers: int, watched_s: int) -> _Watched:
    kernel = service.kernels[0]
    before = await service.memory_mb()
    clients: list[Client] = []
    for begin in range(0, watchers, AT_ONCE):
        clients += await asyncio.gather(*(service.connect(kernel) for _ in range(min(AT_ONCE, watchers - begin))))
    await asyncio.gather(*(client.wait_until_usable() for client in clients[:1]))
    after = await service.memory_mb()
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
    return _Watched(watchers, complete, late, (after - before) * 1024 / watchers)
