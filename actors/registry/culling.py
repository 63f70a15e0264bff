"""Ends kernels that nobody uses, if the gateway's settings want that: asks hosts from time to time how theirs are.

Which ones is decided by `beaker.gateway.idling`, and once more by the host, which may know better by then. A host that does not answer
keeps its kernels.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Final

from actors.registry.hosts import Hosts
from actors.runtime.clock import Clock
from actors.runtime.failures import AskError
from actors.runtime.log import Log
from beaker.gateway.idling import Marks, look
from beaker.messages.host import KernelStanding

LONGEST_PAUSE_S: Final = 60.0
"""Between two looks: nobody minds a kernel that lives a minute longer."""

LOOKS: Final = 4
"""Within the time after which a kernel is ended, if that is short."""


class Culling:
    """Looks for kernels that do nothing.

    Args:
        idle_timeout_s: for how long.
        on_idle: called with each that ends.
    """

    def __init__(self, hosts: Hosts, idle_timeout_s: float, clock: Clock, log: Log, *, on_idle: Callable[[str], None]) -> None:
        self._hosts = hosts
        self._idle_timeout_s = idle_timeout_s
        self._clock = clock
        self._log = log
        self._on_idle = on_idle

    async def run(self) -> None:
        """Look, until cancelled."""
        marks: Marks = {}
        pause_s = min(LONGEST_PAUSE_S, self._idle_timeout_s / LOOKS)
        while True:
            await self._clock.sleep(pause_s)
            standings = await self._hosts.standings()
            host_of = {standing.kernel_id: number for number, each in standings.items() for standing in each}
            everywhere = itertools.chain.from_iterable(standings.values())
            marks, over = look(marks, everywhere, now=self._clock.monotonic(), idle_timeout_s=self._idle_timeout_s)
            await asyncio.gather(*(self._end(host_of[standing.kernel_id], standing) for standing in over))

    async def _end(self, host: int, standing: KernelStanding) -> None:
        log = self._log.bind(kernel=standing.kernel_id)
        try:
            await self._hosts.end_unused(host, standing)
        except AskError as error:
            log.info("kernel.stays", reason=str(error))
        else:
            log.info("kernel.idle", idle_timeout_s=self._idle_timeout_s)
            self._on_idle(standing.kernel_id)
