"""One kernel of a host: a node with its KernelActor, the way to its Supervisor, its agents, its clients.

The node is the kernel's own, under the role of a kernel process: names, links and news of a death are there what they are in a process
for one kernel, and one that fails takes no other with it.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from actors.guardian.order import GatewayOrder
from actors.host.agents import Agents
from actors.host.feed import Feed
from actors.host.numbering import next_beginning
from actors.host.shared_agent import SharedAgent
from actors.host.told_file import ToldFile
from actors.kernel.actor import KernelActor
from actors.kernel.owner import Owner
from actors.kernel.sockets.front import Front, Handlers
from actors.kernel.state.inflight_log import inflight_path
from actors.kernel.state.surroundings import Surroundings
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.gateway.environment import NOTEBOOK
from beaker.gateway.quota import Quota
from beaker.messages.base import PROTOCOL, KernelId
from beaker.messages.host import KernelStanding, Serve
from beaker.settings.load import load

SUPERVISOR_TIMEOUT_S = 30.0
"""For the Registry's process, in which it lives, to be replaced, with room."""
ENDED = "the kernel has ended"


class Hosted:
    """One kernel.

    Args:
        serve: what the Registry said of it.
        order: of this host.
        key: the descriptor behind which the model's key is sealed.
        agents: the way to an agent host; None: its agent is a process of its own.
        quota: what all kernels of this host may keep for clients.
        not_saving: tells why the gateway writes nothing down at the moment.
        on_ended: called once, when it has.
    """

    def __init__(
        self,
        serve: Serve,
        order: GatewayOrder,
        *,
        key: int | None,
        agents: Agents | None,
        quota: Quota,
        not_saving: Callable[[], str],
        on_ended: Callable[["Hosted"], None],
    ) -> None:
        self.serve = serve
        self.kernel_id = serve.kernel.kernel_id
        self.wanted_end = False
        """The Registry wants it to end."""
        self._on_ended = on_ended
        self._node = Node("kernel", protocol=PROTOCOL, kernel=self.kernel_id, on_gave_up=self._gave_up)
        self.log = self._node.log.bind(actor="kernel")
        folder = serve.kernel.folder
        # What the gateway was started with configures its kernels, though their cells get only what is on a list.
        environment = {**os.environ, **serve.environment}
        self._loaded = load(
            environment,
            folder=folder,
            command_line={"subkernel.spec": serve.kernel.subkernel},
            key=order.key,
            key_problems=order.key_problems,
        )
        self._surroundings = Surroundings(environment, lambda: folder, not_saving)
        self._takes_over = Path(inflight_path(serve.runtime_folder)).exists()
        self.feed = Feed(
            order.settings,
            self.log,
            first=next_beginning(serve.runtime_folder),
            max_message_bytes=min(self._loaded.settings.kernel.max_message_bytes, order.settings.max_body_bytes),
            takes_over=self._takes_over,
            folder=order.state,
            quota=quota,
            told=ToldFile(serve.runtime_folder, order.folder, self.log),
        )
        shared = None if agents is None else SharedAgent(agents, self._loaded, folder=serve.runtime_folder, kernel_id=self.kernel_id)
        self._owner = Owner(
            self._node,
            self._loaded,
            folder=serve.runtime_folder,
            kernel_id=self.kernel_id,
            secret=serve.secret,
            key=key,
            shared=shared,
        )
        self._actor: KernelActor | None = None
        self._ending: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing of it is left here."""

    async def start(self) -> None:
        """Let clients in.

        Raises:
            OSError: its runtime folder cannot be used.
        """
        await self._node.spawn("kernel", self._make_actor)
        self.feed.hand_on()
        self.log.info(
            "kernel.started",
            host=os.getpid(),
            notebook=self.serve.environment.get(NOTEBOOK, ""),
            spec=self.serve.kernel.spec_name,
            takes_over=self._takes_over,
        )

    @property
    def standing(self) -> KernelStanding:
        """How it is at the moment."""
        standing, actor = self.feed.standing, self._actor
        at_work = actor is not None and actor.at_work
        state = standing.state
        if state == "starting" and actor is not None and actor.answers:
            # It answers, and nobody has asked anything yet; or the status of what runs was told by a host that was lost.
            state = "busy" if at_work else "idle"
        return KernelStanding(
            kernel_id=self.kernel_id,
            execution_state=state,
            last_activity=standing.last_activity,
            connections=self.feed.connections,
            at_work=at_work,
            waits_for_user=actor is not None and actor.waits_for_user,
        )

    @property
    def waiting(self) -> dict[str, int]:
        """Messages in the mailboxes of its actors."""
        return self._node.waiting

    @property
    def dead_letters(self) -> int:
        """Messages that reached none of its actors."""
        return self._node.dead_letters.total

    def interrupt(self) -> None:
        """Stop what runs."""
        if self._actor is not None:
            self._actor.interrupt_by_signal()

    async def restart(self) -> None:
        """A fresh session; returns when it answers.

        Raises:
            SupervisorMissing: it could not be done; the sentence says why.
        """
        if self._actor is not None:
            await self._actor.restart()

    def begin_to_end(self) -> None:
        """End the subkernel, politely, then by force; then all that is here. A second call changes nothing."""
        if self.wanted_end:
            return
        self.wanted_end = True
        if self._actor is not None:
            self._actor.shut_down(restart=False)
        else:
            self._finish()

    async def end(self) -> None:
        """Return once it has ended. Those who call again wait for the same end."""
        self.begin_to_end()
        await asyncio.shield(self.ended)

    def _make_actor(self) -> KernelActor:
        self._actor = KernelActor(
            kernel_id=KernelId(self.kernel_id),
            loaded=self._loaded,
            folder=self.serve.runtime_folder,
            make_front=self._make_front,
            connect_supervisor=self._connect_supervisor,
            start_agent=self._owner.start_agent,
            end_agent=self._owner.end_agent,
            client_key=secrets.token_hex(32),  # no client has one: what signs here is the worker's link
            on_finished=self._finish,
            surroundings=self._surroundings,
            stays=True,
        )
        return self._actor

    def _make_front(self, handlers: Handlers) -> Front:
        front = self.feed.attach(handlers)
        # A turn later: the actor has no rooms yet.
        asyncio.get_running_loop().call_soon(self.feed.hand_on)
        return front

    async def _connect_supervisor(self) -> Link:
        return await self._owner.reach_supervisor(SUPERVISOR_TIMEOUT_S)

    def _gave_up(self, _name: str, reason: str) -> None:
        self.log.error("kernel.gave_up", reason=reason)
        self._finish()

    def _finish(self) -> None:
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end(), name=f"end-{self.kernel_id}")

    async def abandon(self) -> None:
        """Take down what is here of a kernel that could not be served, and lives on: the Registry asks for it again."""
        if self._ending is None:
            await self._take_down()
        else:
            await asyncio.shield(self.ended)

    async def _take_down(self) -> None:
        await self._node.stop()
        await self._owner.close()
        self.feed.over(ENDED)

    async def _end(self) -> None:
        await self._take_down()
        self.log.info("kernel.ended", wanted=self.wanted_end)
        self._on_ended(self)
        self.ended.set_result(None)
