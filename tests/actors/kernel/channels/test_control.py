"""The control channel: interrupts and shutdowns are ours, all else is the subkernel's, at once or when there is one."""

import pytest

from actors.kernel.sockets import backlog
from beaker.kernel.pending import Channel
from beaker.messages.subkernel import Died, Interrupt, Interrupted
from beaker.messages.turn import Stop
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.scripted_subkernel import ScriptedSubkernel

DEBUG = {"type": "request", "seq": 1, "command": "dumpCell", "arguments": {"code": "é = 1\r\n"}}


async def test_other_requests_pass_both_ways_as_the_bytes_they_are_while_a_cell_runs(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.run("while True: pass")
    subkernel.begin(await subkernel.expect(), 1)
    sent = stage.compose("debug_request", DEBUG, metadata={"m": 1}, header={"x": "y"}, buffers=(b"", b"b"))
    msg_id = stage.send(sent, channel="control")
    request = await subkernel.expect("debug_request")
    assert (request.channel, request.parts) == ("control", sent)
    subkernel.busy(request)
    reply = subkernel.reply(request, {"success": True}, buffers=(b"", b"r"))
    subkernel.idle(request)
    assert await stage.front.over(msg_id)
    told = await stage.front.reply(msg_id)
    assert (told.channel, told.idents, told.parts) == ("control", [b"client"], reply)
    assert sorted(stage.front.kinds(msg_id)) == ["busy", "debug_reply", "idle"]


@pytest.mark.parametrize("kind", ["create_subshell_request", "list_subshell_request", "delete_subshell_request", "usage_request"])
async def test_subshells_and_usage_pass(stage: KernelStage, subkernel: ScriptedSubkernel, kind: str) -> None:
    msg_id = stage.request(kind, {}, channel="control")
    subkernel.reply(await subkernel.expect(kind), {"status": "ok", "subshell_id": "s"})
    assert (await stage.front.reply(msg_id)).content["subshell_id"] == "s"


async def test_a_second_reply_and_one_to_nobody_go_nowhere(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.request("usage_request", {}, channel="control")
    request = await subkernel.expect("usage_request")
    subkernel.reply(request)
    subkernel.reply(request)
    subkernel.reply(request._replace(parts=stage.compose("usage_request", {})))
    last = stage.request("usage_request", {}, channel="control")
    subkernel.reply(await subkernel.expect("usage_request"))
    await stage.front.reply(last)
    assert [sent.parent_id for sent in stage.front.sent if sent.channel == "control"] == [msg_id, last]


async def test_requests_wait_for_a_subkernel_and_leave_in_order(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    ids = [stage.request("debug_request", DEBUG, channel="control") for _ in range(3)]
    subkernel = await stage.start_subkernel()
    assert [(await subkernel.expect("debug_request")).msg_id for _ in ids] == ids


@pytest.mark.parametrize("limit", [("LIMIT_MESSAGES", 1), ("LIMIT_BYTES", 100)])
async def test_more_than_can_wait_for_a_subkernel_is_answered_at_once(
    stage: KernelStage, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(backlog, *limit)
    await stage.open()
    await stage.attach()
    held, refused = [stage.request("debug_request", DEBUG, channel="control") for _ in range(2)]
    assert stage.front.kinds(held) == []
    assert stage.front.kinds(refused) == ["busy", "debug_reply", "idle"]
    assert (await stage.front.reply(refused)).content["ename"] == "Busy"


async def test_a_subkernel_that_takes_no_more_gets_no_more_and_who_asks_hears_of_it(
    stage: KernelStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIMIT_BYTES", 2_000_000)
    subkernel = await stage.ready()
    subkernel.pause("control")
    sent: list[str] = []
    while not sent or not stage.front.kinds(sent[-1]):
        sent.append(stage.request("debug_request", {"code": "x" * 10_000}, channel="control"))
        if len(sent) % 50 == 0:
            await stage.settle()
    refusal = (await stage.front.reply(sent[-1])).content
    assert (refusal["status"], refusal["ename"]) == ("error", "Busy")
    assert "too many control requests" in refusal["evalue"]
    interrupted = stage.request("interrupt_request", {}, channel="control")
    assert stage.front.kinds(interrupted) == ["busy", "interrupt_reply", "idle"], "it overtakes all that waits"
    subkernel.resume("control")
    await until(lambda: len(subkernel.received) == len(sent) - 1, "all that were taken")
    last = stage.request("usage_request", {}, channel="control")
    subkernel.reply(await subkernel.expect("usage_request"))
    assert (await stage.front.reply(last)).content == {"status": "ok"}


async def test_what_a_dead_subkernel_owed_is_aborted_and_what_waits_goes_to_the_next(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    unbegun, begun = [stage.request("debug_request", DEBUG, channel="control") for _ in range(2)]
    await subkernel.expect("debug_request")
    subkernel.busy(await subkernel.expect("debug_request"))
    await stage.front.output(begun, "busy")
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    for msg_id in (unbegun, begun):
        assert await stage.front.over(msg_id) == ["busy", "debug_reply", "idle"]
        assert (await stage.front.reply(msg_id)).content == {"status": "aborted"}
    held = stage.request("debug_request", DEBUG, channel="control")
    second = await stage.start_subkernel()
    assert (await second.expect("debug_request")).msg_id == held


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_who_asks_what_kernel_this_is_as_the_subkernel_dies_is_told(
    channel: Channel, stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    subkernel.answers = False
    asked = stage.request("kernel_info_request", {}, channel=channel)
    await subkernel.expect("kernel_info_request")
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    assert await stage.front.over(asked) == ["busy", "kernel_info_reply", "idle"]
    told = (await stage.front.reply(asked)).content
    assert (told["status"], told["protocol_version"], told["language_info"]) == (
        "ok",
        subkernel.info["protocol_version"],
        subkernel.info["language_info"],
    )


async def test_an_interrupt_is_answered_at_once_and_reaches_the_supervisor(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    msg_id = stage.request("interrupt_request", {}, channel="control")
    assert stage.front.kinds(msg_id) == ["busy", "interrupt_reply", "idle"]
    assert (await stage.front.reply(msg_id)).content == {"status": "ok"}
    wanted, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    assert wanted.generation == 1
    assert "interrupt_request" not in [request.kind for request in subkernel.received]


async def test_a_subkernel_at_rest_is_not_interrupted(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.reply(request)
    subkernel.idle(request)
    await stage.front.over(done)
    msg_id = stage.request("interrupt_request", {}, channel="control")
    await stage.settle()
    assert stage.front.kinds(msg_id) == ["busy", "interrupt_reply", "idle"]
    assert not [message for message in stage.supervisor.seen if isinstance(message, Interrupt)]


async def test_a_widget_callback_is_interrupted_too(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    moved = stage.request("comm_msg", {"comm_id": "c", "data": {}})
    subkernel.busy(await subkernel.expect("comm_msg"))
    await stage.front.output(moved, "busy")
    stage.request("interrupt_request", {}, channel="control")
    (await stage.supervisor.expect_ask(Interrupt))[1].answer(Interrupted())


async def test_a_signal_interrupts_like_a_message(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.actor.interrupt_by_signal()
    _, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())


async def test_a_subkernel_that_wants_it_is_interrupted_by_message(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = await stage.start_subkernel(interrupt_mode="message")
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    msg_id = stage.request("interrupt_request", {}, channel="control")
    request = await subkernel.expect("interrupt_request")
    assert request.channel == "control"
    subkernel.busy(request)
    subkernel.reply(request)
    subkernel.idle(request)
    last = stage.request("usage_request", {}, channel="control")
    subkernel.reply(await subkernel.expect("usage_request"))
    await stage.front.reply(last)
    assert stage.front.kinds(msg_id) == ["busy", "interrupt_reply", "idle"]
    assert stage.front.about(request.msg_id) == [], "its own traffic is nobody's business"


async def test_without_a_running_cell_an_interrupt_stops_the_question(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    asked, question = await stage.ask()
    stage.request("interrupt_request", {}, channel="control")
    assert (await stage.agent.expect(Stop)).turn == question.turn
    await stage.front.reply(asked)
    assert not [message for message in stage.supervisor.seen if isinstance(message, Interrupt)]


async def test_with_both_running_the_cell_stops_first_and_a_second_interrupt_stops_all(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await stage.ask(store_history=False)
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.request("interrupt_request", {}, channel="control")
    (await stage.supervisor.expect_ask(Interrupt))[1].answer(Interrupted())
    await stage.settle()
    assert not [message for message in stage.agent.seen if isinstance(message, Stop)]
    stage.request("interrupt_request", {}, channel="control")
    await stage.agent.expect(Stop)
    (await stage.supervisor.expect_ask(Interrupt))[1].answer(Interrupted())


async def test_an_interrupt_waits_for_a_supervisor_that_is_being_replaced(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.request("interrupt_request", {}, channel="control")
    await stage.supervisor.expect_ask(Interrupt)
    stage.cut_supervisor()
    await stage.reattach(subkernel)
    wanted, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    assert wanted.generation == 1


async def test_an_interrupt_without_a_subkernel_is_answered_and_that_is_all(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    msg_id = stage.request("interrupt_request", {}, channel="control")
    await stage.settle()
    assert stage.front.kinds(msg_id) == ["busy", "interrupt_reply", "idle"]
    assert not [message for message in stage.supervisor.seen if isinstance(message, Interrupt)]
