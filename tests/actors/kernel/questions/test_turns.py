"""Questions beside cells: what a turn is told, how it ends, and what does not touch it."""

from beaker.messages.base import TurnId
from beaker.messages.turn import (
    Delta,
    Stop,
    ToolAnswered,
    ToolCalled,
)
from tests.actors.kernel.questions.turn_kit import displays, drawn, ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_a_question_carries_the_session_and_the_conversation(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("x = 41")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.publish("stream", {"name": "stdout", "text": "out\n"}, request)
    subkernel.end(request, 1)
    await stage.front.over(done)
    first, question = await stage.ask("%%ai --model m what is x?")
    assert (question.prompt, question.language, question.model, question.history) == ("what is x?", "python", "m", [])
    (cell,) = question.cells
    assert (cell.execution_count, cell.code, cell.output, cell.status) == (1, "x = 41", "out\n", "ok")
    stage.tell(Delta(turn=FIRST, text="41"), ended())
    await stage.front.over(first)
    _, question = await stage.ask("%%ai and now?")
    assert [(each.question, each.answer) for each in question.history] == [("what is x?", "41")]


async def test_cells_behind_a_question_run_meanwhile(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    asked, _ = await stage.ask()
    subkernel.run(await subkernel.expect(), 1)
    msg_id = stage.run("1")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(msg_id)
    assert "execute_reply" not in stage.front.kinds(asked)


async def test_events_of_a_turn_that_is_over_or_never_was_are_dropped(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="done"), ended())
    await stage.front.over(msg_id)
    known = len(stage.front.sent)
    stage.tell(*(Delta(turn=turn, text="late") for turn in (FIRST, TurnId(7))), ended(), ended(TurnId(7)))
    await stage.settle()
    assert len(stage.front.sent) == known


async def test_an_error_of_the_agent_is_the_error_of_the_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="half"), ended(status="error", reason="the key was refused; set OPENAI_API_KEY"))
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"], told["evalue"]) == ("error", "AgentError", "the key was refused; set OPENAI_API_KEY")
    assert displays(stage, msg_id)[-1][1] == "half"
    assert (await stage.front.over(msg_id))[-3:] == ["error", "execute_reply", "idle"]


async def test_a_question_that_fails_aborts_none_of_the_cells_behind_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    blocking = stage.run("slow()")
    slow = await subkernel.expect()
    subkernel.begin(slow, 1)
    asked, _ = await stage.ask()
    queued = [stage.run(code) for code in ("2", "3")]
    stage.tell(ended(status="error", reason="no more credit"))
    assert (await stage.front.reply(asked)).content["status"] == "error"
    subkernel.end(slow, 1)
    comment = await subkernel.expect()
    assert (comment.content["code"], comment.content["stop_on_error"]) == ("# %%ai why?", False)
    subkernel.run(comment, 2)
    for number, (code, msg_id) in enumerate(zip(("2", "3"), queued, strict=True), start=3):
        request = await subkernel.expect()
        assert request.content["code"] == code, "it was sent, once and as it came"
        subkernel.run(request, number)
        told = (await stage.front.reply(msg_id)).content
        assert (told["status"], told["execution_count"]) == ("ok", number)
    assert (await stage.front.reply(blocking)).content["status"] == "ok"


async def test_a_stop_by_number_ends_that_turn_at_once_and_no_other(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, question = await stage.ask()
    second = stage.run("%%ai and you?", metadata={"cellId": "c2"})
    stage.tell(Delta(turn=question.turn, text="so far"))
    await drawn(stage, first, "so far")
    stopping = stage.run("%beaker stop 1")
    assert (await stage.front.reply(stopping)).content["status"] == "ok"
    assert (await stage.front.reply(first)).content["status"] == "ok"
    assert displays(stage, first)[-1][1] == "so far\n\n*stopped*"
    assert (await stage.agent.expect(Stop)).turn == question.turn
    assert "execute_reply" not in stage.front.kinds(second)
    refused = (await stage.front.reply(stage.run("%beaker stop 1"))).content
    assert refused["evalue"] == "no question 1 is being answered; running: 2"


async def test_a_shutdown_answers_the_questions_that_are_open(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="half"))
    await drawn(stage, msg_id, "half")
    await stage.node.stop()
    kinds = stage.front.kinds(msg_id)
    assert kinds[-2:] == ["execute_reply", "idle"]
    assert displays(stage, msg_id)[-1][1] == "half\n\n*stopped*"


async def test_a_question_behind_a_restart_knows_what_is_gone(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    before = stage.run("x = 1")
    subkernel.run(await subkernel.expect_code(), 1)
    await stage.front.over(before)
    asked, _ = await stage.ask()
    call = ToolCalled(turn=FIRST, call_id="c", tool="show_variable", arguments='{"name": "x"}')
    stage.tell(call, ToolAnswered(turn=FIRST, call_id="c", status="ok", summary="int: 1", result="int: 1"), ended())
    await stage.front.reply(asked)
    second = await stage.start_subkernel()
    after = stage.run("y = 1")
    second.run(await second.expect_code(), 1)
    await stage.front.over(after)
    _, question = await stage.ask()
    assert [(seen.code, seen.former) for seen in question.cells] == [("x = 1", True), ("y = 1", False)]
    (told,) = question.history[0].calls
    assert told.result == "[This was in a former session: its variables are gone.]\nint: 1"


async def test_a_question_right_behind_a_restart_knows_it_though_the_next_session_is_not_there(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    before = stage.run("x = 1")
    subkernel.run(await subkernel.expect_code(), 1)
    await stage.front.over(before)
    stage.run("%beaker restart")
    _, question = await stage.ask()
    assert [(seen.code, seen.former) for seen in question.cells] == [("x = 1", True)]
    second = await stage.start_subkernel()
    after = stage.run("y = 1")
    second.run(await second.expect_code(), 2)
    await stage.front.over(after)
    stage.tell(ToolCalled(turn=FIRST, call_id="c", tool="show_variable", arguments="{}"))
    stage.tell(ToolAnswered(turn=FIRST, call_id="c", status="ok", summary="int: 1"), ended())
    _, question = await stage.ask()
    assert question.history[0].calls[0].result == "int: 1", "it was seen in the session that there is"
