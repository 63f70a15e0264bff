"""Words about a subkernel that is silent: by its heartbeat, and by its control channel while a cell runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.kernel import hang_watch
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.scripted_subkernel import ScriptedSubkernel

SILENCE = {"kernel": {"heartbeat_silence_s": 0.2, "control_silence_s": 0.2}}


@pytest.fixture
async def stage(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KernelStage]:
    """A kernel that looks often and is soon worried."""
    monkeypatch.setattr(hang_watch, "PERIOD_S", 0.01)
    async with staged(short_folder, SILENCE) as stage:
        yield stage


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


async def test_an_idle_subkernel_is_asked_for_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    subkernel.answers = False
    before = subkernel.beats_heard
    while subkernel.beats_heard < before + 5:
        await stage.settle()
    assert subkernel.received == []


async def test_the_next_life_begins_without_a_word(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    subkernel.answers = False
    await status(stage, "holding the interpreter")
    await stage.start_subkernel()
    await status(stage, "holding the interpreter", there=False)
