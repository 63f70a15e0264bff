"""The guardian at work: it fills the posts, keeps them filled, does what signals want, and ends everything in order.

No actor: nobody tells it anything but the operating system. It holds what must not be lost when a role is (the listening sockets,
the model's key, the secrets) and touches no request. Killed by force it takes the roles with it, which see their parent go; kernels
stay for the next gateway.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from actors.guardian.browser import PAGE_S, open_browser, remove_page
from actors.guardian.certificate import why_unusable
from actors.guardian.ending import end_kernels
from actors.guardian.order import GatewayOrder
from actors.guardian.orphans import Orphans
from actors.guardian.post import PostVacant
from actors.guardian.staff import PROGRAM, Staff
from actors.guardian.words import ENDED, HURRYING, RENEWED, RENEWING, Opening, address_with_token, ending_words, opening_words, warnings
from actors.runtime.log import Log

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Guardian:
    """One gateway, from the first post that is filled to the last that is left.

    Args:
        order: what all roles are told.
        opening: what is printed once clients can come.
        key: the descriptor behind which the model's key is sealed.
        program: what is started for each role.
    """

    def __init__(self, order: GatewayOrder, opening: Opening, *, key: int | None, program: Sequence[str] = PROGRAM) -> None:
        self._order = order
        self._opening = opening
        self._key = key
        self._program = program
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._vacant = ""
        """Why a post was given up."""
        self._log = Log(actor="guardian")

    async def run(self) -> int:
        """Serve until told to end; gives the exit status."""
        staff = Staff(self._order, key=self._key, on_vacant=self._give_up, program=self._program)
        orphans = Orphans(lambda: staff.living)
        self._hear(staff)
        try:
            if await self._open(staff):
                await self._stopping.wait()
            self._log.info("gateway.ending", hurried=self._hurry.is_set(), reason=self._vacant or "told to")
            if not self._vacant:
                say(ending_words(self._order.settings))
            await self._end(staff)
            say(ENDED)
        finally:
            for number in (*_ENDING, signal.SIGHUP):
                asyncio.get_running_loop().remove_signal_handler(number)
            orphans.close()
        return 1 if self._vacant else 0

    async def _open(self, staff: Staff) -> bool:
        """Fill the posts and say so; False if that came to nothing, or was not wanted any more."""
        filling = asyncio.ensure_future(staff.fill())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([filling, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not filling.done():
            filling.cancel()
            await asyncio.wait([filling])
            return False
        try:
            filling.result()
        except PostVacant as vacant:
            self._give_up(f"The gateway cannot start: {vacant}")
            return False
        say(opening_words(self._opening))
        settings = self._order.settings
        self._log.info("gateway.ready", port=self._opening.port, workers=settings.workers, descriptors=self._opening.descriptors)
        for words in warnings(self._opening):
            self._log.warning("gateway.open_door", words=words)
        if settings.open:
            folder = Path(self._order.folder)
            open_browser(address_with_token(self._opening), folder)
            asyncio.get_running_loop().call_later(PAGE_S, remove_page, folder)
        return True

    async def _end(self, staff: Staff) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        await staff.end_workers(self._hurry)
        ending = not self._vacant and not self._order.settings.keep_kernels and staff.registry.pid is not None
        if ending and not await end_kernels(self._order, self._hurry):
            lease_s = self._order.settings.orphan_timeout_s
            complain(f"Kernels that are left, as not all could be ended in order, end by themselves within {lease_s:g} s.")
        await staff.end_rest(self._hurry)

    def _hear(self, staff: Staff) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self._stopping.is_set() and not self._hurry.is_set():
                self._hurry.set()
                say(HURRYING)
            self._stopping.set()

        def renew() -> None:
            if not self._stopping.is_set() and (self._renewing is None or self._renewing.done()):
                self._renewing = loop.create_task(self._renew(staff))

        for number in _ENDING:
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, renew)

    async def _renew(self, staff: Staff) -> None:
        if (why := why_unusable(self._order.settings)) is not None:
            self._log.error("gateway.not_renewed", reason=why)
            complain(f"No worker is replaced, as a new one could not serve. {why}")
            return
        self._log.info("gateway.renewing")
        say(RENEWING)
        problems = await staff.renew_workers()
        for problem in problems:
            self._log.error("gateway.not_renewed", reason=problem)
            complain(problem)
        if not problems:
            self._log.info("gateway.renewed")
            say(RENEWED)

    def _give_up(self, words: str) -> None:
        if not self._vacant:
            self._vacant = words
            complain(
                f"{words}\nKernels live on for {self._order.settings.orphan_timeout_s:g} s; a gateway that is started meanwhile finds them."
            )
            self._stopping.set()


def say(words: str) -> None:
    """Print for whoever started the gateway; a terminal that is gone is no reason to end."""
    with contextlib.suppress(OSError):
        os.write(1, os.fsencode(words))  # past a buffer, which would fail once more at the end


def complain(words: str) -> None:
    """Print what is wrong."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"beaker-gateway: {words}\n")
        sys.stderr.flush()
