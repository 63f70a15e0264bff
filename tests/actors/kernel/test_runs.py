"""Code by the model while it runs: where its outputs go, what an interrupt and a Stop do, and that it is sent once."""

import asyncio

import pytest

from actors.kernel import closing
from beaker.consent.grants import GRANT_LIFE_S
from beaker.messages.base import TurnId
from beaker.messages.consent import RunRedeemed
from beaker.messages.running import CodeRan, InterruptSession, RestartSession, RunCode, RunReply, SessionChanged
from beaker.messages.subkernel import Died, Interrupt, Interrupted, Restart, Restarted, SubkernelFailure
from beaker.messages.turn import Delta, Ended, Question, Stop
from tests.actors.kernel.test_mentioning import glance_of
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import displays, refusal
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

OK = Ended(turn=FIRST, status="ok", text="")


async def begun(stage: KernelStage, subkernel: ScriptedSubkernel, code: str = "df.go()") -> tuple[str, "asyncio.Task[RunReply]", Received]:
    """A question whose code runs now: its cell's msg_id, the agent's request, the request in the subkernel."""
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    running = stage.wants_run(code)
    request = await subkernel.expect_code()
    subkernel.begin(request, 2)
    await stage.settle()
    return msg_id, running, request


def drawn(stage: KernelStage, msg_id: str) -> str:
    """What the displays of a cell show now."""
    displays = [s.content for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]
    return "\n".join({each["transient"]["display_id"]: str(each["data"]["text/markdown"]) for each in displays}.values())


def end_interrupted(subkernel: ScriptedSubkernel, request: Received) -> None:
    """As ipykernel ends code that is interrupted."""
    error = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": ["KeyboardInterrupt"]}
    subkernel.publish("error", error, request)
    subkernel.reply(request, {"status": "error", "execution_count": 2, **error})
    subkernel.idle(request)


async def waiting_shown(stage: KernelStage, msg_id: str) -> None:
    """Wait until the display says that the code waits for cells of the user's."""
    await stage.front.wait(lambda: "waits for the cells" in drawn(stage, msg_id), "the words")


async def test_outputs_appear_in_the_cell_that_asked_and_nothing_else_of_it_does(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    subkernel.publish("stream", {"name": "stdout", "text": "out\n"}, request)
    subkernel.publish("display_data", {"data": {"text/plain": "<fig>"}, "metadata": {}}, request, metadata={"m": 1}, buffers=(b"b",))
    subkernel.publish("comm_open", {"comm_id": "c", "target_name": "t", "data": {}}, request)
    subkernel.publish("execute_result", {"data": {"text/plain": "42"}, "metadata": {}, "execution_count": 2}, request)
    subkernel.end(request, 2)
    await running
    kinds = [kind for kind in stage.front.kinds(msg_id) if kind != "update_display_data"]
    assert kinds == ["busy", "execute_input", "display_data", "stream", "display_data", "comm_open", "execute_result"]
    (figure,) = [s for s in stage.front.about(msg_id) if s.kind == "display_data" and s.content["data"].get("text/plain") == "<fig>"]
    assert (figure.metadata, figure.buffers) == ({"m": 1}, [b"b"])
    assert figure.header["session"] == subkernel.session_id
    assert stage.front.kinds(request.msg_id) == [], "no client hears of the request under our own id"


async def test_text_behind_a_run_stands_below_its_outputs(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    stage.tell(Delta(turn=FIRST, text="Before."))
    running = stage.wants_run("df.go()")
    request = await subkernel.expect_code()
    subkernel.begin(request, 2)
    subkernel.publish("stream", {"name": "stdout", "text": "out\n"}, request)
    subkernel.end(request, 2)
    await running
    stage.tell(Delta(turn=FIRST, text="After."), OK)
    await stage.front.reply(msg_id)
    sent = stage.front.about(msg_id)
    (out,) = [at for at, s in enumerate(sent) if s.kind == "stream"]
    opened = [at for at, s in enumerate(sent) if s.kind == "display_data"]
    assert len(opened) == 3
    assert opened[1] < out < opened[2]
    assert sent[opened[1]].content["data"]["text/plain"] == "**A1** runs as `[2]`\n\n```python\ndf.go()\n```"
    assert [s for s in sent if s.kind.endswith("display_data")][-1].content["data"]["text/markdown"] == "After."


async def test_late_outputs_still_find_their_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    subkernel.end(request, 2)
    await running
    subkernel.publish("stream", {"name": "stdout", "text": "late\n"}, request)
    await stage.front.output(msg_id, "stream")


async def test_an_error_is_told_to_the_model_and_aborts_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel, "1 / 0")
    error = {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": []}
    subkernel.publish("error", error, request)
    subkernel.reply(request, {"status": "error", "execution_count": 2, **error})
    subkernel.idle(request)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert (ran.status, "ZeroDivisionError" in ran.output) == ("error", True)
    assert "error" in stage.front.kinds(msg_id)
    assert request.content["stop_on_error"] is False


async def test_a_long_output_is_cut_for_the_model(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    for _ in range(10):
        subkernel.publish("stream", {"name": "stdout", "text": "x" * 5_000}, request)
    subkernel.end(request, 2)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert 2_000 < len(ran.output) < 8_000
    printed = [s.content["text"] for s in stage.front.about(msg_id) if s.kind == "stream"]
    assert len("".join(printed)) == 50_000


async def want_behind_a_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> tuple[str, Received, "asyncio.Task[RunReply]"]:
    """A cell of the user runs, and the model wants code run: the cell's id, its request, and the want."""
    mine = stage.run("slow()")
    slow = await subkernel.expect_code()
    subkernel.begin(slow, 1)
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    await until(lambda: len(stage.supervisor.asked) == 1, "the want")
    return mine, slow, running


async def test_code_waits_for_the_cells_that_the_user_has_running(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    mine, slow, running = await want_behind_a_cell(stage, subkernel)
    await stage.settle()
    assert subkernel.codes() == ["slow()"]
    subkernel.end(slow, 1)
    await stage.front.reply(mine)
    subkernel.run(await subkernel.expect_code(), 3)
    await running


async def test_what_is_aborted_behind_a_failed_cell_of_the_users_is_sent_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    swept = await subkernel.expect_code()
    subkernel.busy(swept)
    subkernel.reply(swept, {"status": "aborted"})
    subkernel.idle(swept)
    subkernel.run(await subkernel.expect_code(), 2)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert (ran.status, ran.execution_count) == ("ok", 2)
    assert subkernel.codes() == ["df.go()", "df.go()"]


async def test_what_is_aborted_again_and_again_is_told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("df.go()")
    for _ in range(3):
        swept = await subkernel.expect_code()
        subkernel.busy(swept)
        subkernel.reply(swept, {"status": "aborted"})
        subkernel.idle(swept)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "aborted"


async def test_a_stop_before_it_was_sent_leaves_nothing_in_the_queue(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    mine, slow, running = await want_behind_a_cell(stage, subkernel)
    stage.run("%beaker stop 1")
    assert "over" in await refusal(running)
    subkernel.end(slow, 1)
    await stage.front.reply(mine)
    await stage.settle()
    assert subkernel.codes() == ["slow()"]


@pytest.mark.parametrize("mode", ["ask", "auto"])
@pytest.mark.parametrize("other_supervisor", [False, True])
async def test_a_grant_is_given_when_the_users_cells_are_over_however_long_they_run(
    stage: KernelStage, subkernel: ScriptedSubkernel, mode: str, other_supervisor: bool
) -> None:
    msg_id, _ = await stage.ask(f"%%ai --mode {mode} go")
    if mode == "ask":
        running = stage.wants_run("df.go()")
        await stage.front.prompt()
    mine = stage.run("slow()")
    slow = await subkernel.expect_code()
    subkernel.begin(slow, 2)
    if mode == "ask":
        stage.type("y")
    else:
        running = stage.wants_run("df.go()")
    await waiting_shown(stage, msg_id)
    stage.supervisor.late_s = 2 * GRANT_LIFE_S
    if other_supervisor:
        stage.supervisor.forget()
    subkernel.end(slow, 2)
    await stage.front.reply(mine)
    subkernel.run(await subkernel.expect_code(), 3)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.status == "ok"
    assert len(stage.front.prompts()) == (mode == "ask"), "she is asked once"


@pytest.mark.parametrize("how", ["stop", "death"])
async def test_what_waits_for_the_users_cells_and_will_not_run_is_shown_so(
    stage: KernelStage, subkernel: ScriptedSubkernel, how: str
) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 2)
    running = stage.wants_run("df.go()")
    await waiting_shown(stage, msg_id)
    if how == "stop":
        stage.run("%beaker stop 1")
    else:
        stage.tell(Died(generation=1, reason="killed by signal 9", at=0.0, stderr_tail="", restarting=True))
        stage.make_subkernel()
    await refusal(running)
    stage.tell(OK)
    await stage.front.reply(msg_id)
    assert "was not run" in drawn(stage, msg_id)
    assert "waits for the cells" not in drawn(stage, msg_id)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, interrupted code is waited for."""
    monkeypatch.setattr(closing, "INTERRUPT_S", 60.0)


@pytest.mark.usefixtures("patient")
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


@pytest.mark.usefixtures("patient")
async def test_code_that_ends_by_itself_before_the_interrupt_is_not_called_interrupted(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, running, request = await begun(stage, subkernel)
    stage.run("%beaker stop 1")
    subkernel.end(request, 2)
    await running
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert not any("was interrupted" in text for text in displays(stage, msg_id))


@pytest.mark.usefixtures("patient")
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


async def test_each_run_has_a_grant_of_its_own(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    for number in (2, 3):
        running = stage.wants_run("x = 1")
        subkernel.run(await subkernel.expect_code(), number)
        await running
    grants = [message.grant for message in stage.supervisor.asked if isinstance(message, RunRedeemed)]
    assert len(set(grants)) == 2


async def test_another_language_than_the_sessions_is_refused(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    assert "python" in await refusal(stage.wants(RunCode(turn=FIRST, code="x <- 1", language="R")))


async def test_nothing_runs_for_a_turn_that_is_over(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    assert "over" in await refusal(stage.wants_run("1", TurnId(9)))


async def test_the_model_interrupts_a_cell_of_the_users_only_when_she_allows_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    assert "No cell" in await refusal(stage.wants(InterruptSession(turn=FIRST)))
    stage.tell(OK)
    slow = stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 2)
    await stage.front.output(slow, "execute_input")
    await stage.ask("%%ai --mode auto go")
    asking = stage.wants(InterruptSession(turn=TurnId(2)))
    prompt = await stage.front.prompt()
    assert "interrupt the cell that you have running" in prompt.content["prompt"]
    assert "[a]lways" not in prompt.content["prompt"]
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    assert isinstance(await asking, SessionChanged)


@pytest.mark.parametrize("another", [False, True])
async def test_the_model_interrupts_no_cell_but_the_one_that_the_user_was_asked_about(
    stage: KernelStage, subkernel: ScriptedSubkernel, another: bool
) -> None:
    await stage.ask("%%ai --mode auto go")
    slow = stage.run("slow()")
    request = await subkernel.expect_code()
    subkernel.begin(request, 2)
    await stage.front.output(slow, "execute_input")
    asked, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(InterruptSession(turn=TurnId(2)))
    await stage.front.prompt()
    subkernel.end(request, 2)
    await stage.front.over(slow)
    if another:
        dear = stage.run("dear()")
        subkernel.begin(await subkernel.expect_code(3), 4)
        await stage.front.output(dear, "execute_input")
    stage.type("y")
    assert "does not run any more" in await refusal(asking)
    stage.tell(Ended(turn=TurnId(2), status="ok", text=""))
    await stage.front.reply(asked)
    assert "that cell is over" in drawn(stage, asked)
    assert not [message for message in stage.supervisor.seen if isinstance(message, Interrupt)]


async def test_the_model_restarts_the_session_only_when_the_user_allows_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(RestartSession(turn=FIRST))
    assert "all variables are lost" in (await stage.front.prompt()).content["prompt"]
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Restart)
    await until(lambda: "restarts the session" in drawn(stage, msg_id), "words while the session ends")
    asked.answer(Restarted(generation=2))
    assert isinstance(await asking, SessionChanged)
    await until(lambda: "restarted the session" in drawn(stage, msg_id), "words when it is back")


async def test_a_restart_that_failed_is_called_so(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(RestartSession(turn=FIRST))
    await stage.front.prompt()
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.fail(SubkernelFailure(reason="no room for it"))
    assert "no room for it" in await refusal(asking)
    await until(lambda: "did not restart the session" in drawn(stage, msg_id), "words of the failure")


async def test_while_the_models_code_runs_a_question_glances_at_what_it_mentions(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, running, request = await begun(stage, subkernel)
    stage.run("%%ai what is @df?", metadata={"cellId": "c"})
    subkernel.reply(await subkernel.expect("create_subshell_request"), {"status": "ok", "subshell_id": "s"})
    glance = await glance_of(subkernel)
    subkernel.reply(glance, {"status": "ok", "found": True, "data": {"text/plain": "Type: int\nString form: 3"}, "metadata": {}})
    asked, _ = await stage.agent.expect_ask(Question)
    (mentioned,) = asked.mentioned
    assert "while a cell is running" in mentioned.text
    subkernel.end(request, 2)
    await running


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
