"""Code by the model runs: where its outputs appear, and what the model is told of them."""

from beaker.messages.base import TurnId
from beaker.messages.consent import RunRedeemed
from beaker.messages.running import CodeRan, RunCode
from beaker.messages.turn import Delta, Ended, Question
from tests.actors.kernel.consent.run_kit import begun
from tests.actors.kernel.looks.test_mentioning import glance_of
from tests.actors.kernel.questions.turn_kit import OK
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage
from tests.kit.reading import refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel


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


async def test_while_the_models_code_runs_a_question_glances_at_what_it_mentions(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, running, request = await begun(stage, subkernel)
    stage.run("%%ai what is @df?", metadata={"cellId": "c"})
    subkernel.reply(await subkernel.expect("create_subshell_request"), {"status": "ok", "subshell_id": "s"})
    glance = await glance_of(subkernel)
    subkernel.reply(glance, {"status": "ok", "found": True, "data": {"text/plain": "Type: int\nString form: 3"}, "metadata": {}})
    subkernel.end(request, 2)
    await running
    stage.tell(Ended(turn=FIRST, status="ok", text=""))
    asked, _ = await stage.agent.expect_ask(Question)
    (mentioned,) = asked.mentioned
    assert "while a cell is running" in mentioned.text
