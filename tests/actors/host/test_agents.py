"""A kernel host's way to its agent host: opened again when that is another process, and no grave for the silent one's kernels."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.guardian.incumbent import write_incumbent
from actors.host import agents
from actors.host.agents import ACTOR, Agents
from actors.kernel.owner import NoSharedAgent
from actors.runtime.actor import Actor, Asked
from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.kit import ManualClock
from actors.runtime.link import Link
from actors.runtime.node import Node
from beaker.messages.agent_host import AgentHostFailure, AgentHostRequest, ConversationOpened, OpenConversation
from beaker.messages.base import PROTOCOL
from beaker.messages.figures import Figures, FiguresTold, Sample, TellFigures
from beaker.messages.turn import Pong
from tests.actors.gateway.desk import make_order
from tests.actors.gateway.test_channels import until

WANTED = OpenConversation(kernel_id="k", folder="/nowhere", secret=b"s", order=b"")


async def nobody() -> None:
    """No kernel is here that would expect an agent."""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """What calls itself the agent host."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


class Double(Actor[AgentHostRequest]):
    """An agent host as a kernel host sees it."""

    def __init__(self, folder: Path, pid: int, clock: Clock | None = None) -> None:
        self.pid = pid
        self.answers = True
        self.opens = True
        self.refuses = ""
        self.opened = 0
        self.unanswered: list[Asked] = []
        self.links: list[Link] = []
        self.order = make_order(workers=1, folder=str(folder))
        self._node = Node("agent-host", protocol=PROTOCOL, clock=clock)

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

    async def replace(self) -> None:
        """Leave as a process that has nothing to do, whose link is not closed yet; the next one is there."""
        await self._node.stop_actor(ACTOR)
        await self._node.spawn(ACTOR, lambda: self)

    def receive(self, message: AgentHostRequest, asked: Asked | None) -> None:
        assert asked is not None
        if isinstance(message, OpenConversation):
            self.opened += 1
            if not self.opens:
                self.unanswered.append(asked)
            elif self.refuses:
                asked.fail(AgentHostFailure(reason=self.refuses))
            else:
                asked.answer(ConversationOpened(pid=self.pid))
        elif self.answers and isinstance(message, TellFigures):
            sample = Sample(name="beaker_conversations", value=self.opened)
            asked.answer(FiguresTold(figures=Figures(role="host", number=7, started_at=2.0, samples=[sample])))
        elif self.answers:
            asked.answer(Pong())
        else:
            self.unanswered.append(asked)


@asynccontextmanager
async def linked(folder: Path, pid: int, clock: Clock | None = None) -> AsyncIterator[tuple[Agents, Double]]:
    """Both of them in this process, with one clock: an ask is over when that says so, and until then there is time for the answer."""
    clock = clock or ManualClock()
    double, node = Double(folder, pid, clock), Node("host", protocol=PROTOCOL, clock=clock)
    await double.listen()
    try:
        yield Agents(double.order, node, 0), double
    finally:
        await node.stop()
        await double.stop()


async def test_conversations_share_a_link_and_one_that_is_lost_is_made_anew(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, double):
        await way.open(WANTED, nobody)
        await way.open(WANTED, nobody)
        assert len(double.links) == 1
        double.links[0].abort("lost")
        await way.open(WANTED, nobody)
        assert (len(double.links), double.opened) == (2, 3)


async def test_its_numbers_are_told_once_there_is_one_and_that_it_is_silent_without_any(
    short_folder: Path, process: subprocess.Popen[bytes]
) -> None:
    clock = ManualClock()
    async with linked(short_folder, process.pid, clock) as (way, double):
        assert await way.figures() == []
        await way.open(WANTED, nobody)
        [told] = await way.figures()
        assert (told.role, told.number, [sample.value for sample in told.samples]) == ("agent-host", 0, [1])
        double.answers = False
        asking = asyncio.ensure_future(way.figures())
        await until(lambda: len(double.unanswered) == 1)
        await clock.advance(agents.FIGURES_TIMEOUT_S)
        [silent] = await asking
        assert (silent.role, silent.number, silent.samples) == ("agent-host", 0, [])


async def test_one_that_is_leaving_as_a_question_comes_is_asked_no_more_and_the_next_one_is(
    short_folder: Path, process: subprocess.Popen[bytes]
) -> None:
    async with linked(short_folder, process.pid) as (way, double):
        double.opens = False
        opening = asyncio.ensure_future(way.open(WANTED, nobody))
        await until(lambda: double.opened == 1)
        double.opens = True
        await double.replace()
        await opening
        assert (len(double.links), double.opened) == (2, 2)


async def test_nobody_there_is_a_sentence(short_folder: Path) -> None:
    node = Node("host", protocol=PROTOCOL)
    with pytest.raises(NoSharedAgent, match="nobody listens"):
        await Agents(make_order(workers=1, folder=str(short_folder)), node, 0).open(WANTED, nobody)
    await node.stop()


async def test_so_is_one_that_refuses(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, double):
        double.refuses = "the kernel could not be reached"
        with pytest.raises(NoSharedAgent, match="the kernel could not be reached"):
            await way.open(WANTED, nobody)


async def test_one_that_answers_us_is_left_alone_though_a_kernel_gave_it_up(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with linked(short_folder, process.pid) as (way, _):
        await way.open(WANTED, nobody)
        await way.judge()
        assert process.poll() is None


async def test_one_that_does_not_is_killed_before_the_next_conversation_is_opened(
    short_folder: Path, process: subprocess.Popen[bytes]
) -> None:
    clock = ManualClock()
    async with linked(short_folder, process.pid, clock) as (way, double):
        await way.open(WANTED, nobody)
        double.answers = False
        judging = asyncio.ensure_future(way.judge())
        await until(lambda: len(double.unanswered) == 1)
        opening = asyncio.ensure_future(way.open(WANTED, nobody))
        await clock.advance(agents.GRACE_S)
        assert await asyncio.to_thread(process.wait, 20) == -9
        assert not opening.done()
        double.links[0].abort("as the death of the process does")
        await asyncio.gather(judging, opening)
        assert len(double.links) == 2


async def test_one_that_answers_no_kernel_from_the_first_on_is_killed_and_the_next_one_is_asked(
    short_folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getppid", os.getpid)  # this is the guardian, and the host too
    clock = ManualClock()
    async with linked(short_folder, process.pid, clock) as (way, double):
        write_incumbent(double.order.agent_socket(0), process.pid)
        double.answers = double.opens = False
        opening = [asyncio.ensure_future(way.open(WANTED, nobody)) for _ in range(3)]
        await until(lambda: double.opened == 3)
        await clock.advance(agents.OPEN_TIMEOUT_S)
        await until(lambda: len(double.unanswered) == 4)  # the first of them asks for a sign of life
        await clock.advance(agents.UNASKED_GRACE_S)
        assert await asyncio.to_thread(process.wait, 20) == -9
        double.opens = True
        double.links[0].abort("as the death of the process does")
        await asyncio.gather(*opening)
        assert (len(double.links), double.opened) == (2, 6)


async def test_one_that_answers_us_is_left_alone_though_it_opens_nothing(
    short_folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getppid", os.getpid)
    clock = ManualClock()
    async with linked(short_folder, process.pid, clock) as (way, double):
        write_incumbent(double.order.agent_socket(0), process.pid)
        double.opens = False
        opening = asyncio.ensure_future(way.open(WANTED, nobody))
        await until(lambda: double.opened == 1)
        await clock.advance(agents.OPEN_TIMEOUT_S)
        with pytest.raises(NoSharedAgent, match="no answer"):
            await opening
        assert process.poll() is None


@asynccontextmanager
async def knocking(folder: Path) -> AsyncIterator[tuple[Agents, socket.socket]]:
    """At a socket where nobody greets."""
    order, node = make_order(workers=1, folder=str(folder)), Node("host", protocol=PROTOCOL)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(order.agent_socket(0))
        listening.listen(10)
        listening.setblocking(False)
        yield Agents(order, node, 0), listening
    await node.stop()


def knocks(listening: socket.socket) -> int:
    """How many have come in."""
    count = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


async def test_one_that_is_lost_before_it_has_greeted_is_asked_for_once_more(short_folder: Path, process: subprocess.Popen[bytes]) -> None:
    async with knocking(short_folder) as (way, listening):
        opening = asyncio.ensure_future(way.open(WANTED, nobody))
        first, _ = await asyncio.get_running_loop().sock_accept(listening)
        os.unlink(listening.getsockname())
        double = Double(short_folder, process.pid)
        await double.listen()
        first.close()
        await opening
        assert double.opened == 1
        await double.stop()


async def test_kernels_do_not_wait_one_behind_the_other_for_one_that_does_not_come(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "CONNECT_TIMEOUT_S", 0.05)
    async with knocking(short_folder) as (way, listening):
        outcomes = await asyncio.gather(*(way.open(WANTED, nobody) for _ in range(5)), return_exceptions=True)
        assert ([type(each) for each in outcomes], knocks(listening)) == ([NoSharedAgent] * 5, 1)


async def test_one_that_has_been_there_and_greets_nobody_is_killed_and_the_next_one_is_waited_for(
    short_folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "OPEN_TIMEOUT_S", 0.05)
    monkeypatch.setattr(agents, "UNASKED_GRACE_S", 0.0)
    monkeypatch.setattr(agents, "CONNECT_TIMEOUT_S", 0.05)
    monkeypatch.setattr(os, "getppid", os.getpid)
    async with knocking(short_folder) as (way, listening):
        write_incumbent(make_order(workers=1, folder=str(short_folder)).agent_socket(0), process.pid)
        with pytest.raises(NoSharedAgent, match="greeted"):
            await way.open(WANTED, nobody)
        assert (await asyncio.to_thread(process.wait, 20), knocks(listening)) == (-9, 2)


async def test_no_process_is_killed_that_the_guardian_has_not_started(
    short_folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "CONNECT_TIMEOUT_S", 0.05)
    async with knocking(short_folder) as (way, _):
        write_incumbent(make_order(workers=1, folder=str(short_folder)).agent_socket(0), process.pid)
        with pytest.raises(NoSharedAgent, match="greeted"):
            await way.open(WANTED, nobody)
        assert process.poll() is None
