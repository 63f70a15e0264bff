"""A kernel host's way to its agent host: opened again when that is another process, and no grave for the silent one's kernels."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.host import agents
from actors.host.agents import ACTOR, Agents
from actors.kernel.owner import NoSharedAgent
from actors.runtime.actor import Actor, Asked
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.messages.agent_host import AgentHostFailure, AgentHostRequest, ConversationOpened, OpenConversation
from beaker.messages.base import PROTOCOL
from beaker.messages.turn import Pong
from tests.actors.gateway.desk import make_order

WANTED = OpenConversation(kernel_id="k", folder="/nowhere", secret=b"s", order=b"")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """What calls itself the agent host."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


class Double(Actor[AgentHostRequest]):
    """An agent host as a kernel host sees it."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.pid = pid
        self.answers = True
        self.refuses = ""
        self.opened = 0
        self.links: list[Link] = []
        self.order = make_order(workers=1, folder=str(folder))
        self._node = Node("agent-host", protocol=PROTOCOL)
        self._unanswered: list[Asked] = []

    async def listen(self) -> None:
        await self._node.spawn(ACTOR, lambda: self)
        await self._node.listen(
            self.order.agent_socket(0),
            codec=Codec(AgentHostRequest),
            admit=lambda _: None,
            secret={"host-0": self.order.secret_between("host-0", "agent-host-0")},
            on_link=self.links.append,
        )

    async def stop(self) -> None:
        await self._node.stop()

    def receive(self, message: AgentHostRequest, asked: Asked | None) -> None:
        assert asked is not None
        if isinstance(message, OpenConversation):
            self.opened += 1
            if self.refuses:
                asked.fail(AgentHostFailure(reason=self.refuses))
            else:
                asked.answer(ConversationOpened(pid=self.pid))
        elif self.answers:
            asked.answer(Pong())
        else:
            self._unanswered.append(asked)


@asynccontextmanager
async def linked(folder: Path, pid: int) -> AsyncIterator[tuple[Agents, Double]]:
    double, node = Double(folder, pid), Node("host", protocol=PROTOCOL)
    await double.listen()
    try:
        yield Agents(double.order, node, 0), double
    finally:
        await node.stop()
        await double.stop()


async def test_conversations_share_a_link_and_one_that_is_lost_is_made_anew(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, double):
        await way.open(WANTED)
        await way.open(WANTED)
        assert len(double.links) == 1
        double.links[0].abort("lost")
        await way.open(WANTED)
        assert (len(double.links), double.opened) == (2, 3)


async def test_nobody_there_is_a_sentence(short_folder: Path) -> None:
    node = Node("host", protocol=PROTOCOL)
    with pytest.raises(NoSharedAgent, match="nobody listens"):
        await Agents(make_order(workers=1, folder=str(short_folder)), node, 0).open(WANTED)
    await node.stop()


async def test_so_is_one_that_refuses(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, double):
        double.refuses = "the kernel could not be reached"
        with pytest.raises(NoSharedAgent, match="the kernel could not be reached"):
            await way.open(WANTED)


async def test_one_that_answers_us_is_left_alone_though_a_kernel_gave_it_up(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, _):
        await way.open(WANTED)
        await way.judge()
        assert process.poll() is None


async def test_one_that_does_not_is_killed_before_the_next_conversation_is_opened(
    short_folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "GRACE_S", 0.05)
    async with linked(short_folder, process.pid) as (way, double):
        await way.open(WANTED)
        double.answers = False
        judging = asyncio.ensure_future(way.judge())
        await asyncio.sleep(0)
        opening = asyncio.ensure_future(way.open(WANTED))
        assert await asyncio.to_thread(process.wait, 20) == -9
        assert not opening.done()
        double.links[0].abort("as the death of the process does")
        await asyncio.gather(judging, opening)
        assert len(double.links) == 2
