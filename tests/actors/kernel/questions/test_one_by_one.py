"""Questions that are asked at once, as when all cells of a notebook are run: one answer after the other."""

import pytest

from actors.kernel.questions import one_by_one
from beaker.messages.base import TurnId
from beaker.messages.consent import RunWanted
from beaker.messages.turn import Delta, Question, Stop, Taken, ToolAnswered
from tests.actors.kernel.questions.turn_kit import drawn, ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.scripted_subkernel import ScriptedSubkernel

SECOND = TurnId(2)


async def _next(stage: KernelStage) -> Question:
    question, asked = await stage.agent.expect_ask(Question)
    asked.answer(Taken())
    return question


async def test_a_question_knows_what_the_one_before_it_was_answered_though_both_were_asked_at_once(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await stage.ask("%%ai load the data")
    behind = stage.run("%%ai now plot it", metadata={"cellId": "c2"})
    await drawn(stage, behind, "after question 1")
    stage.tell(Delta(turn=FIRST, text="It is in lake."), ended())
    question = await _next(stage)
    assert [(each.question, each.answer) for each in question.history] == [("load the data", "It is in lake.")]
    stage.tell(Delta(turn=SECOND, text="Plotted."), ended(SECOND))
    await stage.front.over(behind)


async def test_what_the_model_read_for_an_answer_taints_the_question_that_waited_behind_it(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await stage.ask()
    stage.run("%%ai --mode auto go on")
    stage.tell(ToolAnswered(turn=FIRST, call_id="1", status="ok", summary="", untrusted=True), ended())
    await _next(stage)
    running = stage.wants_run("print(1)", SECOND)
    await until(lambda: stage.supervisor.asked, "its wish")
    (wish,) = stage.supervisor.asked
    assert isinstance(wish, RunWanted)
    assert wish.tainted
    running.cancel()


async def test_a_question_is_asked_with_the_model_that_was_chosen_when_it_came(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --model first why?")
    stage.run("%%ai --model second why?")
    stage.run("%%ai why?")
    for turn, model in ((SECOND, "second"), (TurnId(3), None)):
        stage.tell(ended(TurnId(turn - 1)))
        assert (await _next(stage)).model == model


async def test_a_question_that_is_stopped_while_it_waits_never_reaches_the_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stopped = stage.run("%%ai two")
    stage.run("%%ai three")
    stage.run("%beaker stop 2")
    assert (await stage.front.reply(stopped)).content["status"] == "ok"
    stage.tell(ended())
    assert (await _next(stage)).prompt == "three"
    assert not [message for message in stage.agent.seen if isinstance(message, Stop)]


async def test_more_questions_than_anybody_reads_are_refused(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_by_one, "WAITING_LIMIT", 1)
    await stage.ask()
    stage.run("%%ai two")
    refused = (await stage.front.reply(stage.run("%%ai three"))).content
    assert "questions are waiting already" in refused["evalue"]
