"""How all kernels are at the moment: what their hosts say, and of a host that is being replaced what it said last.

A kernel must not vanish from the list because its host does not answer: JupyterLab would take it for ended.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from actors.gateway.lasting_link import LastingLink
from actors.runtime.failures import AskError
from beaker.messages.host import KernelStanding, ListStandings, Standings
from beaker.messages.registry import KernelEntry

LIMIT_S: Final = 1.0
"""For one host: it answers from memory, and the list must not wait for one that stands still."""


class LastStandings:
    """Asks the hosts, and remembers.

    Args:
        hosts: all of them.
    """

    def __init__(self, hosts: Sequence[LastingLink]) -> None:
        self._hosts = hosts
        self._last: dict[str, KernelStanding] = {}

    async def look(self, kernels: Sequence[KernelEntry]) -> list[KernelStanding]:
        """One standing for each of these kernels, in their order."""
        theirs = {entry.host for entry in kernels}
        for answer in await asyncio.gather(*(_ask(host) for number, host in enumerate(self._hosts) if number in theirs)):
            self._last.update((standing.kernel_id, standing) for standing in answer.kernels)
        known = {entry.kernel_id: self._last.get(entry.kernel_id) or fresh(entry) for entry in kernels}
        return list(known.values())

    def forget_others(self, kernels: Sequence[KernelEntry]) -> None:
        """These are all that there are."""
        here = {entry.kernel_id for entry in kernels}
        for kernel_id in self._last.keys() - here:
            del self._last[kernel_id]


async def _ask(host: LastingLink) -> Standings:
    try:
        return await host.ask("host", ListStandings(), timeout_s=LIMIT_S, patience_s=0)
    except AskError:
        return Standings(kernels=[])


def fresh(entry: KernelEntry) -> KernelStanding:
    """Of a kernel that no host has spoken of yet."""
    return KernelStanding(
        kernel_id=entry.kernel_id, execution_state="starting", last_activity=entry.started_at, connections=0, at_work=False
    )
