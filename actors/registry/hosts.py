"""The kernel hosts as the Registry reaches them: which link is which host's, and what is asked of it.

A host says its number once it is linked; one that was replaced has another link. Its kernels are those that the register says.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from actors.guardian.order import host_role
from actors.runtime.failures import AskError, AskFailed, Unreachable
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.ref import Ref
from beaker.messages.host import End, EndUnused, HostFailure, HostRequest, KernelStanding, ListStandings, SavingChanged, Serve

ACTOR: Final = "host"
"""What it is called on a host's node."""

SERVE_TIMEOUT_S: Final = 30.0
"""For a host that reaches a Supervisor which listens, and makes a KernelActor: some milliseconds."""

END_TIMEOUT_S: Final = 10.0
"""For a subkernel that is asked to leave, and killed after its grace of 2.5 s at most."""


STANDINGS_TIMEOUT_S: Final = 5.0
"""For an answer that takes no work."""


class Hosts:
    """The links to them.

    Args:
        on_went: called with the number of a host whose link is gone.
    """

    def __init__(self, log: Log, *, on_went: Callable[[int], None]) -> None:
        self._log = log
        self._on_went = on_went
        self._unnamed: list[Link] = []
        """Linked, and has not said yet which it is; the latest last."""
        self._links: dict[int, Link] = {}
        self._not_saving = ""

    def linked(self, link: Link) -> None:
        """A host is linked."""
        self._unnamed.append(link)
        link.closed.add_done_callback(lambda _: self._lose(link))

    def name(self, number: int, pid: int) -> bool:
        """A host says which it is; returns whether its link is known.

        Args:
            pid: of its process; 0: whichever was linked last.
        """
        role = host_role(number)
        link = next((each for each in reversed(self._unnamed) if each.peer.role == role and pid in (0, each.peer.pid)), None)
        if link is None:
            self._log.warning("host.without_link", number=number, pid=pid)
            return False
        self._unnamed.remove(link)
        self._links[number] = link
        # Also that all is written: it may have heard otherwise from a Registry that was lost.
        self._ref(number).tell(SavingChanged(not_saving=self._not_saving))
        self._log.info("host.linked", number=number, pid=link.peer.pid)
        return True

    def has(self, number: int) -> bool:
        """Whether a host is linked."""
        return number in self._links

    async def serve(self, number: int, request: Serve) -> str:
        """Have a host serve a kernel; returns why it cannot, in a sentence, or nothing.

        Raises:
            AskError: it was lost, or does not answer; the one that comes after it is asked anew.
        """
        try:
            await self._ref(number).ask(request, timeout_s=SERVE_TIMEOUT_S)
        except AskFailed as failed:
            return failed.failure.reason if isinstance(failed.failure, HostFailure) else str(failed)
        return ""

    async def end(self, number: int, kernel_id: str) -> None:
        """Have a host end a kernel.

        Raises:
            AskError: it has not: there is none, it does not answer, or it does not know the kernel.
        """
        await self._ref(number).ask(End(kernel_id=kernel_id), timeout_s=END_TIMEOUT_S)

    async def end_unused(self, number: int, seen: KernelStanding) -> None:
        """Have a host end a kernel if it is as it was seen; returns once that has begun.

        Raises:
            AskError: it does not: the kernel is used, or the host does not answer.
        """
        request = EndUnused(kernel_id=seen.kernel_id, last_activity=seen.last_activity)
        await self._ref(number).ask(request, timeout_s=STANDINGS_TIMEOUT_S)

    async def dismiss(self, number: int, kernel_id: str) -> None:
        """A kernel is gone and its host does not know: nobody had asked it."""
        try:
            await self.end(number, kernel_id)
        except AskError as error:
            self._log.debug("kernel.not_dismissed", kernel=kernel_id, reason=str(error))

    def say_saving(self, not_saving: str) -> None:
        """Tell all hosts, also those to come, why nothing is written down; they are told once for each reason."""
        if not_saving != self._not_saving:
            self._not_saving = not_saving
            for number in self._links:
                self._ref(number).tell(SavingChanged(not_saving=not_saving))

    async def standings(self) -> dict[int, list[KernelStanding]]:
        """How the kernels of each host are that answers. All are asked at once: one that is silent makes nobody's answer old."""
        numbers = sorted(self._links)
        return dict(zip(numbers, await asyncio.gather(*map(self._standings_of, numbers)), strict=True))

    async def _standings_of(self, number: int) -> list[KernelStanding]:
        try:
            return (await self._ref(number).ask(ListStandings(), timeout_s=STANDINGS_TIMEOUT_S)).kernels
        except AskError as error:
            self._log.warning("host.silent", number=number, reason=str(error))
            return []

    def _ref(self, number: int) -> Ref[HostRequest]:
        link = self._links.get(number)
        if link is None:
            raise Unreachable(f"kernel host {number} is not linked")
        return link.ref(ACTOR)

    def _lose(self, link: Link) -> None:
        if link in self._unnamed:
            self._unnamed.remove(link)
        for number, each in list(self._links.items()):
            if each is link:
                del self._links[number]
                # No warning: so it ends whenever the gateway does. Of one that died the guardian tells how.
                self._log.info("host.lost", number=number, pid=link.peer.pid)
                if not asyncio.get_running_loop().is_closed():
                    self._on_went(number)
