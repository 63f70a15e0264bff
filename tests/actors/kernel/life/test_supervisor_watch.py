"""A Supervisor that stands still: it is called so, and what only it can do waits for it, with words, or is given up."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.runtime.kit import turn_loop
from beaker.messages.subkernel import Interrupt, Interrupted, Ping, Restart, Restarted, ShutDown, Shutdown
from tests.kit.kernel_stage import KernelStage, staged, until
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

ROW = "supervisor  not responding since "
LONG_S = 3600.0
"""Longer than any test: nothing that waits so long is over because the machine stands still."""


@pytest.fixture
async def stage(short_folder: Path) -> AsyncIterator[KernelStage]:
    """A kernel that is soon worried."""
    async with staged(short_folder, {"kernel": {"supervisor_silence_s": 0.1}}) as stage:
        yield stage


async def status(stage: KernelStage) -> str:
    """What `%beaker status` says."""
    msg_id = stage.run("%beaker status", store_history=False)
    return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])


async def fall_silent(stage: KernelStage) -> None:
    """The Supervisor takes messages no more, and that is known."""
    stage.supervisor.answers = False
    while ROW not in await status(stage):
        await stage.settle()


async def begin(stage: KernelStage, subkernel: ScriptedSubkernel, count: int = 1) -> tuple[str, Received]:
    """A cell that runs."""
    msg_id = stage.run("x")
    request = await subkernel.expect_code()
    subkernel.begin(request, count)
    await stage.front.output(msg_id, "execute_input")
    return msg_id, request


def errors(stage: KernelStage, msg_id: str) -> str:
    """What a cell shows on stderr."""
    streams = [sent.content for sent in stage.front.about(msg_id) if sent.kind == "stream"]
    return "".join(content["text"] for content in streams if content["name"] == "stderr")


def interrupts(stage: KernelStage) -> int:
    """How many reached the Supervisor."""
    return sum(isinstance(message, Interrupt) for message in stage.supervisor.seen)


def waiting() -> bool:
    """Whether an interrupt is under way."""
    return any(task.get_name().endswith("interrupt") for task in asyncio.all_tasks())


async def test_a_silent_supervisor_is_called_so_until_it_answers_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    while "supervisor  " in await status(stage):  # as long as the machine has just stood still
        await stage.settle()
    await fall_silent(stage)
    running, request = await begin(stage, subkernel)
    subkernel.end(request, 1)
    assert (await stage.front.reply(running)).content["status"] == "ok", "cells run on"
    stage.supervisor.answer()
    while ROW in await status(stage):
        await stage.settle()


async def test_the_next_supervisor_is_asked_too(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await fall_silent(stage)
    stage.cut_supervisor()
    stage.supervisor.answers = True  # before it is asked, which may be at once
    await stage.reattach(subkernel)
    while ROW in await status(stage):
        await stage.settle()
    before = stage.supervisor.pings
    await until(lambda: stage.supervisor.pings > before, "a ping")
    assert not [message for message in stage.supervisor.unread() if isinstance(message, Ping)]


async def test_an_interrupt_waits_with_words_and_is_sent_once_when_the_supervisor_goes_on(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_s(seconds: float) -> None:
        before = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: before() + seconds)
        await turn_loop()

    async with staged(short_folder, {"kernel": {"supervisor_silence_s": LONG_S}}) as stage:
        subkernel = await stage.ready()
        stage.supervisor.answers = False
        while ROW not in await status(stage):
            await pass_s(LONG_S / 4)
        running, _ = await begin(stage, subkernel)
        for _ in range(3):
            stage.request("interrupt_request", {}, channel="control")
        await stage.settle()
        await pass_s(LONG_S)
        await stage.front.output(running, "stream")
        assert interrupts(stage) == 0, "what is sent now would come in one burst later"
        stage.supervisor.answer()
        wanted, asked = await stage.supervisor.expect_ask(Interrupt)
        asked.answer(Interrupted())
        assert wanted.generation == 1
        await until(lambda: not waiting(), "its end")
        assert interrupts(stage) == 1
        words = f"beaker: the interrupt waits for the supervisor (pid {stage.supervisor_pid}), which is not responding\n"
        assert errors(stage, running) == words


async def test_an_interrupt_is_tried_for_as_long_as_its_cell_runs(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, request = await begin(stage, subkernel)
    stage.request("interrupt_request", {}, channel="control")
    for _ in range(5):
        await stage.supervisor.expect_ask(Interrupt)
    subkernel.end(request, 1)
    await until(lambda: not waiting(), "its end")


async def test_an_interrupt_whose_cell_is_over_hits_no_later_one(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await fall_silent(stage)
    running, request = await begin(stage, subkernel)
    stage.request("interrupt_request", {}, channel="control")
    subkernel.end(request, 1)
    await stage.front.over(running)
    await begin(stage, subkernel, 2)
    stage.supervisor.answer()
    while ROW in await status(stage):
        await stage.settle()
    await until(lambda: not waiting(), "its end")
    assert interrupts(stage) == 0


async def test_a_restart_waits_in_its_cell_with_words_and_is_done_when_the_supervisor_goes_on(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await fall_silent(stage)
    wanted, behind = stage.run("%beaker restart"), stage.run("1")
    await stage.front.output(wanted, "stream")
    assert errors(stage, wanted) == (
        f"beaker: the restart waits for the supervisor (pid {stage.supervisor_pid}), which is not responding; an interrupt gives it up\n"
    )
    assert "execute_reply" not in stage.front.kinds(wanted)
    assert not [request for request in subkernel.received if request.kind == "shutdown_request"], "the session is there until it is known"
    stage.supervisor.answer()
    _, asked = await stage.supervisor.expect_ask(Restart)
    assert (await stage.front.reply(wanted)).content["status"] == "ok"
    fresh = await stage.start_subkernel()
    asked.answer(Restarted(generation=2))
    fresh.run(await fresh.expect_code(), 1)
    assert (await stage.front.reply(behind)).content["status"] == "ok"


async def test_a_restart_that_waits_is_given_up_by_an_interrupt_and_the_session_goes_on(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await fall_silent(stage)
    wanted, behind = stage.run("%beaker restart", store_history=False), stage.run("1")
    await stage.front.output(wanted, "stream")
    stage.request("interrupt_request", {}, channel="control")
    reply = (await stage.front.reply(wanted)).content
    assert (reply["status"], reply["ename"]) == ("error", "RestartGivenUp")
    subkernel.run(await subkernel.expect_code(), 1)
    assert (await stage.front.reply(behind)).content["status"] == "ok"
    assert not [message for message in stage.supervisor.seen if isinstance(message, Restart)]


async def test_a_restart_that_waits_is_done_by_the_next_supervisor(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await fall_silent(stage)
    wanted = stage.run("%beaker restart")
    await stage.front.output(wanted, "stream")
    stage.cut_supervisor()
    stage.supervisor.answers = True
    await stage.reattach(subkernel)
    await stage.supervisor.expect_ask(Restart)
    assert (await stage.front.reply(wanted)).content["status"] == "ok"


async def test_a_restart_that_waits_is_answered_when_the_kernel_leaves(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await fall_silent(stage)
    wanted = stage.run("%beaker restart")
    await stage.front.output(wanted, "stream")
    stage.actor.shut_down(restart=False)
    assert (await stage.front.reply(wanted)).content["ename"] == "RestartGivenUp"
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")
