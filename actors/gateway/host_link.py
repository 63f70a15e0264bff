"""A worker's way to one kernel host: questions to the host, and a stream for each kernel that has a client here.

When the host says that a kernel is over, the Registry has the last word: a host that has just been replaced does not have its
kernels yet, and their clients must not be sent away for that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from actors.gateway.lasting_link import LastingLink
from actors.gateway.room import KernelRoom
from actors.gateway.socket_client import SocketClient
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.messages.host import HostReply

CODEC: Final = Codec(HostReply)

AGAIN_S: Final = 0.1
LOOKS: Final = 5
"""How often, and at what distance, the Registry must still name a kernel before it is opened again: one that was ended is over at its
host a moment before it leaves the list."""


class HostLink:
    """One host.

    Args:
        node: of this process.
        path: of the host's socket.
        secret: what it wants to hear.
        is_traced: see `KernelRoom`.
        is_there: tells whether the Registry still has a kernel; None where it does not answer.
    """

    def __init__(
        self, node: Node, path: str, *, secret: bytes, is_there: Callable[[str], Awaitable[bool | None]], is_traced: bool = False
    ) -> None:
        self._is_traced = is_traced
        self.role = LastingLink(node, path, codec=CODEC, secret=secret, on_link=self._found, on_lost=self._lost)
        """By which the host is asked."""
        self.rooms: dict[str, KernelRoom] = {}
        """By the kernel's id: those with a client."""
        self._is_there = is_there
        self._clock = node.clock
        self._log = node.log
        self._streams: dict[str, int] = {}
        """Of every kernel that had a client: the host knows a kernel by its stream as long as the link lasts."""
        self._by_stream: dict[int, KernelRoom] = {}
        self._checking: dict[str, asyncio.Task[None]] = {}

    @property
    def clients(self) -> list[SocketClient]:
        """All that are connected to kernels of this host."""
        return [client for room in self.rooms.values() for client in room.clients.values()]

    async def serve(self, kernel_id: str, client: SocketClient) -> None:
        """Connect a client to a kernel, until one of them has enough."""
        room = self._room(kernel_id)
        log = self._log.bind(kernel=kernel_id, session=client.session)
        log.info("websocket.opened", framing=client.framing)
        room.join(client)
        try:
            await client.run(room)
        finally:
            log.info("websocket.closed", code=client.close_code, last=client.delivery.last)
            room.leave(client)
            if not room.clients:
                self._forget(room)

    async def stop(self) -> None:
        """End what is under way."""
        for task in list(self._checking.values()):
            task.cancel()
        if self._checking:
            await asyncio.wait(list(self._checking.values()))

    def _room(self, kernel_id: str) -> KernelRoom:
        room = self.rooms.get(kernel_id)
        if room is None:
            stream = self._streams.setdefault(kernel_id, len(self._streams) + 1)
            room = KernelRoom(
                kernel_id, stream, link=self._link, on_over=self._over, clock=self._clock, log=self._log, is_traced=self._is_traced
            )
            self.rooms[kernel_id] = self._by_stream[stream] = room
        return room

    def _forget(self, room: KernelRoom) -> None:
        if self.rooms.get(room.kernel_id) is room:
            del self.rooms[room.kernel_id]
            del self._by_stream[self._streams[room.kernel_id]]
            if (task := self._checking.pop(room.kernel_id, None)) is not None:
                task.cancel()

    def _link(self) -> Link | None:
        return self.role.link

    def _found(self, link: Link) -> None:
        link.on_bytes = self._took
        for room in self.rooms.values():
            room.reopen()

    def _lost(self) -> None:
        for room in self.rooms.values():
            room.lost()

    def _took(self, stream: int, frames: list[memoryview]) -> None:
        # None: what was under way to the last client, who has gone.
        if (room := self._by_stream.get(stream)) is not None:
            room.took(frames)

    def _over(self, room: KernelRoom, reason: str) -> None:
        if room.kernel_id not in self._checking:
            task = asyncio.get_running_loop().create_task(self._check(room, reason), name=f"is {room.kernel_id} over")
            self._checking[room.kernel_id] = task
            task.add_done_callback(lambda done: self._checked(room, done))

    def _checked(self, room: KernelRoom, task: "asyncio.Task[None]") -> None:
        if self._checking.get(room.kernel_id) is task:
            del self._checking[room.kernel_id]

    async def _check(self, room: KernelRoom, reason: str) -> None:
        left = LOOKS
        while (there := await self._is_there(room.kernel_id)) is not False:
            await self._clock.sleep(AGAIN_S)
            left -= there is True
            if left == 0:
                room.reopen()
                return
        room.over(reason)
