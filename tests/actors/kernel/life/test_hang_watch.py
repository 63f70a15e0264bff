"""Words about a subkernel that is silent: by its heartbeat, and by its control channel while a cell runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from actors.kernel.life import hang_watch
from actors.kernel.life.hang_watch import PERIOD_S
from actors.runtime.kit import ManualClock, turn_loop
from beaker.messages.subkernel import Died, Started, Starting
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.scripted_subkernel import ScriptedSubkernel
from tests.kit.takeover_stage import Replaced

SILENCE = {"kernel": {"heartbeat_silence_s": 0.2, "control_silence_s": 0.2}}


@pytest.fixture
async def stage(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KernelStage]:
    """A kernel that looks often and is soon worried."""
    monkeypatch.setattr(hang_watch, "PERIOD_S", 0.01)
    async with staged(short_folder, SILENCE) as stage:
        yield stage


class Link:
    """To a subkernel of which nothing is heard, until the test says so."""

    def __init__(self, heartbeat_at: float) -> None:
        self.heartbeat_at = heartbeat_at
        self.outputs = 0
        self.pings = 0
        self.asked = False

    def ping(self) -> None:
        self.pings += 1

    async def ask(self, *_: object) -> None:
        self.asked = True
        await asyncio.Event().wait()


@asynccontextmanager
async def watching(link: Link, clock: ManualClock, *, cell_runs: bool) -> AsyncIterator[Any]:
    """A watch that is worried after 2 s by the heartbeat, and after 5 s by control; gives the state for which it finds words."""
    state: Any = SimpleNamespace(  # Any: only what is looked at
        lived_before=lambda: link,
        settings=SimpleNamespace(kernel=SimpleNamespace(heartbeat_silence_s=2.0, control_silence_s=5.0)),
        requests=SimpleNamespace(running=lambda: "a cell" if cell_runs else None, waiting=lambda: 0),
        hang_words=None,
        log=structlog.get_logger(),
    )
    task = asyncio.ensure_future(hang_watch.HangWatch(state, clock, on_silent=lambda: None).run())
    await turn_loop()
    try:
        yield state
    finally:
        task.cancel()


async def status(stage: KernelStage, words: str, *, there: bool = True) -> None:
    """Look at `%beaker status` until it says so, or says it no more."""
    while True:
        msg_id = stage.run("%beaker status", store_history=False)
        told = (await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"]
        if (words in told) == there:
            return
        await stage.settle()


async def test_a_subkernel_without_a_heartbeat_does_not_respond_until_it_beats_again(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    subkernel.pause("hb")
    await status(stage, "not responding")
    subkernel.resume("hb")
    await status(stage, "not responding", there=False)


async def test_one_that_beats_but_answers_nothing_in_a_cell_holds_the_interpreter(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await stage.front.output(running, "execute_input")
    subkernel.answers = False
    await status(stage, "holding the interpreter")
    asked = await subkernel.expect("kernel_info_request")
    assert asked.channel == "control"
    subkernel.answers = True
    subkernel.reply(asked, subkernel.info)
    await status(stage, "holding the interpreter", there=False)


async def test_an_idle_subkernel_is_asked_for_nothing(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang_watch, "PERIOD_S", 0.01)
    # An echo that comes late on a busy machine would be a silence, and a reason to ask.
    async with staged(short_folder, {"kernel": {**SILENCE["kernel"], "heartbeat_silence_s": 60.0}}) as stage:
        subkernel = await stage.ready()
        subkernel.answers = False
        before = subkernel.beats_heard
        while subkernel.beats_heard < before + 5:
            await stage.settle()
        assert subkernel.received == []


async def test_a_session_that_is_silent_while_it_is_taken_over_is_called_so(short_folder: Path, stage: KernelStage) -> None:
    async with staged(short_folder, SILENCE) as second:
        replaced = Replaced(stage, second, await stage.ready())
        request = await replaced.begin("x", 1)
        replaced.subkernel.behind_a_cell = True
        replaced.subkernel.answers = False
        await replaced.take_over()
        await status(second, "holding the interpreter")
        replaced.subkernel.answers = True
        while asked := [each for each in replaced.subkernel.received if each.kind == "kernel_info_request"]:
            replaced.subkernel.received.remove(asked[0])
            replaced.subkernel.reply(asked[0], replaced.subkernel.info)
        await second.greeted(1)
        await status(second, "holding the interpreter", there=False)
        replaced.subkernel.end(request, 1)
        assert (await second.front.reply(request.msg_id)).content["status"] == "ok"


async def test_a_session_that_is_still_starting_is_given_its_time(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=1), Started(subkernel=subkernel.as_announced()))
    await subkernel.expect("kernel_info_request")
    assert subkernel.beats_heard == 0
    await status(stage, "starting")
    assert subkernel.beats_heard == 0


async def test_a_session_that_took_long_to_start_is_not_called_silent_before_it_was_pinged() -> None:
    clock = ManualClock()
    link = Link(clock.monotonic() - 2000)
    async with watching(link, clock, cell_runs=False) as state:
        await clock.advance(3 * PERIOD_S)
        assert (link.pings, state.hang_words) == (3, None)


async def test_a_session_is_not_called_silent_for_a_standstill_of_our_own() -> None:
    clock = ManualClock()
    link = Link(clock.monotonic())
    async with watching(link, clock, cell_runs=True) as state:
        await clock.advance(PERIOD_S)
        clock.block(3600)  # nobody has read what has come meanwhile
        await clock.advance(PERIOD_S)
        assert state.hang_words is None
        await clock.advance(2.0)
        assert state.hang_words == "not responding", "it is silent from then on"


async def test_a_cell_is_not_said_to_hold_the_interpreter_for_a_standstill_of_our_own() -> None:
    clock = ManualClock()
    link = Link(float("inf"))  # its heart beats all the time
    async with watching(link, clock, cell_runs=True) as state:
        await clock.advance(PERIOD_S)
        clock.block(3600)
        await clock.advance(5.0 - PERIOD_S)
        assert state.hang_words is None
        await clock.advance(PERIOD_S)
        assert state.hang_words == "busy, holding the interpreter"


async def test_a_cell_is_asked_nothing_while_it_prints_and_once_it_does_not() -> None:
    """Behind each control request ipykernel flushes what is printed: asked all the while, it sent ten times the outputs."""
    clock = ManualClock()
    link = Link(float("inf"))
    async with watching(link, clock, cell_runs=True):
        for _ in range(20):
            link.outputs += 1
            await clock.advance(PERIOD_S)
        assert not link.asked
        await clock.advance(PERIOD_S)
        assert link.asked


async def test_the_next_life_begins_without_a_word(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    subkernel.answers = False
    await status(stage, "holding the interpreter")
    await stage.start_subkernel()
    await status(stage, "holding the interpreter", there=False)


async def test_a_client_that_comes_to_look_at_a_hanging_cell_learns_what_kernel_this_is(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    running = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await stage.front.output(running, "execute_input")
    subkernel.answers = False
    await status(stage, "holding the interpreter")
    asked = stage.request("kernel_info_request", {}, client=b"second")
    assert (await stage.front.reply(asked)).content["language_info"]["name"] == "python"
    assert [each for each in subkernel.received if each.channel == "shell" and each.kind == "kernel_info_request"] == []


async def test_a_client_that_came_before_the_hang_was_known_is_told_then_and_once(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unknown:
        unknown.setattr(hang_watch, "hang_words", lambda **_facts: None)
        await status(stage, "not responding", there=False)
        running = stage.run("x")
        request = await subkernel.expect_code()
        subkernel.begin(request, 1)
        await stage.front.output(running, "execute_input")
        subkernel.answers = False
        asked = stage.request("kernel_info_request", {}, client=b"second")
        while (waiting := await subkernel.expect("kernel_info_request")).channel != "shell":
            continue
    reply = await stage.front.reply(asked)
    assert (reply.idents, reply.content["language_info"]["name"]) == ([b"second"], "python")
    assert "beaker: ask with %%ai" in reply.content["banner"]
    subkernel.end(request, 1)
    for say in (subkernel.busy, subkernel.reply, subkernel.idle):
        say(waiting)
    behind = stage.run("y")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(behind)
    assert stage.front.kinds(asked) == ["busy", "kernel_info_reply", "idle"]


async def test_of_a_session_that_hung_and_was_killed_nobody_is_told_what_it_was(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await stage.front.output(running, "execute_input")
    subkernel.answers = False
    await status(stage, "holding the interpreter")
    monkeypatch.setattr(hang_watch, "PERIOD_S", 3600)  # it looks once more, and then not before the client comes
    stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
    assert (await stage.front.reply(running)).content["ename"] == "KernelDied"
    asked = stage.request("kernel_info_request", {}, client=b"second")
    assert stage.front.kinds(asked) == []
    await stage.start_subkernel()
    assert (await stage.front.reply(asked)).idents == [b"second"]
