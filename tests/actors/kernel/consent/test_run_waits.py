"""Code by the model waits for the cells that the user has running, and is told of if it will not run."""

import asyncio

import pytest

from beaker.consent.grants import GRANT_LIFE_S
from beaker.messages.running import CodeRan, RunReply
from beaker.messages.subkernel import Died
from tests.actors.kernel.consent.run_kit import drawn
from tests.actors.kernel.questions.turn_kit import OK
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import refusal
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


async def waiting_shown(stage: KernelStage, msg_id: str) -> None:
    """Wait until the display says that the code waits for cells of the user's."""
    await stage.front.wait(lambda: "waits for the cells" in drawn(stage, msg_id), "the words")


async def want_behind_a_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> tuple[str, Received, "asyncio.Task[RunReply]"]:
    """A cell of the user runs, and the model wants code run: the cell's id, its request, and the want."""
    mine = stage.run("slow()")
    slow = await subkernel.expect_code()
    subkernel.begin(slow, 1)
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    await until(lambda: len(stage.supervisor.asked) == 1, "the want")
    return mine, slow, running


async def test_code_waits_for_the_cells_that_the_user_has_running(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    mine, slow, running = await want_behind_a_cell(stage, subkernel)
    await stage.settle()
    assert subkernel.codes() == ["slow()"]
    subkernel.end(slow, 1)
    await stage.front.reply(mine)
    subkernel.run(await subkernel.expect_code(), 3)
    await running


async def test_what_is_aborted_behind_a_failed_cell_of_the_users_is_sent_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    swept = await subkernel.expect_code()
    subkernel.busy(swept)
    subkernel.reply(swept, {"status": "aborted"})
    subkernel.idle(swept)
    subkernel.run(await subkernel.expect_code(), 2)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert (ran.status, ran.execution_count) == ("ok", 2)
    assert subkernel.codes() == ["df.go()", "df.go()"]


async def test_what_is_aborted_again_and_again_is_told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    for _ in range(3):
        swept = await subkernel.expect_code()
        subkernel.busy(swept)
        subkernel.reply(swept, {"status": "aborted"})
        subkernel.idle(swept)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "aborted"


async def test_a_stop_before_it_was_sent_leaves_nothing_in_the_queue(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    mine, slow, running = await want_behind_a_cell(stage, subkernel)
    stage.run("%beaker stop 1")
    assert "over" in await refusal(running)
    subkernel.end(slow, 1)
    await stage.front.reply(mine)
    await stage.settle()
    assert subkernel.codes() == ["slow()"]


@pytest.mark.parametrize("mode", ["ask", "auto"])
@pytest.mark.parametrize("other_supervisor", [False, True])
async def test_a_grant_is_given_when_the_users_cells_are_over_however_long_they_run(
    stage: KernelStage, subkernel: ScriptedSubkernel, mode: str, other_supervisor: bool
) -> None:
    msg_id, _ = await stage.ask(f"%%ai --mode {mode} go")
    if mode == "ask":
        running = stage.wants_run("df.go()")
        await stage.front.prompt()
    mine = stage.run("slow()")
    slow = await subkernel.expect_code()
    subkernel.begin(slow, 2)
    if mode == "ask":
        stage.type("y")
    else:
        running = stage.wants_run("df.go()")
    await waiting_shown(stage, msg_id)
    stage.supervisor.late_s = 2 * GRANT_LIFE_S
    if other_supervisor:
        stage.supervisor.forget()
    subkernel.end(slow, 2)
    await stage.front.reply(mine)
    subkernel.run(await subkernel.expect_code(), 3)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "ok"
    assert len(stage.front.prompts()) == (mode == "ask"), "she is asked once"


@pytest.mark.parametrize("how", ["stop", "death"])
async def test_what_waits_for_the_users_cells_and_will_not_run_is_shown_so(
    stage: KernelStage, subkernel: ScriptedSubkernel, how: str
) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 2)
    running = stage.wants_run("df.go()")
    await waiting_shown(stage, msg_id)
    if how == "stop":
        stage.run("%beaker stop 1")
    else:
        stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
        stage.make_subkernel()
    await refusal(running)
    stage.tell(OK)
    await stage.front.reply(msg_id)
    assert "was not run" in drawn(stage, msg_id)
    assert "waits for the cells" not in drawn(stage, msg_id)
