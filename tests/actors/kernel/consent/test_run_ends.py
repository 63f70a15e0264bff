"""Code by the model that does not end by itself: an interrupt, a shutdown, a death of the session or of the agent."""

import pytest

from actors.kernel.questions import closing
from beaker.messages.running import CodeRan
from beaker.messages.subkernel import Died, Interrupt, Interrupted
from beaker.messages.turn import Delta, Ended, Question, Stop
from tests.actors.kernel.consent.run_kit import begun
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import displays
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


def end_interrupted(subkernel: ScriptedSubkernel, request: Received) -> None:
    """As ipykernel ends code that is interrupted."""
    error = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": ["KeyboardInterrupt"]}
    subkernel.publish("error", error, request)
    subkernel.reply(request, {"status": "error", "execution_count": 2, **error})
    subkernel.idle(request)


async def test_an_interrupt_with_no_cell_of_the_users_stops_the_turn_and_its_code(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    stage.request("interrupt_request", {}, channel="control")
    _, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    assert (await stage.agent.expect(Stop)).turn == FIRST
    assert "execute_reply" not in stage.front.kinds(msg_id), "what the code says of its end is to be seen while the cell is busy"
    end_interrupted(subkernel, request)
    await running
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    kinds = stage.front.kinds(msg_id)
    assert kinds.index("error") < kinds.index("execute_reply")
    (block,) = [text for text in displays(stage, msg_id) if "go()" in text]
    assert "**A1** was interrupted" in block
    assert displays(stage, msg_id)[-1] == "*stopped*"
    talks = displays(stage, stage.run("%beaker history"))[0]
    assert "**A1** was interrupted" in talks


async def test_code_that_does_not_end_keeps_the_cell_for_a_moment_only(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "INTERRUPT_S", 0.05)
    msg_id, running, request = await begun(stage, subkernel)
    stage.run("%beaker stop 1")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert any("**A1** was interrupted, and has not ended yet" in text for text in displays(stage, msg_id))
    end_interrupted(subkernel, request)
    await running
    assert not any("has not ended yet" in text for text in displays(stage, msg_id))
    assert stage.front.kinds(msg_id).count("execute_reply") == 1


async def test_code_that_ends_by_itself_before_the_interrupt_is_not_called_interrupted(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    stage.run("%beaker stop 1")
    subkernel.end(request, 2)
    await running
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert not any("was interrupted" in text for text in displays(stage, msg_id))


async def test_a_shutdown_waits_for_no_code(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, _ = await begun(stage, subkernel)
    running.add_done_callback(lambda task: task.exception())
    stage.run("%beaker stop 1")
    await stage.agent.expect(Stop)
    stage.request("shutdown_request", {"restart": False}, channel="control")
    await stage.front.reply(msg_id)


async def test_killed_during_its_code_the_subkernel_costs_the_model_a_plain_word(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, running, _ = await begun(stage, subkernel)
    stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "lost"


async def test_a_killed_agent_leaves_the_code_running_and_its_cell_ends_when_that_is_over(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    running.add_done_callback(lambda task: task.exception())
    stage.cut_agent()
    await until(lambda: stage.agents_end.closed.done(), "the loss")
    await stage.settle()
    subkernel.publish("stream", {"name": "stdout", "text": "still here\n"}, request)
    await stage.front.output(msg_id, "stream")
    assert "execute_reply" not in stage.front.kinds(msg_id)
    subkernel.end(request, 2)
    reply = await stage.front.reply(msg_id)
    assert reply.content["evalue"] == (
        "the agent was restarted; A1 ran as cell [2] and ended ok; the answer was cut behind it; asking again may run it again"
    )
    await stage.ask("%%ai again")
    assert stage.agents_started == 2
    assert subkernel.codes() == ["df.go()"]


@pytest.mark.parametrize(("status", "words"), [("ok", "ended ok"), ("error", "ended with an error")])
async def test_a_killed_agent_whose_code_has_just_ended_leaves_its_outcome(
    stage: KernelStage, subkernel: ScriptedSubkernel, status: str, words: str
) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    subkernel.reply(request, {"status": status, "execution_count": 2})
    subkernel.idle(request)
    await running
    stage.cut_agent()
    assert (await stage.front.reply(msg_id)).content["evalue"] == (
        f"the agent was restarted; A1 ran as cell [2] and {words}; the answer was cut behind it; asking again may run it again"
    )
    assert subkernel.codes() == ["df.go()"]


async def test_an_answer_that_fails_behind_code_names_its_outcome(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    subkernel.end(request, 2)
    await running
    stage.tell(Ended(turn=FIRST, status="error", text="", reason="no data for 120 s"))
    assert (await stage.front.reply(msg_id)).content["evalue"] == (
        "no data for 120 s; A1 ran as cell [2] and ended ok; the answer was cut behind it; asking again may run it again"
    )


async def test_code_whose_session_died_with_the_agent_has_an_unknown_outcome(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, _ = await begun(stage, subkernel)
    running.add_done_callback(lambda task: task.exception())
    stage.cut_agent()
    await until(lambda: stage.agents_end.closed.done(), "the loss")
    await stage.settle()
    stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
    assert "A1 ran as cell [2], and its outcome is unknown; the answer was cut" in (await stage.front.reply(msg_id)).content["evalue"]


async def test_a_question_right_behind_a_stop_knows_what_was_stopped(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, _, request = await begun(stage, subkernel)
    stage.tell(Delta(turn=FIRST, text="It is 3 because"))
    await stage.settle()
    stage.run("%beaker stop 1")
    await stage.supervisor.expect_ask(Interrupt)
    stage.run("%%ai go on")
    await stage.settle()
    assert not [message for message in stage.agent.seen if isinstance(message, Question) and message.turn != FIRST]
    end_interrupted(subkernel, request)
    asked, _ = await stage.agent.expect_ask(Question)
    (earlier,) = asked.history
    assert "It is 3 because" in earlier.answer
    assert "was interrupted" in earlier.answer
    assert "stopped this answer" in earlier.answer
