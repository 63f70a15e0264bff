"""Prompts give way: to an interrupt, to cells and questions that wait behind them, and to an answer from another cell."""

from pathlib import Path

import pytest

from beaker.kernel import interrupting
from beaker.kernel.requests import Requests
from beaker.messages.base import TurnId
from beaker.messages.running import CodeRan, Parked
from beaker.messages.turn import Delta, Stop
from beaker.wire.parts import HEADER
from tests.actors.kernel.questions.turn_kit import OK, framed
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, staged, until
from tests.kit.reading import command, displays, refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel


@pytest.mark.parametrize("client", [b"client", b"after-a-reload"])
async def test_an_approval_that_is_asked_is_taken_over_by_another_cell_and_its_prompt_withdrawn(
    stage: KernelStage, subkernel: ScriptedSubkernel, client: bytes
) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("40 + 2")
    prompt = await stage.front.prompt()
    assert "A1 (asked at the prompt of question 1)" in await command(stage, "%beaker status")
    allowing = stage.run("%beaker allow A1", client=client, metadata={"cellId": "c2"})
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert displays(stage, msg_id)[-1].endswith("*A1 was decided in another cell, and the answer goes on there*\n\n</div>")
    request = await subkernel.expect_code()
    stage.type("n", parent=prompt.parts[HEADER])
    subkernel.run(request, 3)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "ok"
    stage.tell(Delta(turn=FIRST, text="It is 42."), OK)
    assert (await stage.front.reply(allowing)).content["status"] == "ok"
    assert displays(stage, allowing)[-1] == "It is 42."
    assert subkernel.codes() == ["40 + 2"]
    assert "waiting" not in await command(stage, "%beaker status")


async def test_an_approval_that_is_asked_is_rejected_from_another_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    rejecting = stage.run("%beaker reject A1", client=b"after-a-reload")
    assert "does not want" in await refusal(running)
    stage.tell(OK)
    await stage.front.reply(rejecting)
    assert subkernel.codes() == []


async def test_what_waits_is_listed_with_its_code_asked_or_put_off(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stage.wants_run("x = 1\nprint(x)")
    await stage.front.prompt()
    assert "asked at the prompt of question 1\n\nx = 1\nprint(x)\n\n" in await command(stage, "%beaker allow")
    stage.type("l")
    await stage.agent.expect(Parked)
    for typed in ("%beaker allow", "%beaker reject"):
        assert "put off, question 1\n\nx = 1\nprint(x)\n\n%beaker allow A1 / %beaker reject A1" in await command(stage, typed)


async def test_the_name_of_what_is_asked_completes(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stage.wants_run("1")
    await stage.front.prompt()
    msg_id = stage.request("complete_request", {"code": "%beaker reject ", "cursor_pos": 15})
    assert (await stage.front.reply(msg_id)).content["matches"] == ["A1", "always"]


async def test_an_interrupt_parks_an_open_consent_and_stops_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    stage.request("interrupt_request", {}, channel="control")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert "waiting" in displays(stage, msg_id)[-1]
    assert not running.done()


async def test_a_second_interrupt_stops_what_gave_way_to_the_first(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    for _ in range(2):
        stage.request("interrupt_request", {}, channel="control")
    assert "over" in await refusal(running)
    assert (await stage.agent.expect(Stop)).turn == FIRST
    assert displays(stage, msg_id) == [framed("**A1** was not run\n\n```python\n1\n```"), "*stopped*"]
    late = stage.run("%beaker allow A1")
    assert "Nothing named A1" in (await stage.front.reply(late)).content["evalue"]
    assert subkernel.codes() == []


async def test_what_the_user_put_off_herself_or_long_ago_outlives_two_interrupts(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.ask()
    put_off = stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    await stage.agent.expect(Parked)
    await stage.ask()
    gave_way = stage.wants_run("2", TurnId(2))
    await stage.front.prompt(2)
    stage.request("interrupt_request", {}, channel="control")
    await stage.agent.expect(Parked)
    with monkeypatch.context() as long_after:
        long_after.setattr(interrupting, "SECOND_WITHIN_S", -1.0)
        stage.request("interrupt_request", {}, channel="control")
    stage.request("interrupt_request", {}, channel="control")
    await stage.settle()
    assert not [message for message in stage.agent.seen if isinstance(message, Stop)]
    assert (put_off.done(), gave_way.done()) == (False, False)
    stage.type("y")
    await stage.settle()
    assert subkernel.codes() == [], "an answer that comes too late allows nothing"


async def test_no_prompt_opens_while_cells_wait_behind_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    behind = stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 2)
    stage.wants_run("1")
    await stage.front.reply(msg_id)
    assert stage.front.prompts() == []
    assert "waiting: `%beaker allow A1`" in displays(stage, msg_id)[-1]
    assert "execute_reply" not in stage.front.kinds(behind)


async def test_a_cell_that_ran_before_the_question_keeps_no_prompt_from_opening(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 1)
    await stage.ask()
    stage.wants_run("1")
    await stage.front.prompt()


async def test_a_prompt_gives_way_when_cells_have_waited_behind_it_for_long(short_folder: Path) -> None:
    async with staged(short_folder, {"agent": {"consent_patience_s": 0.1}}) as stage:
        subkernel = await stage.ready()
        msg_id, _ = await stage.ask()
        stage.wants_run("1")
        await stage.front.prompt()
        stage.run("behind()", client=b"other")
        subkernel.begin(await subkernel.expect_code(), 2)
        await stage.front.reply(msg_id)
        assert "waiting" in displays(stage, msg_id)[-1]


async def test_a_prompt_gives_way_to_short_cells_too(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look(requests: Requests, at: float) -> int:
        looks.append(cells_since(requests, at))
        return looks[-1]

    cells_since = Requests.cells_since
    async with staged(short_folder, {"agent": {"consent_patience_s": 0.8}}) as stage:
        subkernel = await stage.ready()
        msg_id, _ = await stage.ask()
        running = stage.wants_run("1")
        await stage.front.prompt()
        monkeypatch.setattr(Requests, "cells_since", look)

        def gave_way() -> bool:
            return "execute_reply" in stage.front.kinds(msg_id)

        for number in range(1, 5):
            before = len(looks)
            short = stage.run("short()", client=b"other")
            subkernel.run(await subkernel.expect_code(number), number + 1)
            await stage.front.over(short)
            # Or it has given way by now, as on a machine that stands still.
            await until(lambda: len(looks) > before or gave_way(), "a look")  # noqa: B023 -- awaited here
        await stage.front.reply(msg_id)
        assert "waiting: `%beaker allow A1`" in displays(stage, msg_id)[-1]
        assert not running.done()


async def test_a_prompt_gives_way_when_a_question_has_waited_behind_it_for_long(short_folder: Path) -> None:
    async with staged(short_folder, {"agent": {"consent_patience_s": 0.1}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        stage.wants_run("1")
        await stage.front.prompt()
        stage.run("%%ai and then?", client=b"other")
        await stage.front.reply(msg_id)
        assert "waiting" in displays(stage, msg_id)[-1]
