"""Limits that are not used up by a standstill of our own, and are limits all the same."""

import asyncio

import pytest

from actors.runtime.kit import turn_loop
from actors.runtime.standstill import PARTS, call_after, within
from tests.kit.passing_time import pass_s

LIMIT_S = 1000.0


async def waits_for(event: asyncio.Event) -> None:
    async with within(LIMIT_S):
        await event.wait()


async def test_what_is_read_after_a_standstill_has_come_in_time() -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(waits_for(event))
    await turn_loop()
    await pass_s(5 * LIMIT_S)
    event.set()
    await waiting


async def test_what_never_comes_is_given_up_when_the_time_is_over() -> None:
    waiting = asyncio.ensure_future(waits_for(asyncio.Event()))
    await turn_loop()
    for _ in range(PARTS - 1):
        await pass_s(LIMIT_S / PARTS)
    assert not waiting.done()
    await pass_s(LIMIT_S / PARTS)
    with pytest.raises(TimeoutError):
        await waiting


async def test_what_is_cancelled_meanwhile_is_cancelled_and_not_late() -> None:
    waiting = asyncio.ensure_future(waits_for(asyncio.Event()))
    await turn_loop()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_call_comes_once_and_not_for_a_standstill() -> None:
    called: list[str] = []
    call_after(LIMIT_S, called.append, "it")
    call_after(LIMIT_S, called.append, "what was taken back").cancel()
    await pass_s(5 * LIMIT_S)
    assert called == []
    for _ in range(PARTS):
        await pass_s(LIMIT_S / PARTS)
    assert called == ["it"]
