"""The Supervisor's event loop: the actor, the socket where its owner comes in, and the end."""

import asyncio
import contextlib
import os
import signal

from actors.runtime.codec import Codec
from actors.runtime.hello import Peer, Refusal
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from actors.supervisor.actor import Supervisor
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


def serve(order: Order, household: Household, state: State, backlog: list[Action], watcher: Watcher) -> int:
    """Run the event loop until the Supervisor leaves or crashes; returns the exit status."""
    return asyncio.run(_serve(order, household, state, backlog, watcher))


async def _serve(order: Order, household: Household, state: State, backlog: list[Action], watcher: Watcher) -> int:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(status: int) -> None:
        if not ended.done():
            ended.set_result(status)

    links = Links()

    def make() -> Supervisor:
        return Supervisor(
            household,
            state,
            backlog,
            watcher=watcher,
            links=links.by_pid,
            on_left=lambda: end(LEFT),
            on_evicted=give_way,
            kernel_id=order.kernel_id,
        )

    def give_way() -> None:
        """The end of this Supervisor, but not of a subkernel that somebody owns."""
        if links.by_pid:
            # The owner starts another Supervisor, which adopts what lives.
            end(GAVE_UP)
        else:
            node.ref(NAME).tell(ToldToLeave())

    def make_room(peer: Peer, refusal: Refusal) -> None:
        if refusal.code == "protocol" and peer.role == "kernel" and peer.protocol > PROTOCOL:
            # Its code is newer than ours: the Supervisor that it starts next adopts what lives.
            end(GAVE_UP)

    node = Node(NAME, protocol=PROTOCOL, on_gave_up=lambda *_: end(GAVE_UP))
    restart = RestartPolicy(limit=0)  # see the actor: the next process adopts
    await node.spawn(NAME, make, restart=restart)

    loop = asyncio.get_running_loop()
    # A turn later: by then we have heard of an owner that left before we were told to, and must not leave to it what nobody owns.
    loop.add_signal_handler(signal.SIGTERM, loop.call_soon, give_way)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(household.folder.supervisor_socket)  # of one that died: we hold the lock, so it is nobody's
    try:
        await node.listen(
            str(household.folder.supervisor_socket),
            codec=_CODEC,
            admit=_admit,
            secret=order.secret,
            on_link=links.add,
            on_refused=make_room,
        )
        return await ended
    finally:
        await node.stop()


def _admit(peer: Peer) -> Refusal | None:
    """Only a kernel process has business here."""
    return None if peer.role == "kernel" else Refusal(code="peer", words=f"a {peer.role} process has no business with the Supervisor")
