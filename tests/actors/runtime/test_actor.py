"""Actors of one process: every ask is answered once, and a full mailbox is said at once."""

import asyncio
from typing import assert_type

import pytest

from actors.runtime.actor import Asked
from actors.runtime.failures import (
    AnsweredTwice,
    AskFailed,
    AskTimeout,
    Busy,
    Unanswered,
)
from actors.runtime.kit import ManualClock, run_to_idle
from actors.runtime.mailbox import CONTROL_SIZE
from actors.runtime.node import Node
from tests.actors.runtime.asking import Lives
from tests.actors.runtime.vocabulary import (
    Double,
    Doubled,
    Forget,
    Keep,
    Note,
    Progress,
    Refuse,
    Sorry,
    Urgent,
    Vocabulary,
    Worker,
    numbers,
)


async def test_a_told_message_is_handled_in_order(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    for number in range(600):
        ref.tell(Note(number=number))
    await run_to_idle(node)
    assert numbers(lives.made[0].seen) == list(range(600))


async def test_an_ask_returns_the_answer(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    assert await ref.ask(Double(number=21), timeout_s=1) == Doubled(number=42)


async def test_a_refusal_carries_the_failure(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    with pytest.raises(AskFailed) as caught:
        await ref.ask(Refuse(), timeout_s=1)
    assert caught.value.failure == Sorry(reason="not today")


async def test_letting_go_of_an_ask_is_told_to_the_asker(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    with pytest.raises(Unanswered, match="'worker'"):
        await ref.ask(Forget(), timeout_s=1)


async def test_answering_twice_is_an_error_of_the_actor(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    asking = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await run_to_idle(node)
    asked = lives.made[0].kept[0]
    asked.answer(Doubled(number=1))
    with pytest.raises(AnsweredTwice, match="Keep"):
        asked.answer(Doubled(number=2))
    assert await asking == Doubled(number=1)


async def test_an_answer_after_the_timeout_hurts_nobody(node: Node, clock: ManualClock) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    asking = asyncio.ensure_future(ref.ask(Keep(), timeout_s=1))
    await clock.advance(2)
    with pytest.raises(AskTimeout):
        await asking
    lives.made[0].kept[0].answer(Doubled(number=1))


async def test_an_ask_whose_time_is_over_is_not_handled(node: Node, clock: ManualClock) -> None:
    class Blocking(Worker):
        def receive(self, message: Vocabulary, asked: Asked | None) -> None:
            super().receive(message, asked)
            clock.block(1.0)

    worker = Blocking()
    ref = await node.spawn("worker", lambda: worker)
    ref.tell(Note(number=1))
    with pytest.raises(AskTimeout, match="too old"):
        await ref.ask(Double(number=1), timeout_s=0.5)
    assert worker.seen == [Note(number=1)]


async def test_a_full_mailbox_is_busy_at_once_and_a_dead_letter_for_a_tell(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives, mailbox_size=2)
    for number in range(3):
        ref.tell(Note(number=number))
    ref.tell(Progress())
    with pytest.raises(Busy):
        await ref.ask(Double(number=1), timeout_s=1)
    await run_to_idle(node)
    assert numbers(lives.made[0].seen) == [0, 1]
    assert node.dead_letters.counts == {("worker", "mailbox full"): 2}


async def test_control_overtakes_ordinary(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    ref.tell(Note(number=1))
    ref.tell(Note(number=2))
    ref.tell(Urgent(number=3))
    await run_to_idle(node)
    assert lives.made[0].seen == [Urgent(number=3), Note(number=1), Note(number=2)]


async def test_an_overflowing_control_lane_crashes_the_target(node: Node) -> None:
    lives = Lives()
    ref = await node.spawn("worker", lives)
    for number in range(CONTROL_SIZE + 1):
        ref.tell(Urgent(number=number))
    await run_to_idle(node)
    assert [len(worker.seen) for worker in lives.made] == [0, 0]
    assert await ref.ask(Double(number=1), timeout_s=1) == Doubled(number=2)


async def test_the_type_of_an_answer_is_known_from_the_request(node: Node) -> None:
    ref = await node.spawn("worker", Worker)
    assert_type(await ref.ask(Double(number=1), timeout_s=1), Doubled)
