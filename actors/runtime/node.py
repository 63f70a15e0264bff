"""The node: all actors of one process, and its links to other processes.

There is one per process, made by the composition that decides which process holds which actors. It finds actors by
name, starts and stops them, counts dead letters. It is not a global: an actor that may start others is given the node.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from actors.runtime.actor import Actor
from actors.runtime.cell import Cell
from actors.runtime.clock import Clock, SystemClock
from actors.runtime.codec import Codec
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.failures import NameTaken, Unreachable
from actors.runtime.greeting import Terms
from actors.runtime.hello import Admit, Peer, Refusal, Secret
from actors.runtime.link import Link
from actors.runtime.listener import Listener, connect
from actors.runtime.local_ref import LocalRef
from actors.runtime.log import Log
from actors.runtime.ref import Ref
from actors.runtime.supervision import RestartPolicy

M = TypeVar("M")

DEFAULT_RESTART = RestartPolicy()
MAILBOX_SIZE = 1000
"""Ordinary messages that may wait for one actor: a burst of a second, a megabyte at most of usual messages."""

LINK_CLOSE_LIMIT_S = 1.0
"""How long a link may take to send its last words to a peer that does not read."""


class Node:
    """Holds the actors of this process.

    Args:
        role: what this process is, for logs and for peers: `kernel`, `supervisor`, `agent` ...
        clock: what time it is; a ManualClock in tests.
        protocol: number of the vocabularies that its links speak; two nodes of unequal numbers make no link.
        kernel: id that its log lines carry, where the process holds nodes of several kernels.
        on_gave_up: called with the name of an actor and the reason when its restarts are used up.
    """

    def __init__(
        self,
        role: str,
        *,
        clock: Clock | None = None,
        protocol: int = 1,
        kernel: str = "",
        on_gave_up: Callable[[str, str], None] | None = None,
    ) -> None:
        self.role = role
        self.protocol = protocol
        self.clock: Clock = clock or SystemClock()
        self.log = Log(role=role, kernel=kernel) if kernel else Log(role=role)
        self.dead_letters = DeadLetters(self.log)
        self._on_gave_up = on_gave_up
        self._cells: dict[str, Cell[Any]] = {}  # Any: each cell has its own union
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._listeners: list[Listener] = []
        self._links: set[Link] = set()
        self._link_count = 0
        self._stopping = False

    @property
    def idle(self) -> bool:
        """True when no actor of this node has anything to do until a message arrives."""
        return all(cell.idle for cell in self._cells.values())

    @property
    def waiting(self) -> dict[str, int]:
        """How many messages wait in each actor's mailbox."""
        return {name: cell.mailbox.qsize() for name, cell in self._cells.items()}

    async def spawn(
        self,
        name: str,
        factory: Callable[[], Actor[M]],
        *,
        mailbox_size: int = MAILBOX_SIZE,
        restart: RestartPolicy = DEFAULT_RESTART,
    ) -> Ref[M]:
        """Start an actor; returns once its `on_start` is done.

        Args:
            name: unique on this node; how other nodes find it.
            factory: makes the actor, anew after each crash.
            mailbox_size: ordinary messages that may wait.
            restart: how often it may be restarted.

        Raises:
            NameTaken: an actor of this name runs.
            Unreachable: the node is stopping.
            Stopped: the actor was stopped while it started.
            Exception: whatever the first `on_start` raised; the actor is not there then.
        """
        if name in self._cells:
            raise NameTaken(f"an actor named {name!r} runs on this node already")
        if self._stopping:
            raise Unreachable(f"this node is stopping and starts no {name!r}")
        cell = Cell(
            name,
            factory,
            mailbox_size=mailbox_size,
            policy=restart,
            clock=self.clock,
            dead_letters=self.dead_letters,
            log=self.log,
        )
        loop = asyncio.get_running_loop()
        started: asyncio.Future[None] = loop.create_future()
        self._cells[name] = cell
        task = self._tasks[name] = loop.create_task(cell.run(started), name=name)
        task.add_done_callback(lambda _: self._ended(cell))
        try:
            await started
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            if started.cancelled() or started.exception() is not None:
                await asyncio.wait([task])
        ref: LocalRef[M] = LocalRef(cell)
        return ref

    def ref(self, name: str) -> Ref[Any]:  # Any: the name does not say what the actor understands
        """Find an actor of this node.

        Raises:
            Unreachable: no actor of this name runs.
        """
        cell = self._cells.get(name)
        if cell is None:
            raise Unreachable(f"no actor named {name!r} on this node; there are: {', '.join(sorted(self._cells)) or 'none'}")
        ref: LocalRef[Any] = LocalRef(cell)  # Any: as above
        return ref

    async def stop_actor(self, name: str) -> None:
        """Stop one actor and wait for its end; nothing happens if there is none."""
        if (cell := self._cells.get(name)) is not None:
            task = self._tasks[name]
            cell.request_stop()
            await asyncio.wait([task])

    async def listen(
        self,
        path: str,
        *,
        codec: Codec | Mapping[str, Codec],
        admit: Admit,
        secret: Secret,
        on_link: Callable[[Link], None] | None = None,
        on_refused: Callable[[Peer, Refusal], None] | None = None,
        inherited: socket.socket | None = None,
    ) -> Listener:
        """Let other nodes reach the actors of this one by a unix socket.

        Args:
            path: of the socket, in a folder of mode 0700; at most 100 bytes.
            codec: decodes the union of all that peers may send; or one for each role, which then may send nothing else.
            admit: looks a peer up in the table of roles; returns why not, or None.
            secret: what a peer must know; or one for each role.
            on_link: told of each new link, before anything arrives on it.
            on_refused: told of each peer that was refused, which has been logged.
            inherited: the socket, if somebody else has bound it and will use it again.

        Raises:
            AddressTaken: somebody answers at the path.
            ValueError: the path is too long.
        """

        def make_link(peer: Peer, transport: asyncio.Transport) -> Link:
            return self.make_link(codec if isinstance(codec, Codec) else codec[peer.role], peer, transport)

        listener = Listener(
            path,
            Terms(self.role, self.protocol, secret),
            admit,
            make_link=make_link,
            on_link=on_link,
            on_refused=on_refused,
            clock=self.clock,
            log=self.log,
        )
        await listener.open(inherited)
        self._listeners.append(listener)
        return listener

    async def connect(self, path: str, *, codec: Codec, secret: bytes, timeout_s: float, role: str = "") -> Link:
        """Link to the node that listens at the path.

        Args:
            path: of the socket.
            codec: decodes the union of all that may come from there.
            secret: what it wants to hear.
            timeout_s: for its greeting.
            role: as which we come; empty: this node's.

        Raises:
            Unreachable: nobody listens there (at once).
            NobodyGreeted: which is Unreachable too: nobody did in time.
            Refused: the listener would not have us; `.refusal` says why and which protocol it speaks.
        """
        terms = Terms(role or self.role, self.protocol, secret)
        return await connect(path, terms, make_link=partial(self.make_link, codec), timeout_s=timeout_s)

    async def stop(self) -> None:
        """Stop listening, stop all actors, the youngest first, then close the links; every open ask is answered."""
        self._stopping = True
        for listener in self._listeners:
            listener.close()
        for name in reversed(list(self._cells)):
            await self.stop_actor(name)
        for link in list(self._links):
            link.close("node stopped")
        closing = [link.closed for link in self._links]
        if closing:
            _, left = await asyncio.wait(closing, timeout=LINK_CLOSE_LIMIT_S)
            if left:
                for link in list(self._links):
                    link.abort("node stopped")
                await asyncio.wait(left)

    def make_link(self, codec: Codec, peer: Peer, transport: asyncio.Transport) -> Link:
        """Make the link of a connection that has been greeted; for `listener` and the test kit."""
        self._link_count += 1
        link = Link(
            f"{peer.role}#{self._link_count}",
            peer,
            transport,
            codec=codec,
            cells=self._cells,
            clock=self.clock,
            dead_letters=self.dead_letters,
            log=self.log,
        )
        self._links.add(link)
        link.closed.add_done_callback(lambda _: self._links.discard(link))
        return link

    def _ended(self, cell: Cell[Any]) -> None:  # Any: each cell has its own union
        if self._cells.get(cell.name) is cell:
            del self._cells[cell.name]
            del self._tasks[cell.name]
        if cell.gave_up and self._on_gave_up is not None:
            self._on_gave_up(cell.name, cell.gave_up)
