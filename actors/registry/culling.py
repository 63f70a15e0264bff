"""Ends kernels that nobody uses, if the gateway's settings want that: asks hosts from time to time how theirs are.

Which ones is decided by `beaker.gateway.idling`. A host that does not answer keeps its kernels.
"""

from collections.abc import Callable
from typing import Final

from actors.registry.hosts import Hosts
from actors.runtime.clock import Clock
from actors.runtime.log import Log
from beaker.gateway.idling import Marks, look

LONGEST_PAUSE_S: Final = 60.0
"""Between two looks: nobody minds a kernel that lives a minute longer."""

LOOKS: Final = 4
"""Within the time after which a kernel is ended, if that is short."""


class Culling:
    """Looks for kernels that do nothing.

    Args:
        idle_timeout_s: for how long.
        on_idle: called with each that is to be ended.
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
            marks, over = look(marks, standings, now=self._clock.monotonic(), idle_timeout_s=self._idle_timeout_s)
            for kernel_id in over:
                self._log.info("kernel.idle", kernel=kernel_id, idle_timeout_s=self._idle_timeout_s)
                self._on_idle(kernel_id)
