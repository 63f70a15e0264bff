"""A link to another role of this gateway that is made again whenever it is lost.

The Registry and the kernel hosts may be replaced at any time; the guardian sees to that, and their sockets have the same
places afterwards. Whoever asks meanwhile waits a while for the next one instead of being refused.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault, Unreachable
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.node import Node
from actors.runtime.ref import Answerable

Reply = TypeVar("Reply")

CONNECT_LIMIT_S: Final = 5.0
"""For the greeting of a role that listens: a millisecond, unless the machine is out of breath."""

AGAIN_S: Final = 0.05
"""Between two tries: a role that is replaced is back within a second, and a try costs a system call."""

PATIENCE_S: Final = 8.0
"""How long a request waits for a role that is being replaced: several times what that takes, and less than clients wait."""


class LastingLink:
    """The way to one role.

    Args:
        node: of this process.
        path: of the socket where the role listens.
        codec: what may come from it.
        secret: what it wants to hear.
        on_link: told of each link before anything arrives on it.
        on_lost: told when a link is gone.
    """

    def __init__(
        self,
        node: Node,
        path: str,
        *,
        codec: Codec,
        secret: bytes,
        on_link: Callable[[Link], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self.link: Link | None = None
        """None while there is none."""
        self._node = node
        self.path = path
        self._codec = codec
        self._secret = secret
        self._on_link = on_link
        self._on_lost = on_lost
        self._clock: Clock = node.clock
        self._log: Log = node.log.bind(path=path)
        self._is_there = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether the role can be asked now."""
        return self.link is not None

    async def appear(self) -> None:
        """Wait until there is a link."""
        while self.link is None:
            await self._is_there.wait()

    async def keep(self) -> None:
        """Make the link and make it again, until this is cancelled."""
        said = ""
        while True:
            try:
                link = await self._node.connect(self.path, codec=self._codec, secret=self._secret, timeout_s=CONNECT_LIMIT_S)
            except RuntimeFault as error:
                if str(error) != said:  # once per reason, not twenty times in a second
                    said = str(error)
                    self._log.info("link.waiting", reason=said)
                await self._clock.sleep(AGAIN_S)
                continue
            said = ""
            self.link = link
            if self._on_link is not None:
                self._on_link(link)
            self._is_there.set()
            try:
                await asyncio.shield(link.closed)
            finally:
                self.link = None
                self._is_there.clear()
                if self._on_lost is not None:
                    self._on_lost()

    async def ask(
        self, actor: str, request: Answerable[Reply], *, timeout_s: float, patience_s: float = PATIENCE_S, again: bool = False
    ) -> Reply:
        """Ask an actor of the role.

        Args:
            actor: its name.
            timeout_s: for the answer, once the role is there.
            patience_s: for the role to be there.
            again: the request changes nothing, so it is asked of the next one if this one is lost over it.

        Raises:
            Unreachable: the role is not there, or was lost over the request.
            AskError: another of its classes.
        """
        deadline = self._clock.monotonic() + patience_s
        while True:
            link = await self._wait(deadline)
            try:
                ref: Any = link.ref(actor)  # Any: what it understands is known to whoever asks
                reply: Reply = await ref.ask(request, timeout_s=timeout_s)
            except Unreachable:
                # With the link still there it is the actor that is not yet: nothing has happened.
                if (link.closed.done() and not again) or self._clock.monotonic() >= deadline:
                    raise
                await self._clock.sleep(AGAIN_S)
            else:
                return reply

    async def _wait(self, deadline: float) -> Link:
        if self.link is None and (left_s := deadline - self._clock.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self.appear()
            except TimeoutError:
                self._log.debug("link.missed")
        if self.link is None:
            raise Unreachable(f"nobody is at {self.path} for now")
        return self.link
