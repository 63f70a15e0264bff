"""The numbers of all processes of the gateway: asks every host and worker that is linked, at once, and takes what comes in time.

Whoever is linked is asked, and says itself which one it is; a host asks its agent host. One that stands still costs the others nothing
but the wait.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from actors.guardian.order import GUARDIAN, WORKER
from actors.runtime.failures import AskError
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.ref import Ref
from beaker.messages.figures import Figures, TellFigures

LIMIT_S: Final = 1.0
"""For an answer from memory; a scraper waits for ten seconds as a rule."""

HOST: Final = "host"
"""What the actor of a host is called; that of a worker has the name of the role."""


class Peers:
    """All that are linked to the Registry and have numbers."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._links: set[Link] = set()

    def linked(self, link: Link) -> None:
        """Somebody has linked itself."""
        if link.peer.role != GUARDIAN:
            self._links.add(link)
            link.closed.add_done_callback(lambda _: self._links.discard(link))

    async def gather(self) -> list[Figures]:
        """The numbers of those who answer."""
        return [figures for told in await asyncio.gather(*map(self._ask, self._in_order())) for figures in told]

    def _in_order(self) -> Iterable[Link]:
        return sorted(self._links, key=lambda link: link.peer.pid)

    async def _ask(self, link: Link) -> list[Figures]:
        role = link.peer.role
        ref: Ref[TellFigures] = link.ref(WORKER if role == WORKER else HOST)
        try:
            told = await ref.ask(TellFigures(), timeout_s=LIMIT_S)
        except AskError as error:
            self._log.info("figures.missing", role_asked=role, pid=link.peer.pid, reason=str(error))
            return []
        # By its link, whatever it says: none can speak in the place of another.
        if role == WORKER:
            return [msgspec.structs.replace(told.figures, role="worker")]
        others = [msgspec.structs.replace(other, role="agent-host") for other in told.others]
        return [msgspec.structs.replace(told.figures, role="host"), *others]
