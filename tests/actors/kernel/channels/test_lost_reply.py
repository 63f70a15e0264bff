"""Cells that an interrupt met at their edge, and that the subkernel therefore never answers."""

import pytest

from actors.kernel.channels import lost_reply
from actors.runtime.standstill import PARTS
from beaker.messages.subkernel import Died, Interrupt, Interrupted
from tests.kit.kernel_stage import KernelStage
from tests.kit.passing_time import pass_s
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

NEVER_S = 3600.0
"""Longer than any test."""


async def interrupted(stage: KernelStage, subkernel: ScriptedSubkernel) -> Received:
    """A cell that runs and is interrupted."""
    msg_id = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await stage.front.output(msg_id, "execute_input")
    stage.request("interrupt_request", {}, channel="control")
    _, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    return request


async def test_one_that_is_idle_and_has_no_reply_gets_one_that_names_the_interrupt(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_reply, "GRACE_S", 0.02)
    request = await interrupted(stage, subkernel)
    subkernel.idle(request)
    reply = await stage.front.reply(request.msg_id)
    assert (reply.channel, reply.idents) == ("shell", [b"client"])
    assert (reply.content["status"], reply.content["ename"], reply.content["execution_count"]) == ("error", "KeyboardInterrupt", 1)
    assert stage.front.kinds(request.msg_id) == ["busy", "execute_input", "idle", "execute_reply"]
    subkernel.reply(request)
    after = stage.run("y")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(after)
    assert stage.front.kinds(request.msg_id).count("execute_reply") == 1, "the subkernel's own would be a second one"


async def test_one_whose_reply_is_only_late_hears_the_subkernel(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_reply, "GRACE_S", NEVER_S)
    request = await interrupted(stage, subkernel)
    subkernel.idle(request)
    await stage.front.output(request.msg_id, "idle")
    await pass_s(2 * NEVER_S)  # the machine stands still, and that is no answer
    subkernel.reply(request, {"status": "ok", "execution_count": 1})
    assert (await stage.front.reply(request.msg_id)).content["status"] == "ok"
    for _ in range(PARTS):
        await pass_s(NEVER_S)
    assert stage.front.kinds(request.msg_id).count("execute_reply") == 1, "by now ours would have come too"


async def test_one_that_was_not_interrupted_is_left_to_the_subkernel(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_reply, "GRACE_S", 0.02)
    slow = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.idle(request)
    await stage.front.output(slow, "idle")
    met = await interrupted(stage, subkernel)
    subkernel.idle(met)
    await stage.front.reply(met.msg_id)
    assert "execute_reply" not in stage.front.kinds(slow)
    subkernel.reply(request, {"status": "ok", "execution_count": 1})
    assert (await stage.front.reply(slow)).content["status"] == "ok"


async def test_one_whose_subkernel_dies_before_our_word_is_answered_once(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_reply, "GRACE_S", 0.1)
    request = await interrupted(stage, subkernel)
    subkernel.idle(request)
    await stage.front.output(request.msg_id, "idle")
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    await stage.front.reply(request.msg_id)
    second = await stage.start_subkernel()
    met = await interrupted(stage, second)
    second.idle(met)
    await stage.front.reply(met.msg_id)
    assert stage.front.kinds(request.msg_id).count("execute_reply") == 1
