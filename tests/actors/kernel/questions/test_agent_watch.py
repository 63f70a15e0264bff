"""Words about an agent that is silent in the middle of an answer; never an action."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beaker.messages.base import TurnId
from beaker.messages.running import RunCode
from beaker.messages.turn import Delta, Ended, Question, Stop, Taken, Waiting
from tests.kit.kernel_stage import KernelStage, staged, until

FIRST = TurnId(1)
SILENT = "the agent is not responding since "
STOP = "; Stop ends the answer, and a new agent takes the next question"


@pytest.fixture
async def stage(short_folder: Path) -> AsyncIterator[KernelStage]:
    """A kernel that is soon worried, with its subkernel."""
    async with staged(short_folder, {"kernel": {"agent_silence_s": 0.2, "display_interval_s": 0.01}}) as stage:
        await stage.ready()
        yield stage


def shown(stage: KernelStage, msg_id: str) -> str:
    """The display as it stands."""
    texts = [sent.content["data"]["text/markdown"] for sent in stage.front.about(msg_id) if sent.kind.endswith("display_data")]
    return str(texts[-1]) if texts else ""


async def said(stage: KernelStage, msg_id: str, words: str, *, there: bool = True) -> None:
    """Wait until the display says so, or says it no more."""
    await stage.front.wait(lambda: (words in shown(stage, msg_id)) == there, words)


async def status(stage: KernelStage) -> str:
    """What `%beaker status` says."""
    msg_id = stage.run("%beaker status", store_history=False)
    return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])


async def test_an_agent_that_falls_silent_is_called_so_until_it_answers_again(stage: KernelStage) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="so far"), Waiting(turn=FIRST, words="no data for 15 s"))
    stage.agent.answers = False
    await said(stage, msg_id, SILENT)
    assert shown(stage, msg_id).startswith("so far\n\n*" + SILENT)
    assert shown(stage, msg_id).endswith(STOP + "*")
    found = await status(stage)
    assert "agent      not responding since " in found
    assert " (`%beaker restart agent` ends it), pid 2" in found
    assert "execute_reply" not in stage.front.kinds(msg_id), "words, never an action"
    stage.agent.answer()
    await said(stage, msg_id, SILENT, there=False)
    assert shown(stage, msg_id) == "so far\n\n*no data for 15 s*", "what it waited for is shown again"
    assert "agent      running" in await status(stage)
    stage.tell(Delta(turn=FIRST, text=", and on"), Ended(turn=FIRST, status="ok", text=""))
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert shown(stage, msg_id) == "so far, and on"


async def test_a_question_to_a_silent_agent_is_told_at_once_and_lost_by_nobody(stage: KernelStage) -> None:
    first, _ = await stage.ask()
    stage.agent.answers = False
    await said(stage, first, SILENT)
    second = stage.run("%%ai and you?", metadata={"cellId": "c2"})
    await said(stage, second, SILENT)
    stage.agent.answer()
    await said(stage, second, SILENT, there=False)
    stage.tell(Delta(turn=FIRST, text="whole"), Ended(turn=FIRST, status="ok", text=""))
    _, asked = await stage.agent.expect_ask(Question)
    asked.answer(Taken())
    stage.tell(Delta(turn=TurnId(2), text="whole"), Ended(turn=TurnId(2), status="ok", text=""))
    for msg_id in (first, second):
        assert (await stage.front.reply(msg_id)).content["status"] == "ok"
        assert shown(stage, msg_id) == "whole"


async def test_a_stop_ends_the_answer_of_a_silent_agent_at_once_and_the_agent(stage: KernelStage) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="so far"))
    stage.agent.answers = False
    await said(stage, msg_id, SILENT)
    stage.run("%beaker stop")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert shown(stage, msg_id) == "so far\n\n*stopped*"
    assert "agent      not running; the next question starts it" in await status(stage)
    assert (stage.agents_started, stage.agents_ended) == (1, 1)
    stage.agent.answers = True
    second, question = await stage.ask()
    assert (stage.agents_started, stage.agents_ended) == (2, 1)
    assert [(each.question, each.answer.splitlines()[0]) for each in question.history] == [("why?", "so far")]
    stage.tell(Delta(turn=question.turn, text="again"), Ended(turn=question.turn, status="ok", text=""))
    assert (await stage.front.reply(second)).content["status"] == "ok"


async def test_a_silent_agent_lives_while_another_question_waits_for_it(stage: KernelStage) -> None:
    first, _ = await stage.ask()
    second = stage.run("%%ai and you?", metadata={"cellId": "c2"})
    stage.agent.answers = False
    await said(stage, second, SILENT)
    stage.run("%beaker stop 1")
    await stage.front.reply(first)
    assert "not responding since " in await status(stage)
    assert stage.agents_ended == 0
    stage.run("%beaker stop 2")
    await stage.front.reply(second)
    await until(lambda: stage.agents_ended == 1, "its end")


async def test_a_stop_leaves_an_agent_that_answers(stage: KernelStage) -> None:
    msg_id, _ = await stage.ask()
    stage.run("%beaker stop")
    await stage.front.reply(msg_id)
    assert await stage.agent.expect(Stop) == Stop(turn=FIRST)
    assert (stage.agents_ended, "agent      running" in await status(stage)) == (0, True)


async def test_an_agent_is_ended_on_request_whether_it_answers_or_not(stage: KernelStage) -> None:
    async def restarted() -> str:
        msg_id = stage.run("%beaker restart agent", store_history=False)
        return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])

    assert await restarted() == "No agent runs; the next question starts a new one.\n"
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="so far"))
    await said(stage, msg_id, "so far")
    assert await restarted() == "The agent was ended; the next question starts a new one.\n"
    reply = (await stage.front.reply(msg_id)).content
    assert (reply["status"], "agent was restarted" in reply["evalue"]) == ("error", True)
    await until(lambda: stage.agents_ended == 1, "its end")
    ran = stage.run("1")
    stage.subkernels[0].run(await stage.subkernels[0].expect_code(), 1)
    assert (await stage.front.reply(ran)).content["status"] == "ok", "the session was left alone"
    await stage.ask()
    assert stage.agents_started == 2


async def test_an_interface_of_its_own_hears_the_words_too(stage: KernelStage) -> None:
    msg_id = stage.request("llm_request", {"request": "why?"})
    _, asked = await stage.agent.expect_ask(Question)
    asked.answer(Taken())
    stage.agent.answers = False
    words = (await stage.front.output(msg_id, "llm_waiting")).content["words"]
    assert words.startswith(SILENT)
    stage.agent.answer()
    await stage.front.wait(lambda: any(s.kind == "llm_waiting" and not s.content["words"] for s in stage.front.about(msg_id)), "their end")


async def test_code_that_runs_is_not_interrupted_by_words_and_they_come_when_it_is_over(stage: KernelStage) -> None:
    subkernel = stage.subkernels[0]
    msg_id, _ = await stage.ask()
    subkernel.run(await subkernel.expect(), 1)
    wanted = stage.wants(RunCode(turn=FIRST, code="slow()", language=""))
    await stage.front.wait(lambda: "input_request" in stage.front.kinds(msg_id), "the prompt")
    stage.agent.answers = False
    pings = stage.agent.pings
    while "agent      not responding" not in await status(stage):
        await stage.settle()
    assert SILENT not in shown(stage, msg_id)
    stage.type("y")
    request = await subkernel.expect()
    subkernel.run(request, 2)
    await wanted
    await said(stage, msg_id, SILENT)
    assert stage.agent.pings - pings <= 1, "one question is open, however long the silence"


async def test_an_agent_without_work_is_asked_for_nothing(stage: KernelStage) -> None:
    msg_id, _ = await stage.ask()
    await until(lambda: stage.agent.pings, "a ping")
    stage.tell(Ended(turn=FIRST, status="ok", text=""))
    await stage.front.over(msg_id)
    await until(lambda: not any("agent-watch" in task.get_name() for task in asyncio.all_tasks()), "the end of the watch")
    second, question = await stage.ask()
    pings = stage.agent.pings
    await until(lambda: stage.agent.pings > pings, "a ping for the next question")
    stage.tell(Ended(turn=question.turn, status="ok", text=""))
    await stage.front.over(second)
