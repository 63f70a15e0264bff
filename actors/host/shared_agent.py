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
        """See there. What comes in for nothing is turned away: a conversation ends with its link, and the kernel would have two.

        Raises:
            NoSharedAgent: it cannot be had.
        """
        expected: list[asyncio.Future[Link]] = []

        async def expect() -> None:
            expected.append(await entrance.open(_is_ours))

        taken: Link | None = None
        try:
            await self._agents.open(
                OpenConversation(
                    kernel_id=self._kernel_id,
                    folder=self._folder,
                    secret=entrance.secret,
                    order=encode_order(order_of(self._loaded)),
                ),
                expect,
            )
            async with asyncio.timeout(LINK_TIMEOUT_S):
                taken = await expected[-1]
                return taken
        except (AgentMissing, TimeoutError, OSError, PlaceError) as error:
            raise NoSharedAgent(str(error)) from None
        finally:
            for arrived in expected:
                _turn_away(arrived, but=taken)

    def end(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """See there."""
        return self._agents.judge()


def _turn_away(arrived: "asyncio.Future[Link]", *, but: Link | None) -> None:
    """Whether it has come in already, or comes later: the entrance closes what comes for a future that is cancelled."""
    if arrived.cancel() or arrived.cancelled():
        return
    if (link := arrived.result()) is not but:
        link.abort("nobody waits for this agent any more")


def _is_ours(peer: Peer) -> bool:
    """Only the guardian starts what has our guardian for its parent; which of them it is, its secret says."""
    return peer.role == SHARED and parent_of(peer.pid) == os.getppid()
