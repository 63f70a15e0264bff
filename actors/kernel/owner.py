"""What holds a subkernel on behalf of one kernel, and starts that kernel's agents.

A kernel process has one, a kernel host one for each of its kernels. It reaches the Supervisor, owns the subkernel together with it by
a hold on the watcher's pipe (while one of the two lives the watcher keeps still), and has the agent's process. Whether there is a
Supervisor at all is the business of whoever starts those: it says here how long to wait for one.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from actors.kernel.life.supervisor_door import SupervisorMissing
from actors.kernel.questions.agent_door import AgentMissing
from actors.runtime.codec import Codec
from actors.runtime.failures import Unreachable
from actors.runtime.hello import Refused
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.supervisor import watcher
from beaker.errors import BeakerError
from beaker.messages.subkernel import SubkernelEvent, SupervisorReply
from beaker.places import KernelFolder
from beaker.settings.load import Loaded

if TYPE_CHECKING:
    from actors.kernel.questions.agent_entrance import AgentEntrance
    from actors.kernel.questions.agent_process import AgentProcess

CONNECT_TIMEOUT_S = 5.0
"""For one that listens to greet us, which takes a millisecond."""
KNOCK_S = 0.01
"""Between two attempts to connect: the start waits for this."""
HOLD_AGAIN_S = 0.1
"""Between two looks for the watcher that the Supervisor starts."""


class NoSharedAgent(BeakerError):
    """There is no process for an agent that it could share; the sentence says why."""


class Shared(Protocol):
    """An agent of this kernel in a process that holds those of others too."""

    async def start(self, entrance: "AgentEntrance") -> Link:
        """Have it started, and wait until it has come in.

        Raises:
            NoSharedAgent: it cannot be had.
        """
        ...

    def end(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """Make what ends the whole process, if that does not answer; the agent itself ends with its link."""
        ...


class Owner:
    """Of one kernel's subkernel and agent.

    Args:
        node: of the KernelActor.
        folder: the kernel's runtime folder.
        secret: what its Supervisor wants to hear.
        key: the descriptor behind which the model's key is sealed; handed to agents, never read here.
        shared: what an agent is asked for first, where there are such processes; one of the kernel's own is the way out.
    """

    def __init__(
        self,
        node: Node,
        loaded: Loaded,
        *,
        folder: str,
        kernel_id: str,
        secret: bytes,
        key: int | None,
        shared: Shared | None = None,
    ) -> None:
        self._node = node
        self._loaded = loaded
        self._folder = folder
        self._kernel_id = kernel_id
        self._secret = secret
        self._key = key
        self._watcher: watcher.Watcher | None = None
        self._shared = shared
        self._shares = False
        """Whether the agent that was started last does."""
        self._agent: AgentProcess | None = None
        self._entrance: AgentEntrance | None = None
        self._closed = False
        self._to_supervisor = Codec(SubkernelEvent | SupervisorReply)

    async def reach_supervisor(self, timeout_s: float, hopeless: Callable[[], bool] = lambda: False) -> Link:
        """Link to a Supervisor that listens, or is about to, and own the subkernel with it.

        Args:
            timeout_s: from now to its socket.
            hopeless: asked after each attempt; True: none is about to listen.

        Raises:
            SupervisorMissing: there is none, or it would not have us; the sentence says why.
        """
        path = f"{self._folder}/supervisor.sock"
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                link = await self._node.connect(path, codec=self._to_supervisor, secret=self._secret, timeout_s=CONNECT_TIMEOUT_S)
            except Refused as refused:
                raise SupervisorMissing(str(refused)) from None
            except Unreachable as error:
                # It listens a moment after it was started; the launch of the subkernel comes first.
                if time.monotonic() > deadline or hopeless():
                    raise SupervisorMissing(str(error)) from None
            else:
                self._hold_watcher()
                return link
            await asyncio.sleep(KNOCK_S)

    @property
    def agent_pid(self) -> int | None:
        """Of the agent that was started last."""
        return None if self._agent is None else self._agent.pid

    async def start_agent(self, *, alone: bool) -> Link:
        """Start an agent and wait for it.

        Args:
            alone: in a process of its own.

        Raises:
            AgentMissing: it could not be started; the sentence says why.
        """
        if self._agent is None or self._entrance is None:
            # Imported at the first question: the kernel's start and its memory are measured.
            try:
                from actors.kernel.questions.agent_entrance import AgentEntrance
                from actors.kernel.questions.agent_process import AgentProcess
            except OSError as error:  # no descriptor is left to read it by
                raise AgentMissing(f"the agent could not be started: {error}") from None

            self._entrance = AgentEntrance(self._node, self._folder)
            self._agent = AgentProcess(self._entrance, self._loaded, self._folder, self._kernel_id, key=self._key)
        self._shares = self._shared is not None and not alone
        if self._shared is not None and not alone:
            try:
                return await self._shared.start(self._entrance)
            except NoSharedAgent as error:
                self._node.log.warning("agent.not_shared", reason=str(error))
        self._shares = False
        return await self._agent.start()

    def end_agent(self) -> Coroutine[Any, Any, None]:  # Any: what it yields is asyncio's
        """Make what ends the agent that was started last."""
        assert self._agent is not None, "an agent was started before it is ended"
        return self._shared.end() if self._shares and self._shared is not None else self._agent.end()

    def let_go(self) -> None:
        """Own the subkernel no more."""
        self._closed = True
        if self._watcher is not None:
            self._watcher.release()
            self._watcher = None

    async def close(self) -> None:
        """Own nothing more; the agent ends."""
        self.let_go()
        if self._agent is not None:
            await self._agent.end()

    def _hold_watcher(self) -> None:
        former, self._watcher = self._watcher, watcher.hold(KernelFolder(Path(self._folder)))
        if former is not None:
            former.release()
        if self._watcher is not None:
            self._watcher.watch(self._hold_watcher)
        else:
            # It was killed. The Supervisor replaces it; a new Supervisor has one before it listens.
            asyncio.get_running_loop().call_later(HOLD_AGAIN_S, self._hold_watcher_again)

    def _hold_watcher_again(self) -> None:
        if self._watcher is None and not self._closed:
            self._hold_watcher()
