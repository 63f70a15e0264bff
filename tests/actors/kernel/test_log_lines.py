"""What the kernel's log says of one request: enough for its story, under its own trace, whoever ended it."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.kernel.sockets import backlog
from actors.runtime import logging
from beaker.messages.base import TurnId
from beaker.messages.subkernel import Died
from beaker.messages.turn import Delta, Ended
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.scripted_subkernel import ScriptedSubkernel

SECRET = "the_answer_to_everything"


def traced(lines: list[Any], trace: str) -> list[Any]:
    """The lines of one request."""
    return [line for line in lines if line.get("trace") == trace]


@pytest.fixture
def lines() -> Any:
    with capture_logs(processors=[logging.add_trace]) as captured:
        yield captured


async def test_a_cell_is_one_line_at_info_with_its_waiting_and_running(
    lines: list[Any], stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id = stage.run(f"{SECRET} = 1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(msg_id)
    (line,) = [line for line in traced(lines, msg_id) if line["log_level"] == "info"]
    assert (line["event"], line["status"], line["count"]) == ("cell.replied", "ok", 1)
    assert line["took_ms"] >= 0 <= line["waited_ms"]


async def test_at_debug_a_cell_tells_every_step_and_no_code(lines: list[Any], short_folder: Any) -> None:
    async with staged(short_folder, {"logs": {"level": "debug"}}) as stage:
        subkernel = await stage.ready()
        msg_id = stage.run(f"print('{SECRET}')")
        request = await subkernel.expect()
        subkernel.begin(request, 1)
        for _ in range(3):
            subkernel.publish("stream", {"name": "stdout", "text": SECRET}, request)
        subkernel.end(request, 1)
        await stage.front.over(msg_id)
        steps = ["cell.received", "cell.sent", "request.busy", "cell.first_output", "cell.replied", "request.idle"]
        assert sorted(line["event"] for line in traced(lines, msg_id)) == sorted(steps)
        assert SECRET not in json.dumps(lines, default=str)


async def test_a_cell_that_died_and_one_that_was_aborted_are_told_under_their_own_traces(
    lines: list[Any], stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    running, queued = stage.run("1"), stage.run("2")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
    await stage.front.over(queued)
    (died,), (aborted,) = ([line for line in traced(lines, msg_id) if line["event"] == "cell.replied"] for msg_id in (running, queued))
    assert (died["status"], died["ename"], aborted["status"]) == ("error", "KernelDied", "aborted")


async def test_a_question_tells_its_story_under_its_cells_trace(lines: list[Any], stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(f"%%ai what is {SECRET}?")
    stage.tell(Delta(turn=TurnId(1), text=SECRET), Delta(turn=TurnId(1), text="."))
    stage.tell(Ended(turn=TurnId(1), status="ok", text="", reason=""))
    await stage.front.over(msg_id)
    events = [line["event"] for line in traced(lines, msg_id)]
    assert events == ["question.received", "agent.started", "turn.asked", "answer.first_text", "turn.ended", "cell.replied"]
    ended = next(line for line in lines if line["event"] == "turn.ended")
    assert (ended["status"], ended["answer_chars"], ended["turn"]) == ("ok", len(SECRET) + 1, 1)
    assert SECRET not in json.dumps(lines, default=str)


async def test_a_question_that_an_interrupt_ends_keeps_its_trace(
    lines: list[Any], stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    interrupt = stage.request("interrupt_request", {}, channel="control")
    await stage.front.over(msg_id)
    assert [line["status"] for line in traced(lines, msg_id) if line["event"] in {"turn.ended", "cell.replied"}] == ["stopped", "ok"]
    assert [line["event"] for line in traced(lines, interrupt)] == ["interrupt.wanted"]


async def test_a_flood_of_refusals_is_logged_at_its_start_and_then_by_the_thousand(
    lines: list[Any], stage: KernelStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 0)
    await stage.open()
    await stage.attach()
    for _ in range(1050):
        stage.request("x" * 1000, {}, channel="control")
        stage.front.sent.clear()
    refused = [line for line in lines if line["event"] == "request.refused"]
    assert [line["times"] for line in refused] == [*range(1, 21), 1000]
    assert {line["msg_type"] for line in refused} == {"x" * 100}


async def test_a_flood_of_what_nobody_has_asked_for_is_logged_at_its_start(
    lines: list[Any], stage: KernelStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 0)
    await stage.open()
    for _ in range(30):
        stage.request("input_reply", {"value": ""}, channel="stdin")
    assert [line["times"] for line in lines if line["log_level"] == "warning"] == list(range(1, 21))
