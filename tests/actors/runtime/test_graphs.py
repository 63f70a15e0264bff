"""Random graphs of actors with mailboxes of size 1: nothing deadlocks, and every ask is answered exactly once."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.actor import Actor, Asked
from actors.runtime.asks import Question
from actors.runtime.codec import Codec
from actors.runtime.failures import AskError, AskFailed, AskTimeout
from actors.runtime.kit import PATIENCE_S, link_nodes, run_to_idle
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.runtime.supervision import RestartPolicy


class Visit(msgspec.Struct, frozen=True, tag="graph.visit"):
    """Go on to the next actor of the route, and answer when that has answered."""

    route: list[int]
    behave: list[str]
    """What each actor on the way does: `ask` the next, `tell` the next, `keep` the ask until the end, `drop`, `crash`."""


class Arrived(msgspec.Struct, frozen=True, tag="graph.arrived"):
    """Answers Visit."""


class Failed(msgspec.Struct, frozen=True, tag="graph.failed"):
    """Refuses Visit: the next actor could not be asked."""

    why: str


Message = Visit | Arrived | Failed
codec = Codec(Message)

LIMIT_S = 3600.0
"""Far beyond the test's patience: an ask that ends by its timeout counts as a deadlock."""


class Walker(Actor[Visit]):
    """Passes a visit on."""

    def __init__(self, find: Callable[[int], Ref[Visit]]) -> None:
        self._find = find
        self._kept: list[Asked] = []

    def receive(self, message: Visit, asked: Asked | None) -> None:
        behave, rest = message.behave[0], Visit(message.route[1:], message.behave[1:])
        if behave == "crash":
            raise ValueError("crashed as told")
        if behave == "drop":
            return
        if behave == "keep" and asked is not None:
            self._kept.append(asked)
        elif not rest.route:
            if asked is not None:
                asked.answer(Arrived())
        elif behave == "ask" and asked is not None:
            self.context.spawn(self._pass_on(rest, asked), name="pass_on")
        else:
            self._find(rest.route[0]).tell(rest)
            if asked is not None:
                asked.answer(Arrived())

    async def _pass_on(self, rest: Visit, asked: Asked) -> None:
        try:
            asked.answer(await self._find(rest.route[0]).ask(rest, timeout_s=LIMIT_S))
        except AskError as error:
            why = error.failure.why if isinstance(error, AskFailed) and isinstance(error.failure, Failed) else type(error).__name__
            asked.fail(Failed(why))


hops = st.sampled_from(["ask", "ask", "ask", "ask", "tell", "keep", "drop", "crash"])
visits = st.lists(st.tuples(st.integers(0, 4), hops), min_size=1, max_size=8)


@given(st.lists(visits, min_size=1, max_size=25), st.integers(min_value=1, max_value=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_ask_of_a_random_graph_is_answered_once(walks: list[list[tuple[int, str]]], count: int, linked: bool) -> None:
    async def play() -> None:
        nodes = [Node("first"), Node("second")] if linked else [Node("only")]
        finders: list[Callable[[int], Ref[Visit]]] = []
        if linked:
            link, back = link_nodes(*nodes, codec=codec)
            finders.append(lambda i: nodes[0].ref(f"w{i % count}") if i % count % 2 == 0 else link.ref(f"w{i % count}"))
            finders.append(lambda i: nodes[1].ref(f"w{i % count}") if i % count % 2 == 1 else back.ref(f"w{i % count}"))
        else:
            finders.append(lambda i: nodes[0].ref(f"w{i % count}"))
        never = RestartPolicy(limit=1000, window_s=1.0)
        for number in range(count):
            place = number % len(nodes)
            await nodes[place].spawn(f"w{number}", lambda place=place: Walker(finders[place]), mailbox_size=1, restart=never)  # type: ignore[misc]  # lambdas have no annotations
        settled: dict[int, int] = {}
        settle = Question.settle

        def counting(self: Question, kind: int, content: object) -> None:
            settled[id(self)] = settled.get(id(self), 0) + 1
            alive.append(self)
            settle(self, kind, content)

        alive: list[Question] = []
        Question.settle = counting  # type: ignore[method-assign]
        try:
            asks = [
                asyncio.ensure_future(
                    finders[0](walk[0][0]).ask(Visit([i for i, _ in walk], [behave for _, behave in walk]), timeout_s=LIMIT_S)
                )
                for walk in walks
            ]
            await asyncio.wait(asks, timeout=0.01)
            # What is kept on purpose is answered by the end of its actor.
            for node in nodes:
                await run_to_idle(node)
            for node in reversed(nodes):
                await node.stop()
            async with asyncio.timeout(PATIENCE_S):
                outcomes = await asyncio.gather(*asks, return_exceptions=True)
        finally:
            Question.settle = settle  # type: ignore[method-assign]
        assert all(isinstance(outcome, Arrived | AskError) for outcome in outcomes), outcomes
        assert not any(isinstance(outcome, AskTimeout) for outcome in outcomes)
        assert not any("AskTimeout" in str(outcome) for outcome in outcomes)
        assert set(settled.values()) <= {1}

    structlog.configure(processors=[structlog.testing.LogCapture()])
    try:
        asyncio.run(play())
    finally:
        structlog.reset_defaults()
