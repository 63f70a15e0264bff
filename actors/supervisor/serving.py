"""The Supervisor's event loop: the actor, the socket where its owner comes in, and the end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from actors.runtime.codec import Codec
from actors.runtime.failures import Unreachable
from actors.runtime.hello import Peer, Refusal
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from actors.supervisor.actor import Supervisor
from actors.supervisor.guard import Guard
from actors.supervisor.household import Household
from actors.supervisor.order import GAVE_UP, LEFT, Order
from actors.supervisor.watcher import Watcher
from beaker.messages.base import PROTOCOL
from beaker.messages.subkernel import SupervisorMessage
from beaker.subkernels.actions import Action
from beaker.subkernels.facts import ToldToLeave
from beaker.subkernels.life_state import State

NAME = "supervisor"

_CODEC = Codec(SupervisorMessage)


class Links:
    """The kernel processes that are linked now, by pid."""

    def __init__(self) -> None:
        self.by_pid: dict[int, Link] = {}

    def add(self, link: Link) -> None:
        """Remember a link until it is closed; a newer one of the same process takes its place."""
        self.by_pid[link.peer.pid] = link
        link.closed.add_done_callback(lambda _: self._forget(link))

    def _forget(self, link: Link) -> None:
        if self.by_pid.get(link.peer.pid) is link:
            del self.by_pid[link.peer.pid]


class Serving:
    """The Supervisor of one kernel on a loop that runs, and the socket where its owner comes in.

    Args:
        order: what it supervises.
        household, state, backlog: the life so far.
        watcher: held until the end.
    """

    def __init__(self, order: Order, household: Household, state: State, backlog: list[Action], watcher: Watcher) -> None:
        self._order = order
        self._household = household
        self._state = state
        self._backlog = backlog
        self._watcher = watcher
        self._links = Links()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._node = Node(NAME, protocol=PROTOCOL, kernel=order.kernel_id, on_gave_up=lambda *_: self._end(GAVE_UP))

    async def run(self, on_begun: Callable[[], None] | None = None, on_listening: Callable[[], None] | None = None) -> int:
        """Serve until the Supervisor leaves or crashes; returns the status.

        Args:
            on_begun: called once the Supervisor runs, a moment before anybody can come in.
            on_listening: called once the owner can come in.

        Raises:
            OSError: nobody can come in.
        """
        socket = self._household.folder.supervisor_socket
        try:
            await self._node.spawn(NAME, self._make, restart=RestartPolicy(limit=0))  # see the actor: the next one adopts
            if on_begun is not None:
                on_begun()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(socket)  # of one that died: we hold the lock, so it is nobody's
            await self._node.listen(
                str(socket),
                codec=_CODEC,
                admit=_admit,
                secret=self._order.secret,
                on_link=self._links.add,
                on_refused=self._make_room,
            )
            if on_listening is not None:
                on_listening()
            return await self._ended
        finally:
            await self._node.stop()

    def give_way(self) -> None:
        """The end of this Supervisor, but not of a subkernel that somebody owns."""
        if self._links.by_pid:
            # The owner starts another Supervisor, which adopts what lives.
            self._end(GAVE_UP)
        else:
            self.leave()

    def leave(self) -> None:
        """The end of the subkernel, and then of this Supervisor."""
        with contextlib.suppress(Unreachable):  # it has left, or crashed
            self._node.ref(NAME).tell(ToldToLeave())

    def _make(self) -> Supervisor:
        return Supervisor(
            self._household,
            self._state,
            self._backlog,
            watcher=self._watcher,
            links=self._links.by_pid,
            on_left=lambda: self._end(LEFT),
            on_evicted=self.give_way,
            kernel_id=self._order.kernel_id,
        )

    def _end(self, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result(status)

    def _make_room(self, peer: Peer, refusal: Refusal) -> None:
        if refusal.code == "protocol" and peer.role == "kernel" and peer.protocol > PROTOCOL:
            # Its code is newer than ours: the Supervisor that it starts next adopts what lives.
            self._end(GAVE_UP)


def serve(guard: Guard) -> int:
    """Run an event loop of our own for one guard, until it leaves or crashes; returns the exit status."""
    return asyncio.run(_serve(guard))


async def _serve(guard: Guard) -> int:
    loop = asyncio.get_running_loop()
    # A turn later: by then we have heard of an owner that left before we were told to, and must not leave to it what nobody owns.
    return await guard.serve(on_begun=lambda: loop.add_signal_handler(signal.SIGTERM, loop.call_soon, guard.give_way))


def _admit(peer: Peer) -> Refusal | None:
    """Only a kernel process has business here."""
    return None if peer.role == "kernel" else Refusal(code="peer", words=f"a {peer.role} process has no business with the Supervisor")
