"""An agent's process of one kernel alone, as it is started, let in and ended. Imported for the first question."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from actors.kernel.life.orders import start_agent
from actors.kernel.questions.agent_door import AgentMissing
from actors.kernel.questions.agent_entrance import AgentEntrance
from actors.runtime.hello import Peer
from actors.runtime.link import Link
from actors.runtime.process import Child, NotReadyError
from beaker.places import PlaceError
from beaker.settings.load import Loaded

READY_TIMEOUT_S = 20.0
"""For a role process to say that it can be used; importing from a cold disk takes seconds."""
LINK_TIMEOUT_S = 30.0
"""From there to its link, which takes milliseconds; the agent itself gives up before that."""
GRACE_S = 1.0
"""For one that is ended, before it is killed; it closes a connection and a log."""


class AgentProcess:
    """One at a time; the next is started when the last is gone.

    Args:
        entrance: where it comes in.
        folder: the kernel's runtime folder.
        key: the descriptor behind which the model's key is sealed; handed to agents, never read here.
    """

    def __init__(self, entrance: AgentEntrance, loaded: Loaded, folder: str, kernel_id: str, *, key: int | None) -> None:
        self._entrance = entrance
        self._loaded = loaded
        self._folder = folder
        self._kernel_id = kernel_id
        self._key = key
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Of the latest that was started."""
        return None if self._child is None else self._child.pid

    async def start(self) -> Link:
        """Start one and wait for it.

        Raises:
            AgentMissing: it could not be started; the sentence says why.
        """
        program = [sys.executable, "-P", "-m", "beaker_kernel", "--role", "agent"]
        argv = [*program, "--kernel", self._kernel_id, "--folder", self._folder]
        await self.end()
        try:
            arrived = await self._entrance.open(self._is_ours)
            self._child = start_agent(argv, self._loaded, secret=self._entrance.secret, key=self._key)
            _ = self._child.exited  # watched from now on, so that it is reaped whenever it ends
            await self._child.ready(READY_TIMEOUT_S)
            async with asyncio.timeout(LINK_TIMEOUT_S):
                return await arrived
        except (NotReadyError, TimeoutError, OSError, PlaceError) as error:
            raise AgentMissing(f"the agent could not be started: {error}") from None

    def end(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """Make what ends the one that was started last, if it has not left by itself: not one that is started meanwhile."""
        return _end(self._child)

    def _is_ours(self, peer: Peer) -> bool:
        return peer.role == "agent" and peer.pid == self.pid


async def _end(child: Child | None) -> None:
    if child is not None:
        await child.end(GRACE_S)
