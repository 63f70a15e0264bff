"""The KernelActor's way to the agent, which starts at the first question and may die under it.

The composition says how an agent is started (`start`) and ended (`end`). Questions asked while it starts wait here; when its link breaks,
whoever asked is told and the next question starts a new one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from actors.runtime.actor import ActorContext
from actors.runtime.link import Link
from actors.runtime.ref import Ref
from beaker.errors import BeakerError
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import AgentMessage

SHARED: Final = "agent-host"
"""As which an agent comes that shares its process with those of other kernels, and runs no code of plugins."""


class Start(Protocol):
    """Has an agent started."""

    def __call__(self, *, alone: bool) -> Awaitable[Link]:
        """Start it and return the link to it.

        Args:
            alone: in a process that no other kernel shares.

        Raises:
            AgentMissing: it cannot be started.
        """
        ...


End = Callable[[], Coroutine[Any, Any, object]]  # Any: what it yields is asyncio's
"""Makes what ends the process that was started last, whether it answers or not."""


class AgentMissing(BeakerError):
    """The agent could not be started; the sentence says why."""


class AgentDoor:
    """Holds the link to the agent.

    Args:
        folder: the kernel's runtime folder.
    """

    def __init__(self, start: Start, end: End, context: ActorContext[KernelMessage], folder: str) -> None:
        self._folder = folder
        self._start = start
        self._end = end
        self._context = context
        self._link: Link | None = None
        self._lock = asyncio.Lock()
        self.busy: Callable[[], bool] = lambda: False
        """Whether the agent is at work; set by whoever gives it work."""
        self._told_lost = asyncio.Event()
        """Set between the news of a death and the next start."""

    @property
    def link_name(self) -> str | None:
        """Name of the link, by which a `Down` is recognised."""
        return None if self._link is None else self._link.name

    async def ref(self, context: str = "") -> Ref[AgentMessage]:
        """The agent; started now if there is none.

        Args:
            context: whose code will run in it. For a plugin's it is one that no other kernel shares, which takes the place of one that
                others do, and of what that has under way.

        Raises:
            AgentMissing: it cannot be started.
        """
        async with self._lock:
            await self.settled()
            return await self._ref(alone=not _is_ours(context))

    async def wake(self, context: str) -> None:
        """Have an agent started for a question that will come, without disturbing what another has under way.

        Raises:
            AgentMissing: it cannot be started.
        """
        if _is_ours(context):
            await self.ref()
        else:
            await self.ref_alone_if_idle()

    async def ref_alone_if_idle(self) -> Ref[AgentMessage] | None:
        """One that no other kernel shares; None while one that others do is at work.

        Raises:
            AgentMissing: it cannot be started.
        """
        async with self._lock:
            await self.settled()
            return None if self._is_shared and self.busy() else await self._ref(alone=True)

    @property
    def _is_shared(self) -> bool:
        return self._link is not None and self._link.peer.role == SHARED

    async def _ref(self, *, alone: bool) -> Ref[AgentMessage]:
        if alone and self._is_shared and self._link is not None:
            self._context.log.info("agent.parts", reason="the context of a plugin")
            self._link.abort("this kernel gets an agent of its own")
            await self._told_lost.wait()
        if self._link is None:
            began = time.monotonic()
            self._told_lost.clear()
            try:
                self._link = await self._start(alone=alone)
            except AgentMissing:
                self._context.log.error("agent.not_started", duration_s=round(time.monotonic() - began, 3))
                raise
            self._context.monitor(self._link)
            self._context.log.info("agent.started", duration_s=round(time.monotonic() - began, 3))
        return self._link.ref("agent")

    def ref_now(self) -> Ref[AgentMessage] | None:
        """The agent if it runs."""
        return None if self._link is None else self._link.ref("agent")

    @property
    def pid(self) -> int | None:
        """Of its process; None if it does not run."""
        return None if self._link is None else self._link.peer.pid

    async def settled(self) -> None:
        """Wait until a death that a broken ask tells of has been told here too: a few turns of the loop."""
        if self._link is not None and self._link.closed.done():
            await self._told_lost.wait()

    def lost(self) -> None:
        """Its link is gone."""
        self._link = None
        self._told_lost.set()

    def forgive_contexts(self) -> None:
        """Let the next agent import those again that ended an earlier one."""
        from beaker.contexts.import_marks import forgive  # only whoever asks for that needs it

        forgive(self._folder)

    def dismiss(self) -> None:
        """End the agent, which may be one that does not answer; the next question starts another."""
        link, self._link = self._link, None
        self._told_lost.set()
        if link is not None:
            link.abort("the agent is ended")
            self._context.spawn(self._end(), name="end-agent")

    def close(self) -> None:
        """End the agent: it leaves when its link is closed."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _is_ours(context: str) -> bool:
    from beaker.contexts.places import is_ours  # an ordinary session knows this door, and needs no contexts

    return is_ours(context)
