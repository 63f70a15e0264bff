"""The AgentHost: many conversations in one process, of which none sees or ends another."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.agent.order import AgentOrder, encode_order
from actors.agent_host.actor import AWAITED_S, AgentHost
from actors.agent_host.conversation import ROLE
from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.failures import AskFailed
from actors.runtime.kit import ManualClock, Probe
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from beaker.messages.agent_host import AgentHostFailure, AgentHostRequest, ConversationOpened, OpenConversation
from beaker.messages.base import PROTOCOL, TurnId
from beaker.messages.figures import Figures, Sample, TellFigures
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Ended, FromAgent, Ping, Pong, Question, Stop
from beaker.settings.schema import AgentSettings, LogSettings
from tests.actors.agent.stage import KEY, KEY_FACTS, reply_of_kernel
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import STALL, Speak

PATIENCE_S = 20.0


class Kernel:
    """Plays a KernelActor that has asked for an agent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(mode=0o700)
        self.secret = folder.name.encode() * 8
        self.heard: Probe[KernelMessage] = Probe(reply_of_kernel)
        self.node = Node("kernel", protocol=PROTOCOL)
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.link: Link | None = None

    async def listen(self) -> "Kernel":
        await self.node.spawn("kernel", lambda: self.heard)
        path = str(self.folder / "kernel.sock")
        await self.node.listen(path, codec=Codec(FromAgent), admit=lambda _: None, secret=self.secret, on_link=self.links.put_nowait)
        return self

    def wanted(self, base_url: str) -> OpenConversation:
        order = AgentOrder(settings=AgentSettings(model="scripted-1", base_url=base_url), logs=LogSettings(), key=KEY_FACTS)
        return OpenConversation(kernel_id=self.folder.name, folder=str(self.folder), secret=self.secret, order=encode_order(order))

    async def open(self, host: Ref[AgentHostRequest], base_url: str) -> "Kernel":
        assert isinstance(await host.ask(self.wanted(base_url), timeout_s=PATIENCE_S), ConversationOpened)
        self.link = await self.links.get()
        assert self.link.peer.role == ROLE
        return self

    def ask(self, prompt: str) -> None:
        assert self.link is not None
        self.link.ref("agent").tell(Question(turn=TurnId(1), prompt=prompt, language="python", history=[], cells=[]))

    async def ended(self) -> Ended:
        return await self.heard.expect(Ended)


class Idle:
    """How often the host has had nothing to do."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def figures(samples: Iterable[Sample], dead_letters: int) -> Figures:
    return Figures(role="agent-host", number=0, started_at=1.0, samples=[*samples, Sample(name="dead", value=dead_letters)])


@asynccontextmanager
async def hosting(*, clock: Clock | None = None, idle: Idle | None = None, idle_s: float = 60.0) -> AsyncIterator[Ref[AgentHostRequest]]:
    node = Node("agent-host", protocol=PROTOCOL, clock=clock)
    try:
        yield await node.spawn("agents", lambda: AgentHost(KEY, own_figures=figures, on_idle=idle or Idle(), idle_s=idle_s))
    finally:
        await node.stop()


async def counted(host: Ref[AgentHostRequest]) -> dict[str, float]:
    told = await host.ask(TellFigures(), timeout_s=PATIENCE_S)
    return {sample.name: sample.value for sample in told.figures.samples}


@asynccontextmanager
async def kernels(folder: Path, *names: str) -> AsyncIterator[list[Kernel]]:
    made = [await Kernel(folder / name).listen() for name in names]
    try:
        yield made
    finally:
        for kernel in made:
            await kernel.node.stop()


async def test_each_conversation_has_its_own_settings_endpoint_and_history(short_folder: Path) -> None:
    async with (
        ScriptedEndpoint([Speak(text="for a")]) as of_a,
        ScriptedEndpoint([Speak(text="for b")]) as of_b,
        kernels(short_folder, "a", "b") as (a, b),
        hosting() as host,
    ):
        await a.open(host, of_a.base_url)
        await b.open(host, of_b.base_url)
        a.ask("asked in a")
        b.ask("asked in b")
        assert ((await a.ended()).text, (await b.ended()).text) == ("for a", "for b")
    for server, own, other in ((of_a, "asked in a", "asked in b"), (of_b, "asked in b", "asked in a")):
        [request] = server.requests
        assert own in str(request.body["messages"])
        assert other not in str(request.body["messages"])


async def test_a_conversation_that_stalls_holds_up_no_other_and_is_stopped_alone(short_folder: Path) -> None:
    async with (
        ScriptedEndpoint([STALL]) as slow,
        ScriptedEndpoint([Speak(text="quick"), STALL]) as quick,
        kernels(short_folder, "a", "b") as (a, b),
        hosting() as host,
    ):
        await a.open(host, slow.base_url)
        await b.open(host, quick.base_url)
        a.ask("one")
        await slow.stalled()
        b.ask("two")
        assert (await b.ended()).text == "quick"
        b.ask("three")
        await quick.stalled()
        assert a.link is not None
        a.link.ref("agent").tell(Stop(turn=TurnId(1)))
        assert (await a.ended()).status == "stopped"
        assert not any(isinstance(each, Ended) for each in b.heard.unread())


async def test_a_conversation_ends_with_its_link_and_the_next_one_of_this_kernel_begins_anew(short_folder: Path) -> None:
    async with (
        ScriptedEndpoint([STALL, Speak(text="again")]) as server,
        kernels(short_folder, "a", "b") as (a, b),
        hosting() as host,
    ):
        await a.open(host, server.base_url)
        await b.open(host, server.base_url)
        a.ask("one")
        await server.stalled()
        assert a.link is not None
        a.link.abort("the kernel gives it up")
        await server.left()
        await a.open(host, server.base_url)
        a.ask("one")
        assert (await a.ended()).text == "again"
        assert b.link is not None
        assert not b.link.closed.done()


async def test_an_agent_that_crashes_breaks_its_own_link_alone(short_folder: Path) -> None:
    async with ScriptedEndpoint([Speak(text="well")]) as server, kernels(short_folder, "a", "b") as (a, b), hosting() as host:
        await a.open(host, server.base_url)
        await b.open(host, server.base_url)
        assert a.link is not None
        a.link.ref("agent").tell(Ended(turn=TurnId(1), status="ok", text=""))  # nothing that an agent is told: it breaks this link
        async with asyncio.timeout(PATIENCE_S):
            await a.link.closed
        b.ask("two")
        assert (await b.ended()).text == "well"


async def test_it_counts_the_conversations_that_it_has_and_had(short_folder: Path) -> None:
    async with ScriptedEndpoint([STALL]) as server, kernels(short_folder, "a", "b") as (a, b), hosting() as host:
        await a.open(host, server.base_url)
        await b.open(host, server.base_url)
        a.ask("why?")
        await server.stalled()
        assert a.link is not None
        a.link.abort("gone, and its agent tells it that it has left")
        async with asyncio.timeout(PATIENCE_S):
            while (told := await counted(host))["beaker_conversations"] == 2:
                continue
        assert (told["beaker_conversations"], told["beaker_conversations_opened_total"]) == (1, 2)
        assert told["dead"] > 0


async def test_a_kernel_that_is_not_there_is_a_sentence_and_leaves_nothing(short_folder: Path) -> None:
    idle, clock = Idle(), ManualClock()
    gone = Kernel(short_folder / "a")
    async with hosting(clock=clock, idle=idle) as host:
        with pytest.raises(AskFailed) as refused:
            await host.ask(gone.wanted("http://127.0.0.1:9/v1"), timeout_s=PATIENCE_S)
        assert isinstance(refused.value.failure, AgentHostFailure)
        assert "could not be reached" in refused.value.failure.reason
        await clock.advance(60.0)
        assert idle.times == 1


async def test_it_says_that_it_is_idle_when_it_has_held_no_conversation_for_a_while(short_folder: Path) -> None:
    idle, clock = Idle(), ManualClock()
    async with kernels(short_folder, "a") as (a,), hosting(clock=clock, idle=idle) as host:
        await a.open(host, "http://127.0.0.1:9/v1")
        await clock.advance(600.0)
        assert idle.times == 0
        assert a.link is not None
        a.link.close()
        async with asyncio.timeout(PATIENCE_S):
            while idle.times == 0:
                await asyncio.sleep(0)
                await clock.advance(60.0)
        assert isinstance(await host.ask(Ping(), timeout_s=PATIENCE_S), Pong)


async def test_one_that_was_started_a_moment_ago_waits_for_whom_it_was_started_for(short_folder: Path) -> None:
    idle, clock = Idle(), ManualClock()
    gone = Kernel(short_folder / "a")
    async with hosting(clock=clock, idle=idle, idle_s=0.1) as host:
        await clock.advance(AWAITED_S - 0.1)
        assert idle.times == 0
        with pytest.raises(AskFailed):
            await host.ask(gone.wanted("http://127.0.0.1:9/v1"), timeout_s=PATIENCE_S)
        await clock.advance(0.1)
        assert idle.times == 1


async def test_when_it_leaves_every_turn_has_its_end(short_folder: Path) -> None:
    async with ScriptedEndpoint([STALL]) as of_a, ScriptedEndpoint([STALL]) as of_b, kernels(short_folder, "a", "b") as (a, b):
        async with hosting() as host:
            for kernel, server in ((a, of_a), (b, of_b)):
                await kernel.open(host, server.base_url)
                kernel.ask("why")
                await server.stalled()
        assert [(await kernel.ended()).status for kernel in (a, b)] == ["error", "error"]
