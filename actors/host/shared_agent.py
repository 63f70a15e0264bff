"""One kernel's agent that lives in an agent host."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, Final

from actors.agent.order import encode_order, order_of
from actors.host.agents import Agents
from actors.kernel.owner import NoSharedAgent
from actors.kernel.questions.agent_door import SHARED, AgentMissing
from actors.kernel.questions.agent_entrance import AgentEntrance
from actors.runtime.hello import Peer
from actors.runtime.link import Link
from actors.runtime.peers import parent_of
from beaker.messages.agent_host import OpenConversation
from beaker.places import PlaceError
from beaker.settings.load import Loaded

LINK_TIMEOUT_S: Final = 5.0
"""The link is there before the conversation counts as opened."""


class SharedAgent:
    """See `actors.kernel.owner.Shared`."""

    def __init__(self, agents: Agents, loaded: Loaded, *, folder: str, kernel_id: str) -> None:
        self._agents = agents
        self._loaded = loaded
        self._folder = folder
        self._kernel_id = kernel_id

    async def start(self, entrance: AgentEntrance) -> Link:
        """See there.

        Raises:
            NoSharedAgent: it cannot be had.
        """
        try:
            arrived = await entrance.open(_is_ours)
            await self._agents.open(
                OpenConversation(
                    kernel_id=self._kernel_id,
                    folder=self._folder,
                    secret=entrance.secret,
                    order=encode_order(order_of(self._loaded)),
                )
            )
            async with asyncio.timeout(LINK_TIMEOUT_S):
                return await arrived
        except (AgentMissing, TimeoutError, OSError, PlaceError) as error:
            raise NoSharedAgent(str(error)) from None

    def end(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """See there."""
        return self._agents.judge()


def _is_ours(peer: Peer) -> bool:
    """Only the guardian starts what has our guardian for its parent; which of them it is, its secret says."""
    return peer.role == SHARED and parent_of(peer.pid) == os.getppid()
