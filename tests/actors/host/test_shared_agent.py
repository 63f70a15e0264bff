"""A kernel's agent in an agent host: the one conversation that the kernel waits for comes in, and no other stays."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.host.agents import Agents
from actors.host.shared_agent import SharedAgent
from actors.kernel.owner import NoSharedAgent
from actors.kernel.questions.agent_door import SHARED
from actors.kernel.questions.agent_entrance import AgentEntrance
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.messages.agent_host import OpenConversation
from beaker.messages.base import PROTOCOL
from beaker.messages.turn import ToAgent
from beaker.places import KernelFolder
from beaker.settings.load import load
from tests.actors.gateway.desk import make_order

Expect = Callable[[], Awaitable[None]]
Play = Callable[["ScriptedAgents", OpenConversation, Expect], Awaitable[None]]


class ScriptedAgents(Agents):
    """A way to an agent host whose conversations come as a test plays them."""

    def __init__(self, folder: Path, play: Play) -> None:
        self.node = Node("agent", protocol=PROTOCOL)
        super().__init__(make_order(workers=1, folder=str(folder)), self.node, 0)
        self.came: list[Link] = []
        self._play = play

    async def open(self, wanted: OpenConversation, expect: Expect) -> None:
        await self._play(self, wanted, expect)

    async def come(self, wanted: OpenConversation) -> Link:
        """A conversation comes in."""
        path = str(KernelFolder(Path(wanted.folder)).kernel_socket)
        link = await self.node.connect(path, codec=Codec(ToAgent), secret=wanted.secret, timeout_s=20, role=SHARED)
        self.came.append(link)
        return link


@asynccontextmanager
async def played(folder: Path, play: Play) -> AsyncIterator[tuple[SharedAgent, AgentEntrance, ScriptedAgents]]:
    runtime, kernel = folder / "k", Node("kernel", protocol=PROTOCOL)
    runtime.mkdir(mode=0o700)
    agents = ScriptedAgents(folder, play)
    try:
        yield (
            SharedAgent(agents, load({}, folder=str(folder)), folder=str(runtime), kernel_id="k"),
            AgentEntrance(kernel, str(runtime)),
            agents,
        )
    finally:
        await agents.node.stop()
        await kernel.stop()


async def closed(link: Link) -> bool:
    async with asyncio.timeout(20):
        await asyncio.shield(link.closed)
    return True


async def test_a_conversation_that_came_in_and_was_answered_too_late_does_not_stay(short_folder: Path) -> None:
    async def late(agents: ScriptedAgents, wanted: OpenConversation, expect: Expect) -> None:
        await expect()
        await agents.come(wanted)
        raise NoSharedAgent("no answer")

    async with played(short_folder, late) as (shared, entrance, agents):
        with pytest.raises(NoSharedAgent, match="no answer"):
            await shared.start(entrance)
        assert await closed(agents.came[0])


async def test_nor_does_one_that_comes_in_when_nobody_waits_for_it_any_more(short_folder: Path) -> None:
    kept: list[OpenConversation] = []

    async def never(_: ScriptedAgents, wanted: OpenConversation, expect: Expect) -> None:
        await expect()
        kept.append(wanted)
        raise NoSharedAgent("no answer")

    async with played(short_folder, never) as (shared, entrance, agents):
        with pytest.raises(NoSharedAgent):
            await shared.start(entrance)
        assert await closed(await agents.come(kept[0]))


async def test_the_conversation_of_the_second_try_is_taken_though_that_of_the_first_came_in(short_folder: Path) -> None:
    async def twice(agents: ScriptedAgents, wanted: OpenConversation, expect: Expect) -> None:
        for _ in range(2):
            await expect()
            await agents.come(wanted)

    async with played(short_folder, twice) as (shared, entrance, agents):
        link = await shared.start(entrance)
        assert await closed(agents.came[0])
        assert not link.closed.done()
        assert not agents.came[1].closed.done()
