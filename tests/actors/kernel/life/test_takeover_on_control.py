"""After the kernel process was replaced: control requests in flight, and questions, are answered once too."""

import pytest

from actors.kernel.channels import unanswered
from beaker.kernel import inflight
from beaker.messages.subkernel import Attached, Died
from tests.kit.takeover_stage import LOST_AT, Replaced


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_a_question_goes_with_the_process_and_is_told_so_though_a_cell_still_runs(replaced: Replaced, channel: str) -> None:
    request = await replaced.begin("x", 5)
    asked = replaced.first.request("llm_request", {"request": "why?"}, channel=channel)
    in_a_cell = replaced.first.run("%%ai why?")
    refused = replaced.first.request("llm_request", {}, channel=channel)
    await replaced.first.front.over(refused)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    front = replaced.second.front
    assert await front.over(asked) == ["llm_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.idents, told.content["status"], told.content["ename"]) == (channel, [b"client"], "error", "KernelReattached")
    assert "ask again" in told.content["evalue"]
    assert await front.over(in_a_cell) == ["error", "execute_reply", "idle"]
    assert front.about(request.msg_id) == []
    assert front.about(refused) == []


async def test_a_control_request_whose_reply_nobody_heard_is_told_unknown_on_control(replaced: Replaced) -> None:
    kinds = ["debug_request", "create_subshell_request", "usage_request"]
    asked = [replaced.first.request(kind, {}, channel="control") for kind in kinds]
    for kind in kinds:
        replaced.subkernel.busy(await replaced.subkernel.expect(kind))
    await replaced.first.front.output(asked[-1], "busy")
    await replaced.take_over()
    front = replaced.second.front
    for kind, msg_id in zip(kinds, asked, strict=True):
        assert await front.over(msg_id) == [kind.removesuffix("_request") + "_reply", "idle"]
        told = await front.reply(msg_id)
        assert (told.channel, told.idents) == ("control", [b"client"])
        assert (told.content["status"], told.content["ename"]) == ("error", "KernelReattached")
        assert "outcome unknown" in told.content["evalue"]
    assert inflight.replay((replaced.second.folder / "inflight").read_bytes()).unanswered == [], "the next successor answers none again"


async def test_a_control_request_that_is_answered_after_the_takeover_hears_the_subkernel(replaced: Replaced) -> None:
    replaced.subkernel.answers = False
    asked = replaced.first.request("debug_request", {}, channel="control")
    request = await replaced.subkernel.expect("debug_request")
    replaced.subkernel.busy(request)
    await replaced.first.front.output(asked, "busy")
    await replaced.take_over()
    behind = await replaced.subkernel.expect("kernel_info_request")
    reply = replaced.subkernel.reply(request, {"success": True})
    replaced.subkernel.idle(request)
    replaced.subkernel.answers = True
    replaced.subkernel.reply(behind, replaced.subkernel.info)
    await replaced.second.greeted(1)
    front = replaced.second.front
    assert sorted(await front.over(asked)) == ["debug_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.idents, told.parts) == ("control", [b"client"], reply)


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_what_was_answered_while_the_outputs_were_not_heard_yet_is_idle_in_the_end(
    replaced: Replaced, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    monkeypatch.setattr(unanswered, "STATUS_GRACE_S", 0.05)
    asked = replaced.first.request("debug_request", {}, channel=channel)
    request = await replaced.subkernel.expect("debug_request")
    replaced.subkernel.busy(request)
    await replaced.first.front.output(asked, "busy")
    replaced.subkernel.answers = False
    await replaced.take_over()
    behind = await replaced.subkernel.expect("kernel_info_request")
    replaced.subkernel.reply(request)  # its idle was heard by nobody
    replaced.subkernel.answers = True
    replaced.subkernel.reply(behind, replaced.subkernel.info)
    front = replaced.second.front
    assert sorted(await front.over(asked)) == ["debug_reply", "idle"]


async def test_a_control_request_that_was_answered_before_is_answered_no_more(replaced: Replaced) -> None:
    asked = replaced.first.request("usage_request", {}, channel="control")
    request = await replaced.subkernel.expect("usage_request")
    replaced.subkernel.reply(request)
    replaced.subkernel.idle(request)
    await replaced.first.front.over(asked)
    await replaced.take_over()
    await replaced.second.greeted(1)
    after = replaced.second.request("usage_request", {}, channel="control")
    replaced.subkernel.reply(await replaced.subkernel.expect("usage_request"))
    await replaced.second.front.reply(after)
    assert replaced.second.front.about(asked) == []


async def test_control_requests_of_a_session_that_died_with_the_process_are_answered(replaced: Replaced) -> None:
    asked = replaced.first.request("debug_request", {}, channel="control")
    replaced.subkernel.busy(await replaced.subkernel.expect("debug_request"))
    await replaced.first.front.output(asked, "busy")
    await replaced.first.kill()
    await replaced.second.open()
    await replaced.second.attach()
    front = replaced.second.front
    assert await front.over(asked) == ["debug_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.content["status"], told.content["ename"]) == ("control", "error", "KernelDied")


async def test_the_log_is_not_emptied_while_somebody_waits_on_control(replaced: Replaced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflight, "COMPACT_BYTES", 0)
    asked = replaced.first.request("debug_request", {}, channel="control")
    replaced.subkernel.busy(await replaced.subkernel.expect("debug_request"))
    cell = replaced.first.run("1")
    replaced.subkernel.run(await replaced.subkernel.expect(), 1)
    await replaced.first.front.over(cell)
    await replaced.take_over()
    assert (await replaced.second.front.reply(asked)).content["ename"] == "KernelReattached"


async def test_a_question_is_remembered_though_the_subkernel_died_meanwhile(replaced: Replaced) -> None:
    asked = replaced.first.request("llm_request", {"request": "why?"})
    replaced.first.tell(Died(generation=1, reason="killed by signal 9", at=LOST_AT, stderr_tail="", restarting=True))
    second = await replaced.first.start_subkernel()
    replaced.subkernel = second
    await replaced.first.kill()
    await replaced.second.open()
    attached = Attached(subkernel=second.as_announced(), generation=2, state="running", first_owner=False, owner_lost_at=LOST_AT)
    await replaced.second.attach(attached)
    assert await replaced.second.front.over(asked) == ["llm_reply", "idle"]
