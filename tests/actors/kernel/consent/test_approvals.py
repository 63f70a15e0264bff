"""Consent by message: who is asked, whose answer is taken, what an interface sees of a run."""

from typing import Any

import pytest

from actors.runtime.failures import AskFailed
from beaker.messages.running import CodeRan, RestartSession
from beaker.messages.turn import Delta, Ended, Question, Taken
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage
from tests.kit.recording_front import Sent
from tests.kit.scripted_subkernel import ScriptedSubkernel

OK = Ended(turn=FIRST, status="ok", text="")


async def asked(stage: KernelStage, **content: Any) -> str:
    """An interface asks a question; the msg_id of its request."""
    msg_id = stage.request("llm_request", {"request": "run it", **content})
    _, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    return msg_id


async def approval(stage: KernelStage, msg_id: str) -> dict[str, Any]:
    """The approval that is asked for."""
    return (await stage.front.output(msg_id, "approval_request")).content


async def respond(stage: KernelStage, decision: str, *, name: str = "A1", client: bytes = b"client", **content: Any) -> Sent:
    """An interface answers; the reply."""
    msg_id = stage.request("approval_response", {"approval_id": name, "decision": decision, **content}, client=client)
    return await stage.front.reply(msg_id)


async def test_the_interface_is_shown_the_exact_code_and_no_prompt_on_stdin(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    stage.wants_run("x = 1\nprint(x)")
    assert await approval(stage, msg_id) == {
        "approval_id": "A1",
        "turn": 1,
        "kind": "code",
        "code": "x = 1\nprint(x)",
        "language": "python",
        "reason": "",
        "choices": ["allow", "always", "reject", "edit", "later"],
        "session": "session-of-client",
    }
    assert stage.front.prompts() == []
    assert subkernel.codes() == []


async def test_allowed_code_runs_as_a_cell_of_its_own_whose_messages_have_its_request_as_parent(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id = await asked(stage)
    running = stage.wants_run("6 * 7")
    await approval(stage, msg_id)
    reply = await respond(stage, "allow")
    assert (reply.kind, reply.content["status"], reply.content["decision"]) == ("approval_reply", "ok", "allow")
    request = await subkernel.expect_code()
    child = (await stage.front.output(msg_id, "add_child_codecell")).content
    assert (child["code"], child["language"], child["action"], child["autoexecute"]) == ("6 * 7", "python", "code_cell", True)
    assert child["execute_request_msg"]["header"]["msg_id"] == request.msg_id
    assert child["execute_request_msg"]["content"]["code"] == "6 * 7"
    subkernel.begin(request, 1)
    subkernel.publish("stream", {"name": "stdout", "text": "42\n"}, request)
    subkernel.end(request, 1)
    assert await running == CodeRan(status="ok", output="42\n", execution_count=1)
    await stage.front.output(request.msg_id, "idle")
    assert stage.front.kinds(request.msg_id) == ["busy", "execute_input", "stream", "idle"]
    stage.tell(Delta(turn=FIRST, text="42."), OK)
    assert (await stage.front.over(msg_id)).count("idle") == 1


@pytest.mark.parametrize("client", [b"other", b"client"])
async def test_only_the_session_that_was_asked_may_answer(stage: KernelStage, subkernel: ScriptedSubkernel, client: bytes) -> None:
    msg_id = await asked(stage)
    stage.wants_run("1")
    await approval(stage, msg_id)
    header: dict[str, object] = {"session": "another"} if client == b"client" else {}
    stranger = stage.request("approval_response", {"approval_id": "A1", "decision": "allow"}, client=client, header=header)
    refused = (await stage.front.reply(stranger)).content
    assert (refused["status"], refused["ename"]) == ("error", "NotAsked")
    assert "another client" in refused["evalue"]
    assert subkernel.codes() == []
    assert (await respond(stage, "allow")).content["status"] == "ok"
    await subkernel.expect_code()


async def test_an_answer_is_taken_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    running = stage.wants_run("1")
    await approval(stage, msg_id)
    await respond(stage, "reject")
    with pytest.raises(AskFailed):
        await running
    again = (await respond(stage, "allow")).content
    assert (again["status"], again["ename"]) == ("error", "NotAsked")
    assert subkernel.codes() == []


async def test_edited_code_runs_in_place_of_the_models(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    stage.wants_run("rm()")
    await approval(stage, msg_id)
    await respond(stage, "edit", code="ls()")
    assert (await subkernel.expect_code()).content["code"] == "ls()"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "missing required field"),
        ({"approval_id": "A1", "decision": "yes"}, "allow, always, reject, edit, later"),
        ({"approval_id": "A1", "decision": "edit"}, "needs the code"),
        ({"approval_id": "A1", "decision": "edit", "code": " "}, "needs the code"),
        ({"approval_id": 1, "decision": "allow"}, "Expected `str`"),
        ({"approval_id": "A9", "decision": "allow"}, "Nothing named A9"),
    ],
)
async def test_an_answer_that_cannot_be_taken_allows_nothing(
    stage: KernelStage, subkernel: ScriptedSubkernel, content: dict[str, Any], words: str
) -> None:
    msg_id = await asked(stage)
    stage.wants_run("1")
    await approval(stage, msg_id)
    answer = stage.request("approval_response", content)
    assert await stage.front.over(answer) == ["busy", "approval_reply", "idle"]
    refused = (await stage.front.reply(answer)).content
    assert refused["status"] == "error"
    assert words in refused["evalue"]
    assert subkernel.codes() == []


async def test_a_restart_can_be_allowed_but_not_for_always(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    stage.wants(RestartSession(turn=FIRST))
    wanted = await approval(stage, msg_id)
    assert (wanted["kind"], wanted["code"], wanted["choices"]) == ("restart", "", ["allow", "reject", "later"])
    refused = (await respond(stage, "always")).content
    assert (refused["status"], "no code in it" in refused["evalue"]) == ("error", True)


@pytest.mark.parametrize("how", ["later", "interrupt"])
async def test_what_is_put_off_ends_the_request_and_is_taken_up_by_another_message(
    stage: KernelStage, subkernel: ScriptedSubkernel, how: str
) -> None:
    msg_id = await asked(stage)
    stage.tell(Delta(turn=FIRST, text="Let me run it."))
    stage.wants_run("6 * 7")
    await approval(stage, msg_id)
    if how == "later":
        assert (await respond(stage, "later")).content["status"] == "ok"
    else:
        stage.request("interrupt_request", {}, channel="control")
    await stage.front.over(msg_id)
    parked = (await stage.front.reply(msg_id)).content
    assert (parked["status"], "A1" in parked["waiting"]) == ("ok", True)
    taken_up = stage.request("approval_response", {"approval_id": "A1", "decision": "allow"}, client=b"other")
    request = await subkernel.expect_code()
    subkernel.run(request, 1)
    await stage.front.output(taken_up, "add_child_codecell")
    stage.tell(Delta(turn=FIRST, text="42."), OK)
    kinds = await stage.front.over(taken_up)
    assert (kinds[0], kinds[-2:], kinds.count("idle")) == ("busy", ["approval_reply", "idle"], 1)
    assert (await stage.front.reply(taken_up)).content["status"] == "ok"
    assert stage.front.kinds(msg_id)[-1] == "idle"


async def test_what_was_put_off_is_taken_up_by_a_cell_too(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    stage.wants_run("6 * 7")
    await approval(stage, msg_id)
    await respond(stage, "later")
    cell = stage.run("%beaker reject A1")
    stage.tell(Delta(turn=FIRST, text="Then not."), OK)
    await stage.front.over(cell)
    assert stage.front.kinds(msg_id)[-1] == "idle"


async def test_what_an_interface_is_asked_is_taken_over_by_a_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    stage.wants_run("6 * 7")
    await approval(stage, msg_id)
    cell = stage.run("%beaker allow A1", client=b"other")
    await stage.front.over(msg_id)
    assert "A1 was decided in another cell" in (await stage.front.reply(msg_id)).content["waiting"]
    assert (await respond(stage, "reject")).content["ename"] == "NotAsked"
    subkernel.run(await subkernel.expect_code(), 1)
    stage.tell(Delta(turn=FIRST, text="42."), OK)
    await stage.front.over(cell)


async def test_a_client_that_wants_prompts_is_asked_on_stdin(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage, consent="stdin")
    stage.wants_run("6 * 7")
    prompt = await stage.front.prompt()
    assert (prompt.idents, prompt.parent_id) == ([b"client"], msg_id)
    assert "approval_request" not in stage.front.kinds(msg_id)
    stage.type("y")
    assert (await subkernel.expect_code()).content["code"] == "6 * 7"


async def test_a_client_that_nobody_can_be_asked_by_gets_the_plan_mode(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.request("llm_request", {"request": "run it", "consent": "never", "mode": "auto"})
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    assert question.mode == "plan"


async def test_stop_withdraws_what_is_asked(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = await asked(stage)
    running = stage.wants_run("1")
    await approval(stage, msg_id)
    await stage.front.over(stage.run("%beaker stop 1"))
    await stage.front.over(msg_id)
    assert (await stage.front.reply(msg_id)).content["status"] == "aborted"
    with pytest.raises(AskFailed):
        await running
    assert (await respond(stage, "allow")).content["status"] == "error"
    assert subkernel.codes() == []
