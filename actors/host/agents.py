"""This kernel host's way to the agent host that has the conversations of its kernels.

Connecting is all that it takes to have one: where none runs the guardian starts it. What is said here is only that a conversation is
wanted; it then goes by a link of its own, between its kernel and the agent host.
"""

import asyncio
import signal
from typing import Final

from actors.guardian.order import GatewayOrder, agent_host_role, host_role
from actors.kernel.owner import NoSharedAgent
from actors.runtime.codec import Codec
from actors.runtime.failures import AskFailed, AskTimeout, RuntimeFault, Stopped, Unreachable
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle
from beaker.messages.agent_host import AgentHostFailure, AgentHostReply, ConversationOpened, OpenConversation
from beaker.messages.turn import Ping

ACTOR: Final = "agents"
CONNECT_TIMEOUT_S: Final = 20.0
"""For one that has to be started first; importing from a cold disk takes seconds."""
OPEN_TIMEOUT_S: Final = 5.0
"""For one that runs, which takes milliseconds. A kernel that would wait longer gets an agent process of its own."""
GRACE_S: Final = 1.0
"""For one that was silent to a kernel to answer us, before it is killed: as long as an agent of a single kernel has to leave."""
TRIES: Final = 2
"""One that has just left, or was just lost, is noticed by the first."""


class Agents:
    """Links to the agent host of this kernel host.

    Args:
        order: of this host.
        node: of this process.
        number: of the agent host.
    """

    def __init__(self, order: GatewayOrder, node: Node, number: int) -> None:
        self._order = order
        self._node = node
        self._number = number
        self._link: Link | None = None
        self._process: ProcessHandle | None = None
        """Of the one that is linked."""
        self._connecting = asyncio.Lock()
        self._judging = asyncio.Lock()

    async def open(self, wanted: OpenConversation) -> None:
        """Have a conversation opened; its agent comes to the kernel.

        Raises:
            NoSharedAgent: it cannot be had now; the sentence says why.
        """
        async with self._judging:
            pass  # one that is about to be killed takes no more
        try:
            for left in reversed(range(TRIES)):
                link = await self._linked()
                try:
                    opened = await link.ref(ACTOR).ask(wanted, timeout_s=OPEN_TIMEOUT_S)
                except (Unreachable, Stopped):
                    if not left:
                        raise
                else:
                    self._note(link, opened)
                    return
        except AskFailed as refused:
            raise NoSharedAgent(refused.failure.reason if isinstance(refused.failure, AgentHostFailure) else str(refused)) from None
        except RuntimeFault as error:
            raise NoSharedAgent(str(error)) from None

    async def judge(self) -> None:
        """A kernel's user has given a silent conversation up: kill the process that holds it, unless it answers us."""
        async with self._judging:
            link, process = self._link, self._process
            if link is None or link.closed.done() or process is None:
                return
            try:
                await link.ref(ACTOR).ask(Ping(), timeout_s=GRACE_S)
            except AskTimeout:
                self._node.log.warning("agent_host.killed", silent_s=GRACE_S)
                try:
                    process.send_signal(signal.SIGKILL)
                except NoSuchProcessError:
                    return
                await link.closed
            except RuntimeFault:
                return  # it is gone

    async def _linked(self) -> Link:
        async with self._connecting:
            if self._link is None or self._link.closed.done():
                who = host_role(self._order.number)
                self._link = await self._node.connect(
                    self._order.agent_socket(self._number),
                    codec=Codec(AgentHostReply),
                    secret=self._order.secret_between(who, agent_host_role(self._number)),
                    timeout_s=CONNECT_TIMEOUT_S,
                    role=who,
                )
                self._link.watch(lambda _: self._forget())
            return self._link

    def _note(self, link: Link, opened: ConversationOpened) -> None:
        """Know which process it is: the socket itself is the guardian's."""
        if self._process is None and not link.closed.done():
            try:
                self._process = ProcessHandle(opened.pid)
            except NoSuchProcessError:
                return

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()
