"""A restart that is wanted from outside of any cell, and whether a kernel is at work."""

import asyncio

import pytest

from actors.kernel.life.supervisor_door import SupervisorMissing
from beaker.messages.subkernel import GaveUp, Restart, Restarted, SubkernelFailure
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_a_restart_is_over_when_the_fresh_session_answers(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    renewing = asyncio.ensure_future(stage.actor.restart())
    second = asyncio.ensure_future(stage.actor.restart())
    _, asked = await stage.supervisor.expect_ask(Restart)
    waiting = stage.run("x")
    asked.answer(Restarted(generation=2))
    await stage.settle()
    assert not renewing.done()
    subkernel.die()
    fresh = await stage.start_subkernel()
    await asyncio.wait_for(asyncio.gather(renewing, second), 60)
    assert (await fresh.expect_code()).msg_id == waiting
    assert sum(isinstance(message, Restart) for message in stage.supervisor.seen) == 1


async def test_a_restart_over_rest_is_no_death_to_clients_and_takes_no_widgets_away(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    cell = stage.run("widgets")
    running = await subkernel.expect()
    subkernel.begin(running, 1)
    subkernel.publish("comm_open", {"comm_id": "theirs", "target_name": "t", "data": {}}, running)
    subkernel.end(running, 1)
    await stage.front.over(cell)
    renewing = asyncio.ensure_future(stage.actor.restart())
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.answer(Restarted(generation=2))
    subkernel.die()
    await stage.start_subkernel()
    await asyncio.wait_for(renewing, 60)
    assert stage.front.unparented() == ["starting", "idle"]


async def test_what_is_asked_right_behind_the_wish_is_for_the_fresh_session(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    renewing = asyncio.ensure_future(stage.actor.restart())
    await asyncio.sleep(0)
    msg_id = stage.run("x")
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.answer(Restarted(generation=2))
    subkernel.die()
    fresh = await stage.start_subkernel()
    assert (await fresh.expect_code()).msg_id == msg_id
    await asyncio.wait_for(renewing, 60)


async def test_a_restart_that_cannot_be_done_says_why_and_leaves_the_session(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    renewing = asyncio.ensure_future(stage.actor.restart())
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.fail(SubkernelFailure(reason="No room."))
    with pytest.raises(SupervisorMissing, match="No room"):
        await renewing
    msg_id = stage.run("x")
    assert (await subkernel.expect_code()).msg_id == msg_id


async def test_a_restart_fails_when_no_session_comes_of_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    renewing = asyncio.ensure_future(stage.actor.restart())
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.answer(Restarted(generation=2))
    await stage.settle()
    stage.tell(GaveUp(generation=2, reason="It exits at once."))
    with pytest.raises(SupervisorMissing, match="exits at once"):
        await asyncio.wait_for(renewing, 60)


async def test_a_kernel_is_at_work_from_a_request_to_its_reply(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    before = stage.actor.at_work
    msg_id = stage.run("x")
    request = await subkernel.expect_code()
    meanwhile = stage.actor.at_work
    subkernel.run(request, 1)
    await stage.front.over(msg_id)
    assert (before, meanwhile, stage.actor.at_work) == (False, True, False)


async def test_a_kernel_is_at_work_while_a_question_is_answered(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai why?")
    assert stage.actor.at_work
