"""An agent that shares its process with others is left for one of the kernel's own when a plugin's code would run in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.kernel.questions.agent_door import SHARED
from beaker.messages.base import TurnId
from beaker.messages.context import ContextFacts, ContextsListed, ListContexts
from beaker.messages.turn import Delta, Question, Taken
from tests.actors.kernel.questions.turn_kit import ended
from tests.kit.kernel_stage import KernelStage, staged

OURS = [ContextFacts(name=name, summary="Ours.", persona="", tools=[], procedures=[]) for name in ("default", "dataframes")]
LAKES = ContextFacts(name="lakes", summary="Names of lakes.", persona="", tools=[], procedures=[])
UNSEEN = ContextsListed(contexts=OURS, problems={"lakes": "not now"}, unseen=["lakes"])
ALL = ContextsListed(contexts=[*OURS, LAKES], problems={})


@pytest.fixture
async def stage(short_folder: Path) -> AsyncIterator[KernelStage]:
    async with staged(short_folder) as made:
        made.shares = True
        await made.ready()
        yield made


def role(stage: KernelStage) -> str:
    assert stage.agent_link is not None
    return stage.agent_link.peer.role


async def listed(stage: KernelStage, *answers: ContextsListed) -> None:
    """The agents answer, one after the other."""
    for answer in answers:
        _, asked = await stage.agent.expect_ask(ListContexts)
        asked.answer(answer)


async def test_questions_in_a_context_of_ours_stay_with_the_shared_one(stage: KernelStage) -> None:
    msg_id = stage.run("%beaker context dataframes")
    await listed(stage, ContextsListed(contexts=OURS, problems={}))
    await stage.front.over(msg_id)
    await stage.ask()
    assert (role(stage), stage.agents_started) == (SHARED, 1)


async def test_a_plugin_is_looked_at_and_used_by_one_of_the_kernels_own(stage: KernelStage) -> None:
    msg_id = stage.run("%beaker context lakes")
    await listed(stage, UNSEEN, ALL)
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert (role(stage), stage.agents_started) == ("agent", 2)
    _, question = await stage.ask()
    assert question.context == "lakes"
    assert stage.agents_started == 2


async def test_a_question_in_the_context_of_a_plugin_never_reaches_a_shared_one(stage: KernelStage) -> None:
    msg_id = stage.run("%beaker context lakes")
    await listed(stage, UNSEEN, ALL)
    await stage.front.over(msg_id)
    stage.cut_agent()
    await stage.ask()
    assert (role(stage), stage.agents_started) == ("agent", 3)


async def test_a_list_does_not_take_a_running_question_its_agent(stage: KernelStage) -> None:
    asked, _ = await stage.ask()
    msg_id = stage.run("%beaker context lakes")
    await listed(stage, UNSEEN)
    assert "not now" in (await stage.front.reply(msg_id)).content["evalue"]
    stage.tell(Delta(turn=TurnId(1), text="whole"), ended(TurnId(1)))
    assert (await stage.front.reply(asked)).content["status"] == "ok"
    assert (role(stage), stage.agents_started) == (SHARED, 1)


async def test_a_question_for_a_plugin_waits_for_the_one_before_it_before_they_part(stage: KernelStage) -> None:
    msg_id = stage.run("%beaker context lakes")
    await listed(stage, UNSEEN, ALL)
    await stage.front.over(msg_id)
    back = stage.run("%beaker context default")
    await listed(stage, ALL)
    await stage.front.over(back)
    stage.cut_agent()
    first, _ = await stage.ask()
    assert role(stage) == SHARED
    again = stage.run("%beaker context lakes")
    await listed(stage, ALL)
    await stage.front.over(again)
    second = stage.run("%%ai and?")
    stage.tell(Delta(turn=TurnId(1), text="whole"), ended(TurnId(1)))
    assert (await stage.front.reply(first)).content["status"] == "ok"
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    assert (question.context, role(stage)) == ("lakes", "agent")
    stage.tell(ended(TurnId(2)))
    await stage.front.over(second)
