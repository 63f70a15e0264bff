"""One conversation of an agent host: a node with its AgentActor and the link to its kernel.

The node is the conversation's own: names, links, log lines and the news of a death are there what they are in a process for one kernel,
and an actor that fails takes no other with it. It ends with its link.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.agent.making import NO_RESTART, make_actor
from actors.agent.order import decode_order
from actors.runtime.codec import Codec
from actors.runtime.node import Node
from beaker.messages.agent_host import OpenConversation
from beaker.messages.base import PROTOCOL
from beaker.messages.turn import ToAgent
from beaker.places import KernelFolder

ROLE: Final = "agent-host"
"""As which it greets its kernel."""
CONNECT_TIMEOUT_S: Final = 5.0
"""To a kernel host that waits for it: milliseconds."""


class Conversation:
    """One kernel's.

    Args:
        wanted: what the kernel host said of it.
        key: the model's.
        on_ended: called once, when nothing of it is left.
    """

    def __init__(self, wanted: OpenConversation, key: str | None, *, on_ended: Callable[["Conversation"], None]) -> None:
        self._wanted = wanted
        self._key = key
        self._on_ended = on_ended
        self._node = Node("agent", protocol=PROTOCOL, kernel=wanted.kernel_id, on_gave_up=lambda _name, _reason: self.end())
        self._ending: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Messages in the mailbox of its agent."""
        return sum(self._node.waiting.values())

    @property
    def dead_letters(self) -> int:
        """Messages that reached no actor."""
        return self._node.dead_letters.total

    async def start(self) -> None:
        """Link to the kernel; returns when the agent can be asked. One that cannot is to be ended.

        Raises:
            RuntimeFault: the kernel is not there, or would not have us.
        """
        wanted = self._wanted
        link = await self._node.connect(
            str(KernelFolder(Path(wanted.folder)).kernel_socket),
            codec=Codec(ToAgent),
            secret=wanted.secret,
            timeout_s=CONNECT_TIMEOUT_S,
            role=ROLE,
        )
        link.watch(lambda _: self.end())
        order = decode_order(wanted.order)  # but for its settings of logs: their file is one for all, as that of a kernel host is
        node, key = self._node, self._key
        await node.spawn("agent", lambda: make_actor(link, order, key, node.clock, shared=True), restart=NO_RESTART)
        node.log.info("conversation.opened")

    def end(self) -> None:
        """End its turns, and it."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end(), name=f"end-{self._wanted.kernel_id}")

    async def ended(self) -> None:
        """End it, and wait for that."""
        self.end()
        assert self._ending is not None
        await self._ending

    async def _end(self) -> None:
        await self._node.stop()
        self._node.log.info("conversation.ended")
        self._on_ended(self)
