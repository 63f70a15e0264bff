"""The silence watch, with the clock turned by hand."""

import asyncio

import pytest

from actors.agent.silence import READING_S, FellSilent, SilenceWatch, StreamTimeouts
from actors.runtime.kit import ManualClock

LIMITS = StreamTimeouts(first_byte_s=300, silence_s=120, words_after_s=15)


class Watched:
    """A call that waits for ever, under a watch."""

    def __init__(self, limits: StreamTimeouts = LIMITS) -> None:
        self.clock = ManualClock()
        self.words: list[str] = []
        self.watch = SilenceWatch(self.clock, limits, self.words.append)
        self.task = asyncio.create_task(self._call())

    async def _call(self) -> None:
        async with self.watch:
            await asyncio.Event().wait()

    async def fell_silent(self) -> FellSilent:
        with pytest.raises(FellSilent) as caught:
            async with asyncio.timeout(5):
                await self.task
        return caught.value


async def test_words_come_after_15_s_and_are_renewed() -> None:
    call = Watched()
    await call.clock.advance(14.9)
    assert call.words == []
    await call.clock.advance(0.2)
    await call.clock.advance(15)
    assert call.words == ["no data for 15 s", "no data for 30 s"]
    call.task.cancel()


async def test_a_byte_takes_the_words_away_and_begins_anew() -> None:
    call = Watched()
    await call.clock.advance(20)
    call.watch.sign()
    await call.clock.advance(14)
    assert call.words == ["no data for 15 s", ""]
    await call.clock.advance(2)
    assert call.words[2:] == ["no data for 15 s"]
    call.task.cancel()


async def test_the_first_byte_may_take_300_s_and_no_longer() -> None:
    call = Watched()
    await call.clock.advance(299)
    assert not call.task.done()
    await call.clock.advance(2)
    silent = await call.fell_silent()
    assert (silent.waited_s, silent.began) == (300, False)


async def test_after_the_first_byte_120_s_are_too_long() -> None:
    call = Watched()
    await call.clock.advance(200)
    call.watch.sign()
    await call.clock.advance(119)
    assert not call.task.done()
    await call.clock.advance(2)
    silent = await call.fell_silent()
    assert (silent.waited_s, silent.began) == (120, True)
    assert call.words[-1] == ""


async def test_a_limit_below_the_words_holds_all_the_same() -> None:
    call = Watched(StreamTimeouts(first_byte_s=300, silence_s=1, words_after_s=15))
    await call.clock.advance(3)
    call.watch.sign()
    await call.clock.advance(1.1)
    assert (await call.fell_silent()).waited_s == 1
    assert call.words == []


async def test_what_came_while_the_process_stood_still_is_read_before_the_endpoint_is_called_silent() -> None:
    call = Watched()
    await call.clock.advance(1)
    call.watch.sign()
    call.clock.block(500)
    await call.clock.advance(0)
    call.watch.sign()
    await call.clock.advance(119)
    assert not call.task.done()
    await call.clock.advance(2)
    assert (await call.fell_silent()).waited_s == 120


async def test_an_endpoint_that_said_nothing_while_the_process_stood_still_either_is_silent() -> None:
    call = Watched()
    await call.clock.advance(1)
    call.watch.sign()
    call.clock.block(500)
    await call.clock.advance(READING_S)
    assert (await call.fell_silent()).waited_s == 120


async def test_a_call_that_ends_in_time_leaves_no_timer() -> None:
    clock = ManualClock()
    async with SilenceWatch(clock, LIMITS, lambda _: None):
        assert clock.pending == 1
    assert clock.pending == 0


async def test_cancelling_the_call_is_no_silence() -> None:
    call = Watched()
    await call.clock.advance(1)
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
