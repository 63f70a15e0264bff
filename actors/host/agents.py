"""This kernel host's way to the agent host that has the conversations of its kernels.

Connecting is all that it takes to have one: where none runs the guardian starts it. What is said here is only that a conversation is
wanted; it then goes by a link of its own, between its kernel and the agent host. One that stands still is killed, so that it holds up
the first kernel that wants something of it, and not every one.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from actors.guardian.incumbent import find_incumbent
from actors.guardian.order import GatewayOrder, agent_host_role, host_role
from actors.kernel.owner import NoSharedAgent
from actors.runtime.codec import Codec
from actors.runtime.failures import AskFailed, AskTimeout, RuntimeFault, Stopped, Unreachable
from actors.runtime.link import Link
from actors.runtime.listener import NobodyGreeted
from actors.runtime.node import Node
from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle
from beaker.messages.agent_host import AgentHostFailure, AgentHostReply, ConversationOpened, OpenConversation
from beaker.messages.figures import Figures, TellFigures
from beaker.messages.turn import Ping

ACTOR: Final = "agents"
CONNECT_TIMEOUT_S: Final = 20.0
"""For one that has to be started first; importing from a cold disk takes seconds."""
OPEN_TIMEOUT_S: Final = 5.0
"""For one that runs, which takes milliseconds. A kernel that would wait longer gets an agent process of its own."""
GRACE_S: Final = 1.0
"""For one that was silent to a kernel to answer us, before it is killed: as long as an agent of a single kernel has to leave. No setting,
as the silence that a user sees, and ends by Stop, is one: `kernel.agent_silence_s`."""
UNASKED_GRACE_S: Final = 3.0
"""The same where no user has given anything up, and it may have the answers of others under way: eight seconds of silence in all."""
SILENT_FOR_S: Final = 30.0
"""So long nobody waits anew for one that does not come to greet; the guardian ends it a minute after its start."""
FIGURES_TIMEOUT_S: Final = 0.7
"""For an answer from memory, while the Registry waits a second for ours."""
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
        self._socket = order.agent_socket(number)
        self._link: Link | None = None
        self._process: ProcessHandle | None = None
        """Of the one that is linked, once it is known."""
        self._connecting = asyncio.Lock()
        self._judging = asyncio.Lock()
        self._silence = ""
        self._silent_until = 0.0
        """Monotonic; until then that is the answer."""

    async def open(self, wanted: OpenConversation, expect: Callable[[], Awaitable[None]]) -> None:
        """Have a conversation opened; its agent comes to the kernel.

        Args:
            expect: has the kernel expect it, each time that one is about to come; one that was expected before comes no more.

        Raises:
            NoSharedAgent: it cannot be had now; the sentence says why.
        """
        async with self._judging:
            pass  # one that is about to be killed takes no more
        try:
            link: Link | None = None
            for left in reversed(range(TRIES)):
                try:
                    link = await self._linked()
                    await expect()
                    opened = await link.ref(ACTOR).ask(wanted, timeout_s=OPEN_TIMEOUT_S)
                except (Unreachable, Stopped) as error:
                    if not left or isinstance(error, NobodyGreeted):
                        raise
                    if link is not None:  # one that leaves says so before it closes its link, which is of no use any more
                        link.abort("it has left")
                        await asyncio.shield(link.closed)
                except AskTimeout:
                    await self.judge(UNASKED_GRACE_S)
                    if not left or link is None or not link.closed.done():
                        raise
                else:
                    self._note(link, opened)
                    return
        except AskFailed as refused:
            raise NoSharedAgent(refused.failure.reason if isinstance(refused.failure, AgentHostFailure) else str(refused)) from None
        except RuntimeFault as error:
            raise NoSharedAgent(str(error)) from None

    async def judge(self, grace_s: float | None = None) -> None:
        """A kernel has given a silent conversation up: kill the process that holds it, unless it answers us.

        Args:
            grace_s: how long it has for that; None: as long as for a user who waits.
        """
        grace_s = GRACE_S if grace_s is None else grace_s
        async with self._judging:
            link = self._link
            if link is None or link.closed.done():
                return
            try:
                await link.ref(ACTOR).ask(Ping(), timeout_s=grace_s)
            except AskTimeout:
                if self._process is None:
                    self._process = find_incumbent(self._socket, os.getppid())
                if self._process is None or not self._kill(self._process, grace_s):
                    link.abort("it does not answer")  # so that the next one knocks, and nobody asks it again
                await asyncio.shield(link.closed)
            except RuntimeFault:
                return  # it is gone

    async def figures(self) -> list[Figures]:
        """The numbers of the one that is linked: itself without any, where it does not answer."""
        link = self._link
        if link is None or link.closed.done():
            return []
        try:
            told = (await link.ref(ACTOR).ask(TellFigures(), timeout_s=FIGURES_TIMEOUT_S)).figures
        except RuntimeFault:
            return [Figures(role="agent-host", number=self._number, started_at=0.0, samples=[])]
        return [msgspec.structs.replace(told, role="agent-host", number=self._number)]

    async def _linked(self) -> Link:
        async with self._connecting:
            if self._link is None or self._link.closed.done():
                self._link = await self._connect()
                self._link.watch(lambda _: self._forget())
            return self._link

    async def _connect(self) -> Link:
        if time.monotonic() < self._silent_until:
            raise Unreachable(self._silence)
        process = find_incumbent(self._socket, os.getppid())
        if process is not None:
            try:
                return await self._knock(OPEN_TIMEOUT_S + UNASKED_GRACE_S)
            except NobodyGreeted:
                self._kill(process, OPEN_TIMEOUT_S + UNASKED_GRACE_S)
            finally:
                process.close()
        try:
            return await self._knock(CONNECT_TIMEOUT_S)
        except NobodyGreeted as error:
            self._silence, self._silent_until = str(error), time.monotonic() + SILENT_FOR_S
            raise

    async def _knock(self, timeout_s: float) -> Link:
        who = host_role(self._order.number)
        return await self._node.connect(
            self._socket,
            codec=Codec(AgentHostReply),
            secret=self._order.secret_between(who, agent_host_role(self._number)),
            timeout_s=timeout_s,
            role=who,
        )

    def _kill(self, process: ProcessHandle, silent_s: float) -> bool:
        """Returns whether it was there."""
        self._node.log.warning("agent_host.killed", pid=process.pid, silent_s=silent_s)
        try:
            process.send_signal(signal.SIGKILL)
        except NoSuchProcessError:
            return False
        return True

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
