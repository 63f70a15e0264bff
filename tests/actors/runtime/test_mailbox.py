"""The mailbox: order, bounds, and who is woken."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.mailbox import CONTROL_SIZE, Mailbox


async def test_control_is_taken_before_ordinary_each_in_order() -> None:
    mailbox: Mailbox[str] = Mailbox(10)
    for item in ("a", "b"):
        mailbox.offer(item)
    for item in ("A", "B"):
        mailbox.offer_control(item)
    assert [await mailbox.get() for _ in range(4)] == ["A", "B", "a", "b"]


async def test_a_full_ordinary_lane_refuses_and_control_still_passes() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    assert [mailbox.offer(number) for number in range(3)] == [True, True, False]
    assert mailbox.offer_control(9)
    assert await mailbox.get() == 9


async def test_the_control_lane_is_bounded_but_notices_always_fit() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    assert all(mailbox.offer_control(number) for number in range(CONTROL_SIZE))
    assert not mailbox.offer_control(0)
    mailbox.notice(7)
    mailbox.first(8)
    assert mailbox.qsize() == CONTROL_SIZE + 2
    assert await mailbox.get() == 8


async def test_a_sleeping_taker_is_woken_by_either_lane() -> None:
    mailbox: Mailbox[str] = Mailbox(1)
    for put in (mailbox.offer, mailbox.offer_control, mailbox.notice, mailbox.own):
        taker = asyncio.ensure_future(mailbox.get())
        await asyncio.sleep(0)
        put("x")
        assert await asyncio.wait_for(taker, 20) == "x"


async def test_what_wakes_the_taker_does_not_lose_its_place() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    taker = asyncio.ensure_future(mailbox.get())
    await asyncio.sleep(0)
    mailbox.offer_control("A")
    mailbox.offer("a")
    mailbox.offer_control("B")
    assert [await taker, await mailbox.get(), await mailbox.get()] == ["A", "B", "a"]


async def test_room_is_told_when_half_of_the_lane_is_free() -> None:
    mailbox: Mailbox[int] = Mailbox(4)
    told: list[int] = []
    for number in range(4):
        mailbox.offer(number)
    mailbox.when_room(lambda: told.append(mailbox.qsize()))
    for _ in range(4):
        mailbox.tell_room()
        await mailbox.get()
    mailbox.tell_room()
    assert told == [2]


async def test_take_all_leaves_nothing() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    mailbox.offer("a")
    mailbox.offer_control("A")
    assert mailbox.take_all() == ["A", "a"]
    assert mailbox.empty()


def test_a_mailbox_that_could_hold_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the least is 1"):
        Mailbox(0)


@given(st.lists(st.sampled_from(["control", "ordinary", "take"]), max_size=80), st.integers(min_value=1, max_value=5))
def test_it_behaves_like_two_bounded_lists(steps: list[str], size: int) -> None:
    async def play() -> None:
        mailbox: Mailbox[int] = Mailbox(size)
        control: list[int] = []
        ordinary: list[int] = []
        for number, step in enumerate(steps):
            if step == "control":
                assert mailbox.offer_control(number)
                control.append(number)
            elif step == "ordinary":
                assert mailbox.offer(number) == (len(ordinary) < size)
                ordinary.extend([number] * (len(ordinary) < size))
            elif control or ordinary:
                assert await mailbox.get() == (control or ordinary).pop(0)
            assert mailbox.qsize() == len(control) + len(ordinary)

    asyncio.run(play())
