"""The KernelActor as a whole: leaving, losing its Supervisor, starting without one."""

import asyncio

import pytest

from actors.kernel.life import attaching, supervisor_door
from beaker.messages.subkernel import (
    Attach,
    Attached,
    Died,
    GaveUp,
    Restart,
    Restarted,
    ShutDown,
    Shutdown,
    Started,
    Starting,
    SubkernelFailure,
)
from beaker.wire.compose import status
from tests.kit.kernel_stage import KERNEL_ID, KernelStage, until
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_it_attaches_as_the_owner_of_its_kernel(stage: KernelStage) -> None:
    assert (await stage.open()).kernel_id == KERNEL_ID


async def test_a_supervisor_that_cannot_be_owned_is_tried_again(stage: KernelStage) -> None:
    await stage.open()
    stage.attaching.fail(SubkernelFailure(reason="not yet"))
    await stage.reattach(None, state="starting")
    subkernel = await stage.start_subkernel()
    msg_id = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"


async def test_a_shutdown_is_answered_and_told_to_all_then_the_subkernel_is_asked_then_the_supervisor(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id = stage.request("shutdown_request", {"restart": False}, channel="control")
    assert [(sent.channel, sent.kind) for sent in stage.front.about(msg_id)] == [
        ("iopub", "busy"),
        ("control", "shutdown_reply"),
        ("iopub", "shutdown_reply"),
        ("iopub", "idle"),
    ]
    assert {str(sent.content) for sent in stage.front.about(msg_id) if sent.kind == "shutdown_reply"} == {
        str({"status": "ok", "restart": False})
    }
    asked_subkernel = await subkernel.expect("shutdown_request")
    assert (asked_subkernel.channel, asked_subkernel.content) == ("control", {"restart": False})
    _, asked = await stage.supervisor.expect_ask(Shutdown)
    assert stage.finished == 0
    asked.answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    assert stage.finished == 1


@pytest.mark.parametrize(("content", "restart"), [({"restart": True}, True), ({"restart": "yes"}, False), ([], False)])
async def test_a_restart_is_told_as_one(stage: KernelStage, subkernel: ScriptedSubkernel, content: object, restart: bool) -> None:
    msg_id = stage.request("shutdown_request", content, channel="control")
    assert (await stage.front.reply(msg_id)).content == {"status": "ok", "restart": restart}
    assert (await subkernel.expect("shutdown_request")).content == {"restart": restart}
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")


async def test_a_shutdown_on_the_shell_channel_waits_for_the_cells_ahead_and_nothing_is_taken_behind_it(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    ahead = [stage.run("1"), stage.run("2")]
    wanted = stage.request("shutdown_request", {"restart": False})
    behind = stage.run("3")
    assert (await stage.front.reply(behind)).content["evalue"] == "the kernel is shutting down"
    for count in (1, 2):
        assert stage.front.about(wanted) == []
        subkernel.run(await subkernel.expect(), count)
        await stage.front.reply(ahead[count - 1])
    assert [(sent.channel, sent.kind) for sent in stage.front.about(wanted)] == [
        ("iopub", "busy"),
        ("shell", "shutdown_reply"),
        ("iopub", "shutdown_reply"),
        ("iopub", "idle"),
    ]
    assert (await subkernel.expect("shutdown_request")).channel == "control"
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    assert [request.content["code"] for request in subkernel.received if request.kind == "execute_request"] == ["1", "2"]


@pytest.mark.parametrize("how", ["nothing runs", "its cell dies", "no subkernel is left", "asked again"])
async def test_a_shutdown_on_the_shell_channel_comes_to_its_end(stage: KernelStage, subkernel: ScriptedSubkernel, how: str) -> None:
    if how in {"its cell dies", "asked again"}:
        stage.run("x")
        await subkernel.expect()
    elif how == "no subkernel is left":
        stage.tell(GaveUp(generation=1, reason="it died 6 times"))
        await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    wanted = stage.request("shutdown_request", {"restart": True})
    if how == "its cell dies":
        stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    elif how == "asked again":
        assert stage.front.about(wanted) == []
        again = stage.request("shutdown_request", {"restart": True})
        assert (await stage.front.reply(again)).content["status"] == "ok"
    assert (await stage.front.reply(wanted)).content == {"status": "ok", "restart": True}
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    assert stage.front.kinds(wanted).count("shutdown_reply") == 2


async def test_asked_to_leave_twice_it_leaves_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.actor.shut_down(restart=False)
    stage.actor.shut_down(restart=True)
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    await stage.settle()
    assert stage.finished == 1
    assert len([message for message in stage.supervisor.seen if isinstance(message, Shutdown)]) == 1


async def test_asked_again_while_it_leaves_it_ends_the_grace_of_the_subkernel_once(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.kernel.life.ending.HURRY_AFTER_S", 0)
    stage.actor.shut_down(restart=False)
    first, asked = await stage.supervisor.expect_ask(Shutdown)
    assert first.grace_s > 0
    for _ in range(3):
        stage.actor.shut_down(restart=False)
    second, asked_again = await stage.supervisor.expect_ask(Shutdown)
    assert second.grace_s == 0
    await stage.settle()
    assert len([message for message in stage.supervisor.seen if isinstance(message, Shutdown)]) == 2
    asked.answer(ShutDown())
    asked_again.answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    await stage.settle()
    assert stage.finished == 1


async def test_what_was_owed_is_answered_when_it_leaves(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running, queued = stage.run("1"), stage.run("2")
    debug = stage.request("debug_request", {}, channel="control")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.actor.shut_down(restart=False)
    (await stage.supervisor.expect_ask(Shutdown))[1].answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    late = stage.run("3")
    await stage.node.stop()
    assert (await stage.front.reply(running)).content["ename"] == "KernelShutdown"
    assert (await stage.front.reply(queued)).content == {"status": "aborted"}
    assert (await stage.front.reply(debug)).content == {"status": "aborted"}
    assert (await stage.front.reply(late)).content["evalue"] == "the kernel is shutting down"
    for msg_id in (running, queued, debug, late):
        kinds = stage.front.kinds(msg_id)
        assert (kinds[0], kinds[-1], kinds.count("busy"), kinds.count("idle")) == ("busy", "idle", 1, 1)
    assert stage.front.closed


async def test_what_waited_for_a_subkernel_is_answered_when_it_leaves(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    cell, debug = stage.run("1"), stage.request("debug_request", {}, channel="control")
    await stage.node.stop()
    assert (await stage.front.reply(cell)).content["ename"] == "NoSubkernel"
    assert (await stage.front.reply(debug)).content == {"status": "aborted"}


async def test_a_subkernel_that_answers_while_the_kernel_leaves_is_given_nothing(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=1), Started(subkernel=subkernel.as_announced()))
    waiting = stage.run("1")
    request = await subkernel.expect("kernel_info_request")
    stage.actor.shut_down(restart=False)
    _, asked = await stage.supervisor.expect_ask(Shutdown)
    await subkernel.listened()
    subkernel.busy(request)
    subkernel.reply(request, subkernel.info)
    subkernel.idle(request)
    subkernel.publish("status", status("starting"))
    await stage.front.wait(lambda: "starting" in stage.front.unparented(), "all of it")
    late = stage.make_subkernel()
    stage.tell(Starting(generation=2), Started(subkernel=late.as_announced()))
    await stage.settle()
    asked.answer(ShutDown())
    await until(lambda: stage.finished, "the end")
    await stage.node.stop()
    assert [each.kind for each in (*subkernel.received, *late.received)] == ["kernel_info_request"]
    assert (await stage.front.reply(waiting)).content["status"] == "error"


async def test_it_leaves_without_a_supervisor_too(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.supervisor_missing = "no more processes"
    stage.cut_supervisor()
    await stage.settle()
    stage.actor.shut_down(restart=False)
    await until(lambda: stage.finished, "the end")


async def test_cells_run_on_while_the_supervisor_is_replaced(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("1")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    stage.cut_supervisor()
    await stage.reattach(subkernel)
    subkernel.end(request, 1)
    assert sorted(await stage.front.over(running)) == ["busy", "execute_input", "execute_reply", "idle"]
    assert stage.front.unparented() == []
    stage.run("%beaker restart")
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.answer(Restarted(generation=2))


async def test_a_subkernel_that_died_unwatched_is_buried_and_the_new_one_is_greeted(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    running, queued = stage.run("1"), stage.run("2")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.cut_supervisor()
    second = stage.make_subkernel()
    await stage.reattach(second)
    await stage.greeted(2)
    assert (await stage.front.reply(running)).content["ename"] == "KernelDied"
    assert (await stage.front.reply(queued)).content == {"status": "aborted"}
    assert stage.front.unparented() == ["restarting", "idle"]


async def test_a_subkernel_that_was_given_up_unwatched_is_told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("1")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.cut_supervisor()
    await stage.reattach(None, generation=1, state="dead", reason="it died six times")
    assert "it died six times" in (await stage.front.reply(running)).content["evalue"]
    assert stage.front.unparented()[-1] == "dead"


async def test_without_a_supervisor_at_all_cells_say_why_until_there_is_one(stage: KernelStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_door, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(attaching, "ATTACH_AGAIN_S", 0.01)
    stage.supervisor_missing = "no more processes"
    opening = asyncio.ensure_future(stage.open())
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    told = (await stage.front.reply(stage.run("1"))).content["evalue"]
    assert told == "the process that watches the subkernel cannot be started: no more processes"
    stage.supervisor_missing = ""
    assert isinstance(await opening, Attach)
    await stage.attach(Attached(subkernel=None, generation=1, state="starting"))
    subkernel = await stage.start_subkernel()
    after = stage.run("2")
    subkernel.run(await subkernel.expect(), 1)
    assert (await stage.front.reply(after)).content["status"] == "ok"
    assert stage.front.unparented().count("dead") == 1


async def test_cells_sent_behind_a_restart_wait_and_go_on_in_the_old_session_if_it_is_refused(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.run("%beaker restart", store_history=False)
    behind = stage.run("1")
    debug = stage.request("debug_request", {}, channel="control")
    _, asked = await stage.supervisor.expect_ask(Restart)
    await subkernel.expect("shutdown_request")
    assert len(subkernel.received) == 1
    asked.fail(SubkernelFailure(reason="no"))
    assert (await subkernel.expect()).msg_id == behind
    assert (await subkernel.expect("debug_request")).msg_id == debug


async def test_cells_sent_behind_a_restart_run_in_the_fresh_session(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%beaker restart", store_history=False)
    behind = stage.run("1")
    _, asked = await stage.supervisor.expect_ask(Restart)
    await subkernel.expect("shutdown_request")
    second = await stage.start_subkernel()
    asked.answer(Restarted(generation=2))
    request = await second.expect()
    assert request.msg_id == behind
    second.run(request, 1)
    assert (await stage.front.reply(behind)).content["status"] == "ok"
    assert len(subkernel.received) == 1
