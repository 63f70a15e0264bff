"""What tests of the AgentActor stand on: the actor on a node, a probe that plays the KernelActor, a scripted endpoint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actors.agent.actor import AgentActor, TurnOver
from actors.agent.making import NO_RESTART
from actors.agent.model import Model
from actors.agent.model_stream import ModelStream
from actors.agent.silence import StreamTimeouts
from actors.agent.turn_run import RunLimits
from actors.runtime.clock import Clock, SystemClock
from actors.runtime.kit import Probe
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from beaker.agent.endpoint import Endpoint, choose_endpoint, read_presets
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn_state import TurnLimits
from beaker.contexts.shelf import Shelf
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import (
    AgentMessage,
    Delta,
    Ended,
    ListVariables,
    ProposeCell,
    Proposed,
    Question,
    Variable,
    Variables,
)
from beaker.settings.key import KeyFacts
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Reply

KEY = "sk-canary-1234567890"
KEY_FACTS = KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY")
FAST = RunLimits(turn=TurnLimits(backoff_s=0.01), delta_interval_s=0.0, calls_per_s=1000.0)
STOP_LIMIT_S = 10.0
"""0.3 s are promised; on a busy machine a test leaves room, as what it stops would take two minutes."""


def question(number: int = 1, prompt: str = "plot df") -> Question:
    return Question(turn=TurnId(number), prompt=prompt, language="python", history=[], cells=[])


def reply_of_kernel(message: object) -> object:
    """What the KernelActor answers to tools; events want no answer."""
    match message:
        case ListVariables():
            return Variables(variables=[Variable(name="df", type="DataFrame", summary="10 rows")])
        case ProposeCell():
            return Proposed(number=1)
        case _:
            return None


@dataclass
class Stage:
    """A running agent with all that surrounds it."""

    agent: Ref[AgentMessage | TurnOver]
    kernel: Probe[KernelMessage]
    node: Node
    gave_up: asyncio.Event
    """Set when the actor has crashed, which ends its process."""

    async def ended(self) -> Ended:
        return await self.kernel.expect(Ended)

    def deltas(self) -> list[str]:
        return [message.text for message in self.kernel.seen if isinstance(message, Delta)]


@asynccontextmanager
async def staged(
    load: Callable[[], Awaitable[Model | ModelFailure]],
    *,
    limits: RunLimits = FAST,
    kernel: Probe[KernelMessage] | None = None,
    is_gone: Callable[[], bool] = lambda: False,
    shelf: Shelf | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Stage]:
    probe: Probe[KernelMessage] = kernel or Probe(reply_of_kernel)
    gave_up = asyncio.Event()
    node = Node("agent", clock=clock, on_gave_up=lambda _name, _reason: gave_up.set())
    agent = await node.spawn(
        "agent", lambda: AgentActor(probe.ref("kernel"), load, is_gone=is_gone, limits=limits, shelf=shelf), restart=NO_RESTART
    )
    try:
        yield Stage(agent, probe, node, gave_up)
    finally:
        await node.stop()


@asynccontextmanager
async def on(
    script: Sequence[Reply],
    *,
    limits: RunLimits = FAST,
    timeouts: StreamTimeouts | None = None,
    kernel: Probe[KernelMessage] | None = None,
    is_gone: Callable[[], bool] = lambda: False,
    shelf: Shelf | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[Stage, ScriptedEndpoint]]:
    async with ScriptedEndpoint(script) as server:

        async def load() -> Model:
            chosen = choose_endpoint(KEY_FACTS, read_presets(), model="scripted-1", base_url=server.base_url)
            assert isinstance(chosen, Endpoint)
            return ModelStream(chosen, KEY, timeouts or StreamTimeouts(), clock=clock or SystemClock())

        async with staged(load, limits=limits, kernel=kernel, is_gone=is_gone, shelf=shelf, clock=clock) as stage:
            yield stage, server


async def answer(
    script: Sequence[Reply], *, limits: RunLimits = FAST, timeouts: StreamTimeouts | None = None
) -> tuple[Ended, Stage, ScriptedEndpoint]:
    async with on(script, limits=limits, timeouts=timeouts) as (stage, server):
        stage.agent.tell(question())
        return await stage.ended(), stage, server
