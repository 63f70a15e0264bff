"""Turns and their agent: one that cannot start, is lost, is silent or dies as a question comes."""

from pathlib import Path

import pytest

from actors.kernel.questions import overdue
from beaker.messages.base import TurnId
from beaker.messages.turn import (
    Delta,
    EarlierCall,
    Question,
    Stop,
    Taken,
    ToolAnswered,
    ToolCalled,
)
from tests.actors.kernel.questions.turn_kit import displays, drawn, ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, staged, until
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_an_agent_that_cannot_be_started_is_an_error_in_words(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.agent_missing = "the agent could not be started: no memory"
    msg_id = stage.run("%%ai why?")
    assert (await stage.front.reply(msg_id)).content["evalue"] == "the agent could not be started: no memory"
    stage.agent_missing = ""
    again, _ = await stage.ask()
    stage.tell(Delta(turn=TurnId(2), text="now"), ended(TurnId(2)))
    await stage.front.over(again)


async def test_a_lost_agent_ends_its_turn_with_its_text_and_the_question_behind_it_starts_another(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    asked, _ = await stage.ask()
    waiting = stage.run("%%ai and now?")
    stage.tell(Delta(turn=FIRST, text="half an answer"))
    await drawn(stage, asked, "half an answer")
    stage.cut_agent()
    told = (await stage.front.reply(asked)).content
    assert told["evalue"] == "the agent was restarted and this answer was cut; run the cell again to retry"
    assert stage.front.kinds(asked).count("execute_reply") == 1
    assert displays(stage, asked)[-1][1] == "half an answer"
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    assert stage.agents_started == 2
    half = "half an answer\n\n[This answer was cut here, before it was finished.]"
    assert [(each.question, each.answer) for each in question.history] == [("why?", half)]
    assert "execute_reply" not in stage.front.kinds(waiting)


async def test_a_lost_agent_that_has_not_said_that_it_has_the_question_is_told_in_the_same_words(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    asked, waiting = stage.run("%%ai why?"), stage.run("%%ai and now?")
    await stage.agent.expect_ask(Question)
    stage.cut_agent()
    told = (await stage.front.reply(asked)).content
    assert told["evalue"] == "the agent was restarted and this answer was cut; run the cell again to retry"
    await stage.agent.expect_ask(Question)
    assert stage.agents_started == 2
    assert "execute_reply" not in stage.front.kinds(waiting)


async def test_a_question_that_was_not_taken_in_time_is_stopped_at_the_agent_too(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_S", 0.05)
    async with staged(short_folder, {"agent": {"turn_time_limit_s": 0.05}}) as stage:
        await stage.ready()
        msg_id = stage.run("%%ai why?")
        await stage.agent.expect_ask(Question)
        assert "the question did not reach the agent" in (await stage.front.reply(msg_id)).content["evalue"]
        assert await stage.agent.expect(Stop) == Stop(turn=FIRST)


async def test_a_turn_whose_agent_is_silent_for_too_long_is_stopped_at_the_agent_too(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(short_folder, {"agent": {"turn_time_limit_s": 0.05}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        monkeypatch.setattr(overdue, "OVERDUE_S", 0.05)  # the agent's word that it has the question is on its way
        assert (await stage.front.reply(msg_id)).content["evalue"] == "the agent never ended its answer; ask again"
        assert await stage.agent.expect(Stop) == Stop(turn=FIRST)


async def test_two_questions_at_once_start_one_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%%ai one")
    stage.run("%%ai two")
    for _ in range(2):
        question, asked = await stage.agent.expect_ask(Question)
        asked.answer(Taken())
        stage.tell(ended(question.turn))
    assert stage.agents_started == 1


async def test_a_question_stopped_before_its_agent_runs_is_never_sent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%%ai one")
    stage.run("%beaker stop")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    await until(lambda: stage.agents_started == 1, "the agent")
    await stage.settle()
    assert stage.agent.seen == []


async def test_a_question_that_comes_as_the_agent_dies_goes_to_the_next_one(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, question = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="so"), ended())
    await stage.front.over(first)
    stage.cut_agent()
    msg_id, question = await stage.ask("%%ai and?")
    stage.tell(Delta(turn=question.turn, text="so too"), ended(question.turn))
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert stage.agents_started == 2


async def test_the_next_question_is_told_what_tools_told_though_the_agent_died_over_one(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, question = await stage.ask()
    looked = ToolCalled(turn=FIRST, call_id="a", tool="show_variable", arguments='{"name":"df"}')
    stage.tell(looked, ToolAnswered(turn=FIRST, call_id="a", status="ok", summary="3 rows"))
    stage.tell(Delta(turn=FIRST, text="so far"), ToolCalled(turn=FIRST, call_id="b", tool="list_variables", arguments="{}"))
    await drawn(stage, msg_id, "so far")
    stage.cut_agent()
    await stage.front.over(msg_id)
    _, question = await stage.ask("%%ai and?")
    (earlier,) = question.history
    assert earlier.turn == FIRST
    assert earlier.calls == [
        EarlierCall(step=1, tool="show_variable", arguments='{"name":"df"}', result="3 rows"),
        EarlierCall(step=2, tool="list_variables", arguments="{}", result="[no result: the answer ended before it came]"),
    ]
