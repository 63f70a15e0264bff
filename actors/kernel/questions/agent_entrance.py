"""The socket of one kernel at which its agent comes in, whichever process holds that.

Imported for the first question, and opened for it. Only the one that is expected at the moment may come in; one that comes after it was
given up finds nobody who waits, and its link is closed.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from actors.kernel.questions.agent_door import AgentMissing
from actors.runtime.codec import Codec
from actors.runtime.hello import Peer, Refusal
from actors.runtime.link import Link
from actors.runtime.listener import AddressTaken, Listener
from actors.runtime.node import Node
from beaker.messages.turn import FromAgent
from beaker.places import KernelFolder, make_private


class AgentEntrance:
    """One kernel's.

    Args:
        node: of the KernelActor.
        folder: the kernel's runtime folder.
    """

    def __init__(self, node: Node, folder: str) -> None:
        self.secret = secrets.token_bytes(32)
        """What an agent must say to be let in."""
        self._node = node
        self._folder = folder
        self._codec = Codec(FromAgent)
        self._listener: Listener | None = None
        self._admit: Callable[[Peer], bool] = lambda _peer: False
        self._arrived: asyncio.Future[Link] | None = None

    async def open(self, admit: Callable[[Peer], bool]) -> "asyncio.Future[Link]":
        """Let one in; anew if somebody has cleaned the socket away under a living kernel.

        Args:
            admit: says who is the one.

        Returns:
            Becomes its link.

        Raises:
            AgentMissing: somebody else has the socket.
            OSError, PlaceError: its folder cannot be used.
        """
        self._admit = admit
        arrived = self._arrived = asyncio.get_running_loop().create_future()
        if self._listener is not None:
            if self._listener.is_reachable:
                return arrived
            self._listener.close()
        folder = KernelFolder(Path(self._folder))
        for path in (folder.path.parent, folder.path):
            make_private(path, uid=os.getuid())
        address = str(folder.kernel_socket)
        try:
            self._listener = await self._node.listen(
                address, codec=self._codec, admit=self._judge, secret=self.secret, on_link=self._linked
            )
        except AddressTaken:
            raise AgentMissing(
                f"the agent could not be started: another process listens at {address}, perhaps a kernel with the same connection file. "
                "End that process and ask again"
            ) from None
        return arrived

    def _judge(self, peer: Peer) -> Refusal | None:
        if self._admit(peer):
            return None
        return Refusal("peer", f"only the agent that this kernel wants may connect, not {peer.role} {peer.pid}")

    def _linked(self, link: Link) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(link)
        else:
            link.abort("nobody waits for this agent")
