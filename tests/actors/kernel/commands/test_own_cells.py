"""Cells that beaker answers: one reply, a number in the subkernel too, completion and help of ours."""

import json
from typing import Any

import pytest

from actors.kernel.looks import looking
from beaker.kernel.commands.help import COMMAND_NAMES
from beaker.messages.context import ListContexts, ListModels
from beaker.messages.subkernel import Attached, Died, Restart, Restarted, SubkernelFailure
from beaker.wire.parts import CONTENT
from tests.kit.kernel_stage import KernelStage, cell
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


def abort(subkernel: ScriptedSubkernel, request: Received) -> None:
    """As ipykernel does with the queue behind a cell that failed."""
    subkernel.busy(request)
    subkernel.reply(request, {"status": "aborted"})
    subkernel.idle(request)


async def test_it_is_answered_at_once_with_one_busy_and_one_idle(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker help")
    assert stage.front.kinds(msg_id) == ["busy", "execute_input", "display_data", "execute_reply", "idle"]
    reply = await stage.front.reply(msg_id)
    assert (reply.idents, reply.content["status"], reply.content["payload"]) == ([b"client"], "ok", [])


async def test_one_that_cannot_be_answered_for_want_of_a_descriptor_says_so_and_the_next_is_answered(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(name: str) -> object:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as now:
        now.setattr(looking, "language_for", exhausted)
        msg_id = stage.run("%beaker help")
        assert stage.front.kinds(msg_id) == ["busy", "execute_input", "error", "execute_reply", "idle"]
        assert "Too many open files" in (await stage.front.reply(msg_id)).content["evalue"]
    assert (await stage.front.reply(stage.run("%beaker help"))).content["status"] == "ok"


async def test_its_messages_name_the_request_as_the_client_wrote_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    parts = stage.compose("execute_request", {"code": "%beaker help"}, header={"x-trace": [1, {"é": None}]})
    msg_id = stage.send(parts)
    assert {sent.parts[1] for sent in stage.front.about(msg_id)} == {parts[0]}


async def test_a_comment_takes_its_number_in_the_subkernel(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%beaker help\n")
    comment = await subkernel.expect()
    flags = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": False}
    assert comment.content == {"code": "# %beaker help", **flags}
    assert comment.header["session"] == "beaker-0123456789ab"


async def test_the_number_shown_is_behind_all_cells_that_are_ahead(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("1")
    subkernel.run(await subkernel.expect(), 5)
    await stage.front.over(done)
    stage.run("2")
    stage.run("silent", silent=True)
    stage.run("3")
    numbers: list[int] = []
    for code in ("%beaker help", "%beaker config"):
        msg_id = stage.run(code)
        counts = [sent.content["execution_count"] for sent in stage.front.about(msg_id) if "execution_count" in sent.content]
        assert len(set(counts)) == 1, "execute_input and reply agree"
        numbers += set(counts)
    assert numbers == [8, 9]


@pytest.mark.parametrize("flags", [{"silent": True}, {"store_history": False}])
async def test_one_that_does_not_count_takes_no_place(stage: KernelStage, subkernel: ScriptedSubkernel, flags: dict[str, Any]) -> None:
    done = stage.run("1")
    subkernel.run(await subkernel.expect(), 5)
    await stage.front.over(done)
    msg_id = stage.run("%beaker help", **flags)
    assert (await stage.front.reply(msg_id)).content["execution_count"] == 5
    shown = [] if "silent" in flags else ["execute_input", "display_data"]
    assert stage.front.kinds(msg_id) == ["busy", *shown, "execute_reply", "idle"]
    after = stage.run("2")
    assert (await subkernel.expect()).msg_id == after, "no comment is ahead of it"


async def test_a_language_without_a_comment_takes_no_place(stage: KernelStage) -> None:
    subkernel = await stage.ready(language="whitespace")
    stage.run("%beaker help")
    after = stage.run("1")
    assert (await subkernel.expect()).msg_id == after


async def test_a_comment_that_was_aborted_with_the_queue_is_sent_thrice_at_most(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%beaker help")
    for _ in range(3):
        comment = await subkernel.expect()
        assert comment.content["code"] == "# %beaker help"
        abort(subkernel, comment)
    behind = stage.request("is_complete_request", {"code": "1"})
    subkernel.reply(await subkernel.expect("is_complete_request"))
    await stage.front.reply(behind)
    last = stage.run("1")
    assert (await subkernel.expect()).msg_id == last


async def test_a_comment_that_was_aborted_takes_its_place_behind_what_came_meanwhile(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    failing = stage.run("1 / 0")
    asked, question = await stage.ask()
    del question
    request, comment = await subkernel.expect(), await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.reply(request, {"status": "error", "execution_count": 1})
    subkernel.idle(request)
    abort(subkernel, comment)
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(failing)
    after = stage.run("%beaker help")
    assert (await stage.front.reply(after)).content["execution_count"] == 3
    assert stage.front.about(asked)[1].content["execution_count"] == 2


async def test_the_aborted_reply_of_a_clients_cell_reaches_the_client(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("1")
    abort(subkernel, await subkernel.expect())
    assert (await stage.front.reply(msg_id)).content == {"status": "aborted"}
    assert sorted(await stage.front.over(msg_id)) == ["busy", "execute_reply", "idle"]
    after = stage.run("%beaker help")
    assert (await stage.front.reply(after)).content["execution_count"] == 1, "an aborted cell takes no number"


async def test_while_the_subkernel_starts_it_is_answered_and_its_comment_waits(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    msg_id = stage.run("%beaker status")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    behind = stage.run("1")
    subkernel = await stage.start_subkernel()
    assert (await subkernel.expect()).content["code"] == "# %beaker status"
    assert (await subkernel.expect()).msg_id == behind


async def test_without_a_subkernel_it_is_answered_and_sends_nothing(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach(Attached(subkernel=None, generation=1, state="dead", reason="no kernelspec of this name"))
    msg_id = stage.run("%beaker status")
    told = (await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"]
    assert "no kernelspec of this name" in told
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"


async def test_a_comment_lost_in_a_death_is_not_repeated_in_the_next_life(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker help")
    comment = await subkernel.expect()
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    second = await stage.start_subkernel()
    after = stage.run("1")
    assert (await second.expect()).msg_id == after
    assert stage.front.kinds(msg_id).count("execute_reply") == 1
    assert stage.front.about(comment.msg_id) == []


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("complete_request", {"code": "%beaker sta", "cursor_pos": 11}, {"status": "ok", "matches": ["status"]}),
        ("inspect_request", {"code": "%beaker status", "cursor_pos": 10}, {"status": "ok", "found": True}),
        ("is_complete_request", {"code": "%%ai what"}, {"status": "incomplete"}),
        ("is_complete_request", {"code": "%beaker help"}, {"status": "complete"}),
    ],
)
async def test_completion_and_help_in_such_cells_are_ours(
    stage: KernelStage, subkernel: ScriptedSubkernel, kind: str, content: dict[str, object], expected: dict[str, object]
) -> None:
    msg_id = stage.request(kind, content)
    told = (await stage.front.reply(msg_id)).content
    assert expected.items() <= told.items()
    assert stage.front.kinds(msg_id) == ["busy", kind.replace("request", "reply"), "idle"]
    assert subkernel.received == []


@pytest.mark.parametrize("kind", ["complete_request", "inspect_request", "is_complete_request", "execute_request"])
async def test_in_other_cells_that_begin_like_ours_all_is_the_subkernels(
    stage: KernelStage, subkernel: ScriptedSubkernel, kind: str
) -> None:
    msg_id = stage.request(kind, {"code": "%timeit 1", "cursor_pos": 9})
    assert (await subkernel.expect(kind)).msg_id == msg_id
    assert stage.front.about(msg_id) == []


async def test_what_cannot_be_done_is_an_error_in_words(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker frobnicate")
    assert stage.front.kinds(msg_id) == ["busy", "execute_input", "error", "execute_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"]) == ("error", "UsageError")
    assert "frobnicate" in told["evalue"]


@pytest.mark.parametrize("broken", [rb"\ud83d", b"\x80", b"\xed\xa0\xbd"], ids=["half a pair", "no UTF-8", "half a pair as bytes"])
@pytest.mark.parametrize("head", ["%%ai", "%ai", "%beaker"])
async def test_binary_data_that_is_pasted_behind_it_is_told_in_words(
    stage: KernelStage, subkernel: ScriptedSubkernel, head: str, broken: bytes
) -> None:
    parts = stage.compose("execute_request", cell(f"{head} frobnicate PASTED"))
    parts[CONTENT] = parts[CONTENT].replace(b"PASTED", broken * 9)
    msg_id = stage.send(parts)
    assert stage.front.kinds(msg_id) == ["busy", "execute_input", "error", "execute_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content["evalue"]
    assert ("frobnicate" if head == "%beaker" else "The question holds binary data, not text.") in told


async def test_a_cell_of_the_session_may_hold_what_is_no_text(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    parts = stage.compose("execute_request", cell("%timeit 'PASTED'"))
    parts[CONTENT] = parts[CONTENT].replace(b"PASTED", b"\x80")
    msg_id = stage.send(parts)
    assert (await subkernel.expect("execute_request")).msg_id == msg_id
    assert stage.front.about(msg_id) == []


BARE = {
    "help": "%beaker help [COMMAND]",
    "status": "agent      not running",
    "restart": "The subkernel is being restarted",
    "config": "subkernel.spec",
    "history": "No question was asked yet.",
    "reset": "There was no conversation to forget.",
    "trust": "There is nothing to trust",
    "stop": "UsageError: no question is being answered",
    "allow": "Nothing waits to be allowed or rejected.",
    "reject": "Nothing waits to be allowed or rejected.",
    "edit": "UsageError: `%beaker edit` takes a name, as in `%beaker edit A3`; `%beaker allow` shows what waits.",
    "insert": "UsageError: `%beaker insert` takes the number of a proposed cell",
    "model": "AgentError: ",
    "context": "AgentError: ",
}
"""What each command says in a kernel in which nothing was asked yet, where the agent dies when it is asked."""


@pytest.mark.parametrize("name", COMMAND_NAMES)
async def test_every_command_of_the_table_is_performed(stage: KernelStage, subkernel: ScriptedSubkernel, name: str) -> None:
    msg_id = stage.run(f"%beaker {name}")
    if name in {"model", "context"}:
        for _ in range(1 if name == "model" else 2):  # for contexts the next agent is asked once more
            await stage.agent.expect_ask(ListModels if name == "model" else ListContexts)
            stage.cut_agent()
    reply = (await stage.front.reply(msg_id)).content
    outputs = [sent.content for sent in stage.front.about(msg_id) if sent.kind in {"display_data", "stream"}]
    if BARE[name].startswith(("UsageError", "AgentError")):
        assert (reply["status"], outputs) == ("error", [])
        said = f"{reply['ename']}: {reply['evalue']}"
        assert said.startswith(BARE[name])
    else:
        (shown,) = outputs
        assert reply["status"] == "ok"
        assert BARE[name] in (shown.get("text") or shown["data"]["text/plain"])


async def test_the_numbers_of_running_questions_complete_a_stop(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stage.run("%%ai and you?")
    msg_id = stage.request("complete_request", {"code": "%beaker stop ", "cursor_pos": 13})
    assert (await stage.front.reply(msg_id)).content["matches"] == ["1", "2"]


async def test_a_restart_replies_first_and_then_asks_the_supervisor(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker restart")
    assert await stage.front.over(msg_id) == ["busy", "execute_input", "stream", "execute_reply", "idle"]
    await subkernel.expect("shutdown_request")
    _, asked = await stage.supervisor.expect_ask(Restart)
    second = await stage.start_subkernel()
    asked.answer(Restarted(generation=2))
    after = stage.run("1")
    second.run(await second.expect(), 1)
    assert "stream" not in await stage.front.over(after)


async def test_a_restart_has_the_session_that_it_ends_execute_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    """A session that is asked to leave in the middle of a cell says so, with a traceback, where the kernel was started."""
    stage.run("%beaker restart")
    await subkernel.expect("shutdown_request")
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.fail(SubkernelFailure(reason="the kernelspec is gone"))
    await stage.settle()
    stage.run("1")
    assert (await subkernel.expect()).content["code"] == "1"


async def test_a_restart_that_fails_is_told_by_the_next_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%beaker restart", store_history=False)
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.fail(SubkernelFailure(reason="the kernelspec is gone"))
    await stage.settle()
    after = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(after)
    (text,) = [sent.content["text"] for sent in stage.front.about(after) if sent.kind == "stream"]
    assert text == "beaker: the restart failed: the kernelspec is gone\n"


async def test_cells_behind_a_restart_wait_for_the_fresh_session(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%beaker restart", store_history=False)
    behind = stage.run("1")
    _, asked = await stage.supervisor.expect_ask(Restart)
    await stage.settle()
    assert "execute_request" not in [received.kind for received in subkernel.received]
    second = await stage.start_subkernel()
    asked.answer(Restarted(generation=2))
    second.run(await second.expect(), 1)
    assert (await stage.front.reply(behind)).content["status"] == "ok"


async def test_a_restart_without_a_supervisor_is_told_and_the_session_goes_on(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.supervisor_missing = "the disk is full"
    assert stage.supervisor_link is not None
    stage.supervisor_link.close()
    await stage.settle()
    stage.run("%beaker restart", store_history=False)
    after = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    assert (await stage.front.reply(after)).content["status"] == "ok"
    await stage.front.over(after)
    (text,) = [sent.content["text"] for sent in stage.front.about(after) if sent.kind == "stream"]
    assert "the process that watches the subkernel is being restarted; try again in a second" in text


@pytest.mark.parametrize("flags", [{"silent": None}, {"silent": 0, "store_history": 1}, {"allow_stdin": "yes", "store_history": "yes"}])
async def test_flags_that_are_no_booleans_are_taken_as_kernels_take_them(
    stage: KernelStage, subkernel: ScriptedSubkernel, flags: dict[str, Any]
) -> None:
    ours = stage.run("%beaker help", **flags)
    assert (await stage.front.reply(ours)).content["execution_count"] == 1
    subkernel.run(await subkernel.expect(), 1)
    theirs = stage.run("1", **flags)
    subkernel.run(await subkernel.expect(), 2)
    assert (await stage.front.reply(theirs)).content["status"] == "ok"
    assert stage.actor.remembered.generation == 1
    third = stage.run("%beaker help")
    assert (await stage.front.reply(third)).content["execution_count"] == 3


async def test_status_looks_from_outside(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 3)
    await stage.front.output(running, "execute_input")
    stage.run("y")
    await subkernel.expect()
    known = len(subkernel.received)
    msg_id = stage.run("%beaker status", store_history=False)
    told = (await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"]
    assert "Scripted" in told
    assert json.dumps(told).count("runs for") == 1
    assert len(subkernel.received) == known


async def test_the_reply_of_a_cell_of_ours_carries_the_metadata_of_ipykernels(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("%beaker help", metadata={"recordTiming": True})
    refused = stage.run("%beaker nonsense")
    reply = await stage.front.reply(done)
    assert set(reply.metadata) == {"started", "dependencies_met", "engine", "status"}
    busy = await stage.front.output(done, "busy")
    assert reply.metadata["started"] <= busy.header["date"] <= reply.header["date"]
    assert (reply.metadata["status"], reply.metadata["dependencies_met"]) == ("ok", True)
    assert (await stage.front.reply(refused)).metadata["status"] == "error"


async def test_each_user_expression_of_a_cell_of_ours_is_answered_by_an_error(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    told = (await stage.front.reply(stage.run("%beaker help", user_expressions={"a": "1", "b": "x"}))).content["user_expressions"]
    assert set(told) == {"a", "b"}
    for each in told.values():
        assert set(each) == {"status", "ename", "evalue", "traceback"}
        assert each["status"] == "error"
    odd_ones: list[object] = [None, [], "x"]
    for odd in odd_ones:
        assert (await stage.front.reply(stage.run("%beaker help", user_expressions=odd))).content["user_expressions"] == {}


async def test_a_session_with_magics_of_its_own_gets_them_when_the_user_says_so(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    off = stage.run("%beaker config magics=off")
    assert (await stage.front.reply(off)).content["status"] == "ok"
    subkernel.run(await subkernel.expect(), 1)  # the comment in its place
    asked = stage.run("%%ai why?")
    request = await subkernel.expect()
    assert (request.msg_id, request.content["code"]) == (asked, "%%ai why?")
    subkernel.run(request, 2)
    completing = stage.request("complete_request", {"code": "%%ai -", "cursor_pos": 6})
    assert (await subkernel.expect("complete_request")).msg_id == completing
    offered = stage.request("complete_request", {"code": "%beaker config m", "cursor_pos": 16})
    assert (await stage.front.reply(offered)).content["matches"] == ["magics=beaker", "magics=off"]
    back = stage.run("%beaker config magics=beaker")
    assert (await stage.front.reply(back)).content["status"] == "ok"
    assert (await stage.ask("%%ai why?"))[1].prompt == "why?"
