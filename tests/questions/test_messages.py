"""Messages of our own in a real kernel, by a stock jupyter_client: what an interface sees of a question, and what can go wrong."""

import time
from typing import Any

from tests.kit.running_kernel import PATIENCE_S, Outcome, RunningKernel
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import Speak, run
from tests.scripted.threaded import MODELS


def request(kernel: RunningKernel, kind: str, **content: Any) -> str:
    """An interface sends a request on shell."""
    message = kernel.client.session.msg(kind, content)
    kernel.client.shell_channel.send(message)
    return str(message["header"]["msg_id"])


def by_control(kernel: RunningKernel, kind: str, **content: Any) -> dict[str, Any]:
    """The reply to a request on control."""
    message = kernel.client.session.msg(kind, content)
    kernel.client.control_channel.send(message)
    while True:  # one to an earlier request may lie there unread
        reply: dict[str, Any] = kernel.client.get_control_msg(timeout=PATIENCE_S)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return reply


def contents(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    return [message["content"] for message in outcome.outputs if message["msg_type"] == kind]


def until(kernel: RunningKernel, msg_id: str, kind: str) -> dict[str, Any]:
    """Wait for the first message of this type about a request."""
    for message in kernel.iopub(time.monotonic() + 30):
        if message["parent_header"].get("msg_id") == msg_id and message["msg_type"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def test_a_question_is_told_step_by_step_and_replied_with_a_true_status(demo: RunningKernel) -> None:
    demo.run("import pandas as pd; frame = pd.DataFrame({'a': [1, 2]})")
    outcome = demo.outcome(request(demo, "llm_request", request="describe frame"))
    assert outcome.reply["msg_type"] == "llm_reply"
    assert (outcome.status, outcome.reply["content"]["model"]) == ("ok", "demo model")
    (whole,) = contents(outcome, "llm_response")
    said = "".join(each["text"] for each in contents(outcome, "llm_delta"))
    assert whole["complete"]
    assert said.split() == whole["text"].split()
    called = contents(outcome, "llm_tool_call")
    results = {each["call_id"]: each["status"] for each in contents(outcome, "llm_tool_result")}
    assert results == {each["call_id"]: "ok" for each in called}
    thoughts = [(each["tool_name"], each["tool_input"]) for each in contents(outcome, "llm_thought")]
    assert thoughts == [(each["tool_name"], each["tool_input"]) for each in called]
    (cell,) = contents(outcome, "code_cell")
    assert "frame" in cell["code"]
    assert outcome.reply["content"]["proposals"] == 1
    assert demo.run(cell["code"]).status == "ok"


def test_the_count_of_the_endpoint_and_what_the_model_thought_are_told(shared: SharedKernel) -> None:
    with shared.asking(Speak(text="The mean is 4.5 degrees.", thought="It is warm.")) as (kernel, _):
        outcome = kernel.outcome(request(kernel, "llm_request", request="how warm?"))
    (thought,) = contents(outcome, "llm_thought")
    assert (thought["thought"].strip(), thought["tool_name"], thought["tool_input"]) == ("It is warm.", "", {})
    (usage,) = contents(outcome, "llm_usage")
    assert usage["call"] == {"tokens_in": 9, "tokens_cached": 4, "tokens_out": 3, "cost_usd": None}
    assert (usage["model"], usage["context_used"]) == ("scripted-1", 12)


def test_another_model_answers_from_the_message_that_sets_it_to_the_one_that_takes_it_back(shared: SharedKernel) -> None:
    with shared.asking(Speak(text="Well.")) as (kernel, endpoint):
        for content, named, answers in (({"model": "scripted-2"}, "scripted-2", "scripted-2"), ({}, "", "scripted-1")):
            reply = kernel.outcome(request(kernel, "set_agent_model", **content)).reply
            assert reply["msg_type"] == "set_agent_model_reply"
            told = reply["content"]
            assert (told["status"], told["model"], told["offered"]) == ("ok", named, [*MODELS])
            answered = kernel.outcome(request(kernel, "llm_request", request="who are you?")).reply["content"]
            assert (answered["status"], answered["model"]) == ("ok", answers)
            assert endpoint.endpoint.requests[-1].body["model"] == answers


def test_the_conversation_is_told_on_request_and_forgotten_on_another(shared: SharedKernel) -> None:
    with shared.asking(Speak(text="Four.")) as (kernel, endpoint):
        kernel.outcome(request(kernel, "llm_request", request="how many?"))
        told = kernel.outcome(request(kernel, "get_agent_history"))
        assert told.reply["msg_type"] == "get_agent_history_reply"
        (turn,) = told.reply["content"]["turns"]
        assert (turn["question"], turn["answer"], turn["model"], turn["status"]) == ("how many?", "Four.", "scripted-1", "ok")
        (history,) = contents(told, "chat_history")
        assert [record["message"] for record in history["records"]] == told.reply["content"]["return"]
        assert [record["message"]["content"] for record in history["records"]] == ["how many?", "Four."]
        forgotten = kernel.outcome(request(kernel, "reset_request"))
        assert (forgotten.reply["msg_type"], forgotten.reply["content"]["questions"]) == ("reset_reply", 1)
        assert [each["records"] for each in contents(forgotten, "chat_history")] == [[]]
        kernel.outcome(request(kernel, "llm_request", request="and now?"))
        assert "how many?" not in endpoint.asked[-1]


def test_what_is_wrong_with_a_request_is_said_on_its_own_channel(demo: RunningKernel) -> None:
    for content in ({}, {"request": 7}, {"request": ""}, {"request": "x" * 5_000_000}):
        refused = demo.outcome(request(demo, "llm_request", **content))
        assert (refused.status, refused.outputs[1:]) == ("error", [])
        assert refused.reply["content"]["evalue"].endswith(".")
        assert by_control(demo, "llm_request", **content)["content"]["status"] == "error"
    assert demo.run("1 + 1").text == "2"


def test_a_request_that_nobody_knows_is_an_error_and_no_silence(demo: RunningKernel) -> None:
    for reply in (demo.reply(request(demo, "rollback_request", index=1)), by_control(demo, "rollback_request", index=1)):
        assert reply["msg_type"] == "rollback_reply"
        assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "UnknownRequest")
    assert demo.run("1 + 1").text == "2"


def test_what_the_session_holds_is_told_without_running_code_in_it(demo: RunningKernel) -> None:
    demo.run("import math\nanswer = 42\ndef double(x): return 2 * x")
    number = demo.run("0").reply["content"]["execution_count"]
    outcome = demo.outcome(request(demo, "get_subkernel_state"))
    tree = outcome.reply["content"]["return"]
    assert outcome.status == "ok"
    assert tree["variables"]["answer"]["children"] == [{"label": "42", "children": []}]
    assert {"answer", "int"} <= {part for each in outcome.reply["content"]["variables"] for part in (each["name"], each["type"])}
    assert contents(outcome, "kernel_state_info") == [{"x-application/beaker-subkernel-state": {"application/json": tree}}]
    assert demo.run("0").reply["content"]["execution_count"] == number + 1


def test_cells_run_while_the_model_is_silent_and_an_interrupt_aborts_the_question(stalling: RunningKernel) -> None:
    asked = request(stalling, "llm_request", request="how long?")
    until(stalling, asked, "llm_delta")
    assert stalling.run("40 + 2").text == "42"
    by_control(stalling, "interrupt_request")
    outcome = stalling.outcome(asked)
    assert outcome.status == "aborted"
    (partial,) = contents(outcome, "llm_response")
    assert (partial["text"][:3], partial["complete"]) == ("one", False)
    assert stalling.run("1 + 1").text == "2"


def test_code_of_the_model_runs_when_the_session_that_was_asked_allows_it_and_is_a_cell_of_its_own(shared: SharedKernel) -> None:
    script = [run("answer = 6 * 7\nprint(answer)", text="Let me compute."), Speak(text="It is 42.")]
    with shared.asking(*script) as (kernel, endpoint):
        stranger = kernel.connect()
        stranger.wait_for_ready(timeout=PATIENCE_S)
        asked = request(kernel, "llm_request", request="what is it?")
        wanted = until(kernel, asked, "approval_request")["content"]
        assert wanted["code"] == "answer = 6 * 7\nprint(answer)"
        assert wanted["session"] == kernel.client.session.session
        stranger.shell_channel.send(stranger.session.msg("approval_response", {"approval_id": wanted["approval_id"], "decision": "allow"}))
        refused = stranger.get_shell_msg(timeout=PATIENCE_S)["content"]
        assert (refused["status"], refused["ename"]) == ("error", "NotAsked")
        assert kernel.run("'answer' in globals()").text == "False"
        answer = request(kernel, "approval_response", approval_id=wanted["approval_id"], decision="allow")
        child = until(kernel, asked, "add_child_codecell")["content"]["execute_request_msg"]["header"]["msg_id"]
        text = ""
        while not text.endswith("\n"):  # timers in ipykernel decide in how many pieces it comes
            text += until(kernel, child, "stream")["content"]["text"]
        assert text == "42\n"
        assert kernel.reply(answer)["content"]["status"] == "ok"
        assert kernel.reply(asked)["content"]["status"] == "ok"
        assert kernel.run("answer").text == "42"
        assert "42" in endpoint.results()[-1]
        stranger.stop_channels()


def test_contexts_tools_and_models_are_told_by_the_kernel_itself(demo: RunningKernel) -> None:
    info = demo.outcome(request(demo, "context_info_request")).reply["content"]["return"]
    assert (info["language"], info["subkernel"]) == ("python", "python3")
    assert {"default", "dataframes"} <= info["contexts"].keys()
    demo.run("import pandas as pd; frame = pd.DataFrame({'a': [1, 2]})")
    outcome = demo.outcome(request(demo, "context_setup_request", context="dataframes", context_info={}, language="python3"))
    assert (outcome.status, outcome.reply["content"]["slug"]) == ("ok", "dataframes")
    assert contents(outcome, "context_setup_response") == [outcome.reply["content"]["return"]]
    (preview,) = contents(outcome, "preview")
    assert "frame" in preview["Context"]["dataframes"]["text/plain"]
    assert demo.outcome(request(demo, "context_setup_request", context="default")).status == "ok"
    refused = demo.outcome(request(demo, "set_agent_model", model="gpt-5.4"))
    assert refused.status == "error"
    assert "demo" in refused.reply["content"]["evalue"]


def test_a_client_that_leaves_in_the_middle_costs_the_others_nothing(stalling: RunningKernel) -> None:
    leaving = stalling.connect()
    leaving.wait_for_ready(timeout=PATIENCE_S)
    message = leaving.session.msg("llm_request", {"request": "how long?"})
    leaving.shell_channel.send(message)
    asked = str(message["header"]["msg_id"])
    until(stalling, asked, "llm_delta")
    leaving.stop_channels()
    assert stalling.run("40 + 2").text == "42"
    by_control(stalling, "interrupt_request")
    idle = next(m for m in stalling.iopub(time.monotonic() + 30) if m["parent_header"].get("msg_id") == asked and m["msg_type"] == "status")
    assert idle["content"]["execution_state"] == "idle"
    assert stalling.run("1 + 1").text == "2"


def test_a_question_that_went_with_the_kernel_process_is_told_so(stalling_battered: RunningKernel) -> None:
    kernel = stalling_battered
    asked = request(kernel, "llm_request", request="how long?")
    until(kernel, asked, "llm_delta")
    kernel.replace_front()
    content = kernel.reply(asked)["content"]
    assert (content["status"], content["ename"]) == ("error", "KernelReattached")
    assert "ask again" in content["evalue"]
    kernel.ready()
    again = request(kernel, "llm_request", request="and now?")
    assert until(kernel, again, "llm_delta")["content"]["text"]
