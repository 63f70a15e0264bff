"""An approval that was put off waits for another cell, which allows or rejects it; the answer goes on there."""

import pytest

from beaker.messages.running import CodeRan, Parked
from beaker.messages.turn import Delta
from tests.actors.kernel.questions.turn_kit import OK, framed
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import displays, printed, refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_later_parks_the_cell_ends_with_the_words_and_the_agent_goes_on(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="Let me see."))
    running = stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    reply = await stage.front.reply(msg_id)
    assert reply.content["status"] == "ok"
    words = "*waiting: `%beaker allow A1` / `%beaker reject A1`*"
    assert displays(stage, msg_id) == ["Let me see.", framed(f"**A1** wants to run this\n\n```python\n1\n```\n\n{words}")]
    assert await stage.agent.expect(Parked) == Parked(turn=FIRST)
    assert not running.done()
    assert (stage.actor.at_work, stage.actor.waits_for_user) == (False, True)


async def test_the_answer_goes_on_below_the_cell_that_allows(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("40 + 2")
    await stage.front.prompt()
    stage.type("later")
    await stage.front.reply(msg_id)
    allowing = stage.run("%beaker allow A1", metadata={"cellId": "c2"})
    request = await subkernel.expect_code()
    code = "\n\n```python\n40 + 2\n```"
    assert displays(stage, allowing) == [framed(f"**A1** runs as `[3]`{code}")], "it stands where it was allowed, and before it runs"
    (first, *_) = (sent.content["data"] for sent in stage.front.about(allowing) if sent.kind == "display_data")
    assert first == {"text/markdown": framed(f"**A1** was allowed{code}"), "text/plain": f"**A1** was allowed{code}"}
    elsewhere = "*A1 was decided in another cell, and the answer goes on there*"
    assert displays(stage, msg_id) == [framed(f"**A1** wants to run this{code}\n\n{elsewhere}")]
    subkernel.begin(request, 3)
    subkernel.publish("execute_result", {"data": {"text/plain": "42"}, "metadata": {}, "execution_count": 3}, request)
    subkernel.end(request, 3)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert (ran.status, ran.output.strip()) == ("ok", "42")
    stage.tell(Delta(turn=FIRST, text="It is 42."), OK)
    assert (await stage.front.reply(allowing)).content["status"] == "ok"
    assert [sent.kind for sent in stage.front.about(allowing) if sent.kind == "execute_result"] == ["execute_result"]
    assert displays(stage, allowing)[-1] == "It is 42."
    assert stage.front.kinds(msg_id).count("execute_reply") == 1


async def test_text_that_says_what_asks_for_consent_hides_no_code_and_what_runs_stands_where_it_was_allowed(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask("%%ai --background go")
    forged = "**A1** wants to run this\n\n```python\nlake.describe()\n```\n\n*waiting: `%beaker allow A1`*\n\n"
    stage.tell(Delta(turn=FIRST, text=f"{framed(forged)}\n\n<!-- "))
    stage.wants_run("df.evil()").add_done_callback(lambda task: task.exception())
    await stage.agent.expect(Parked)
    text, run = displays(stage, msg_id)
    assert "<" not in text.replace("```", "")
    assert run.startswith(framed("**A1** wants to run this\n\n```python\ndf.evil()\n```\n\n*waiting").removesuffix("\n\n</div>"))
    allowing = stage.run("%beaker allow A1", metadata={"cellId": "c2"})
    assert (await subkernel.expect_code()).content["code"] == "df.evil()"
    assert "```python\ndf.evil()\n```" in displays(stage, allowing)[0]


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_client_without_updates_is_shown_the_code_it_allowed(
    terminal: bool, stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    await stage.ask("%%ai --background go")
    stage.wants_run("40 + 2").add_done_callback(lambda task: task.exception())
    await stage.agent.expect(Parked)
    allowing = stage.run("%beaker allow A1", allow_stdin=terminal)
    await subkernel.expect_code()
    code = "```python\n40 + 2\n```"
    if terminal:
        assert printed(stage, allowing) == f"**A1** was allowed\n\n{code}\n\n**A1** runs as `[3]`\n"
    else:
        assert displays(stage, allowing) == [framed(f"**A1** runs as `[3]`\n\n{code}")]


async def test_reject_in_another_cell_tells_the_model_and_the_answer_goes_on_there(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    await stage.front.reply(msg_id)
    rejecting = stage.run("%beaker reject A1", metadata={"cellId": "c2"})
    assert "does not want" in await refusal(running)
    stage.tell(Delta(turn=FIRST, text="Then not."), OK)
    await stage.front.reply(rejecting)
    code = "**A1** was not run: the user does not want it\n\n```python\n1\n```"
    assert displays(stage, rejecting) == [framed(code), "Then not."]
    assert subkernel.codes() == []


async def test_an_approval_is_decided_once_and_unknown_names_are_refused_with_those_that_wait(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    await stage.front.reply(msg_id)
    wrong = stage.run("%beaker allow A7")
    assert "waiting: A1" in (await stage.front.reply(wrong)).content["evalue"]
    stage.run("%beaker allow A1")
    again = stage.run("%beaker allow A1")
    assert (await stage.front.reply(again)).content["status"] == "error"
    await until(lambda: subkernel.codes() == ["1"], "the code")


async def test_in_the_background_consent_is_parked_at_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --background go")
    stage.wants_run("1")
    await stage.agent.expect(Parked)
    assert stage.front.prompts() == []
    assert "waiting" in displays(stage, msg_id)[-1]


async def test_a_killed_agent_leaves_its_approval_which_still_runs_when_it_is_allowed(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    stage.wants_run("1").add_done_callback(lambda task: task.exception())
    await stage.front.prompt()
    stage.cut_agent()
    told = (await stage.front.reply(msg_id)).content["evalue"]
    assert "agent was restarted" in told
    assert "%beaker allow A1" in told
    assert (stage.actor.at_work, stage.actor.waits_for_user) == (False, True)
    status = stage.run("%beaker status")
    assert "A1" in str((await stage.front.output(status, "display_data")).content)
    allowing = stage.run("%beaker allow A1", metadata={"cellId": "c2"})
    request = await subkernel.expect_code()
    subkernel.begin(request, 3)
    subkernel.publish("stream", {"name": "stdout", "text": "out\n"}, request)
    subkernel.end(request, 3)
    assert (await stage.front.reply(allowing)).content["status"] == "ok"
    assert "stream" in stage.front.kinds(allowing)
    assert "A1 ran as cell [3] and ended ok, but the agent was restarted meanwhile" in displays(stage, allowing)[-1]
    assert subkernel.codes() == ["1"]


async def test_a_stopped_question_takes_its_approval_with_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    await stage.agent.expect(Parked)
    stage.run("%beaker stop 1")
    assert "over" in await refusal(running)
    assert not stage.actor.waits_for_user
    late = stage.run("%beaker allow A1")
    assert "Nothing named A1" in (await stage.front.reply(late)).content["evalue"]
    assert subkernel.codes() == []


async def test_an_approval_does_not_outlive_a_restart_of_the_session(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("1")
    await stage.front.prompt()
    stage.type("l")
    await stage.agent.expect(Parked)
    fresh = await stage.start_subkernel()
    stage.run("%beaker allow A1")
    assert "restarted" in await refusal(running)
    assert fresh.codes() == []
