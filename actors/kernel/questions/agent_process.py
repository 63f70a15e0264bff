"""The agent's process, as the kernel process starts it, lets it in and ends it.

Imported for the first question. The socket at which the agent is let in is opened for it, and only the process that was started here
may come in there.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from actors.kernel.life.orders import start_agent
from actors.kernel.questions.agent_door import AgentMissing
from actors.runtime.codec import Codec
from actors.runtime.hello import Peer, Refusal
from actors.runtime.link import Link
from actors.runtime.listener import AddressTaken, Listener
from actors.runtime.node import Node
from actors.runtime.process import Child, NotReadyError
from beaker.messages.turn import FromAgent
from beaker.places import KernelFolder, PlaceError, make_private
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
        folder: the kernel's runtime folder.
        key: the descriptor behind which the model's key is sealed; handed to agents, never read here.
    """

    def __init__(self, node: Node, loaded: Loaded, folder: str, kernel_id: str, *, key: int | None) -> None:
        self._node = node
        self._loaded = loaded
        self._folder = folder
        self._kernel_id = kernel_id
        self._secret = secrets.token_bytes(32)
        """What an agent must say to be let in."""
        self._key = key
        self._codec = Codec(FromAgent)
        self._child: Child | None = None
        self._link: asyncio.Future[Link] | None = None
        self._listener: Listener | None = None

    @property
    def pid(self) -> int | None:
        """Of the latest that was started."""
        return None if self._child is None else self._child.pid

    async def start(self) -> Link:
        """Start one and wait for it.

        Raises:
            AgentMissing: it could not be started; the sentence says why.
        """
        self._link = asyncio.get_running_loop().create_future()
        program = [sys.executable, "-P", "-m", "beaker_kernel", "--role", "agent"]
        argv = [*program, "--kernel", self._kernel_id, "--folder", self._folder]
        await self.end()
        try:
            await self._listen()
            self._child = start_agent(argv, self._loaded, secret=self._secret, key=self._key)
            _ = self._child.exited  # watched from now on, so that it is reaped whenever it ends
            await self._child.ready(READY_TIMEOUT_S)
            async with asyncio.timeout(LINK_TIMEOUT_S):
                return await self._link
        except (NotReadyError, TimeoutError, OSError, PlaceError) as error:
            raise AgentMissing(f"the agent could not be started: {error}") from None

    def end(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """Make what ends the one that was started last, if it has not left by itself: not one that is started meanwhile."""
        return _end(self._child)

    async def _listen(self) -> None:
        """Let the agent in; anew if somebody has cleaned the socket away under a living kernel.

        Raises:
            AgentMissing: somebody else has the socket.
            PlaceError: its folder cannot be used.
        """
        if self._listener is not None:
            if self._listener.is_reachable:
                return
            self._listener.close()
        folder = KernelFolder(Path(self._folder))
        for path in (folder.path.parent, folder.path):
            make_private(path, uid=os.getuid())
        address = str(folder.kernel_socket)
        try:
            self._listener = await self._node.listen(
                address, codec=self._codec, admit=self._admit, secret=self._secret, on_link=self._linked
            )
        except AddressTaken:
            raise AgentMissing(
                f"the agent could not be started: another process listens at {address}, perhaps a kernel with the same connection file. "
                "End that process and ask again"
            ) from None

    def _admit(self, peer: Peer) -> Refusal | None:
        if peer.role == "agent" and peer.pid == self.pid:
            return None
        return Refusal("peer", f"only the agent that this kernel started may connect, not {peer.role} {peer.pid}")

    def _linked(self, link: Link) -> None:
        if self._link is not None and not self._link.done():
            self._link.set_result(link)


async def _end(child: Child | None) -> None:
    if child is not None:
        await child.end(GRACE_S)
