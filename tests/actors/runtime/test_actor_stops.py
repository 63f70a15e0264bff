"""How actors and nodes stop: what is open is answered, and nothing starts any more."""

import asyncio

import pytest

from actors.runtime.actor import Actor, Asked
from actors.runtime.failures import (
    Stopped,
    Unreachable,
)
from actors.runtime.kit import run_to_idle
from actors.runtime.node import Node
from tests.actors.runtime.asking import Lives, outcome
from tests.actors.runtime.vocabulary import (
    Double,
    Doubled,
    Keep,
    Note,
    Vocabulary,
    Worker,
)


async def test_stopping_answers_what_is_open_and_runs_on_stop_once(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    await node.stop_actor("worker")
    assert await outcome(kept) is Stopped
    assert lives.made[0].stopped == 1
    assert await outcome(asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))) is Stopped


async def test_an_actor_may_still_answer_while_it_stops(node: Node) -> None:
    class Polite(Worker):
        async def on_stop(self) -> None:
            for asked in self.kept:
                asked.answer(Doubled(number=0))

    ref = await node.spawn("worker", Polite)
    kept = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    await node.stop_actor("worker")
    assert await kept == Doubled(number=0)


async def test_actors_stop_the_youngest_first() -> None:
    order: list[str] = []

    class Named(Actor[Note]):
        async def on_stop(self) -> None:
            order.append(self.context.name)

    node = Node("test")
    for name in "abc":
        await node.spawn(name, Named)
    await node.stop()
    assert order == ["c", "b", "a"]


async def test_context_stop_ends_the_actor_for_good(node: Node) -> None:
    class Once(Worker):
        def receive(self, message: Vocabulary, asked: Asked | None) -> None:
            super().receive(message, asked)
            self.context.stop()

    ref = await node.spawn("worker", Once)
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)
    assert await outcome(asyncio.ensure_future(ref.ask(Double(number=1), timeout_s=1))) is Stopped


async def test_a_stopping_node_starts_nothing(node: Node) -> None:
    await node.stop()
    with pytest.raises(Unreachable, match="stopping"):
        await node.spawn("worker", Worker)


async def test_an_actor_that_hangs_in_on_stop_is_left_behind(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.cell.STOP_LIMIT_S", 0.05)

    class Hanging(Worker):
        async def on_stop(self) -> None:
            await asyncio.Event().wait()

    await node.spawn("worker", Hanging)
    await asyncio.wait_for(node.stop_actor("worker"), 10)
