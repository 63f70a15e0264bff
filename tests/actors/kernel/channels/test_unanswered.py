"""Requests of types that no kernel knows: passed through, and answered by us where the subkernel is silent."""

from pathlib import Path

import pytest

from actors.kernel.channels import unanswered
from actors.runtime.standstill import PARTS
from beaker.messages.subkernel import Died
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.passing_time import pass_s
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

NEVER_S = 3600.0
"""Longer than any test."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unanswered, "GRACE_S", 0.05)
    monkeypatch.setattr(unanswered, "STATUS_GRACE_S", 0.05)


async def _idle_without_reply(stage: KernelStage, subkernel: ScriptedSubkernel, channel: str = "shell") -> tuple[str, Received]:
    """A request that the subkernel has seen to, and not answered."""
    msg_id = stage.request("rollback_request", {}, channel=channel)
    request = await subkernel.expect("rollback_request")
    subkernel.busy(request)
    subkernel.idle(request)
    await stage.front.output(msg_id, "idle")
    return msg_id, request


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_a_request_that_the_subkernel_is_silent_about_gets_an_error(
    stage: KernelStage, subkernel: ScriptedSubkernel, channel: str
) -> None:
    msg_id, _ = await _idle_without_reply(stage, subkernel, channel)
    reply = await stage.front.reply(msg_id)
    assert (reply.channel, reply.kind, reply.idents) == (channel, "rollback_reply", [b"client"])
    assert (reply.content["status"], reply.content["ename"]) == ("error", "UnknownRequest")
    assert "rollback_request" in reply.content["evalue"]
    assert stage.front.kinds(msg_id) == ["busy", "idle", "rollback_reply"]


async def test_a_subkernel_that_knows_a_request_answers_it_alone(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswered, "GRACE_S", NEVER_S)
    msg_id, request = await _idle_without_reply(stage, subkernel)
    subkernel.reply(request, {"status": "ok"})
    reply = await stage.front.reply(msg_id)
    assert reply.content == {"status": "ok"}
    for _ in range(PARTS):
        await pass_s(NEVER_S)
    assert stage.front.kinds(msg_id).count("rollback_reply") == 1, "by now ours would have come too"


async def test_a_reply_that_lay_unread_while_the_machine_stood_still_is_the_subkernels(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswered, "GRACE_S", NEVER_S)
    msg_id, request = await _idle_without_reply(stage, subkernel)
    await pass_s(2 * NEVER_S)
    subkernel.reply(request, {"status": "ok"})
    assert (await stage.front.reply(msg_id)).content == {"status": "ok"}


@pytest.mark.usefixtures("hasty")
async def test_a_death_before_our_word_is_answered_once(short_folder: Path) -> None:
    async with staged(short_folder) as stage:
        subkernel = await stage.ready()
        msg_id, _ = await _idle_without_reply(stage, subkernel)
        stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
        await stage.front.reply(msg_id)
        after = stage.request("other_request", {})
        next_life = await stage.start_subkernel()
        second = await next_life.expect("other_request")
        next_life.busy(second)
        next_life.idle(second)
        await stage.front.reply(after)
        assert stage.front.kinds(msg_id).count("rollback_reply") == 1


@pytest.mark.usefixtures("hasty")
async def test_a_cell_that_is_aborted_without_a_status_is_idle_in_the_end(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("behind an error")
    subkernel.reply(await subkernel.expect("execute_request"), {"status": "aborted"})
    await stage.front.over(msg_id)
    assert stage.front.kinds(msg_id) == ["execute_reply", "busy", "idle"]
