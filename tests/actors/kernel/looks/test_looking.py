"""Looks at the session: when they execute silently, when they only glance, and what is said when nothing can be seen."""

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.runtime.failures import AskFailed
from actors.runtime.standstill import PARTS
from beaker.kernel.hiding import HIDDEN
from beaker.messages.base import TurnId
from beaker.messages.look import CellsRead, OutputRead, ReadCells, ReadOutput, ShowVariable, VariableShown
from beaker.messages.subkernel import Attached, Died
from beaker.messages.turn import ListVariables, TurnFailure, Variable, Variables
from tests.kit.kernel_stage import CLIENT_KEY, KernelStage, staged
from tests.kit.passing_time import pass_s
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

TURN = TurnId(1)
LOOK = ListVariables(turn=TURN)


def ask(stage: KernelStage, message: Any = LOOK) -> "asyncio.Future[Any]":
    return asyncio.ensure_future(stage.kernel.ask(message, timeout_s=7200))


def tell(subkernel: ScriptedSubkernel, request: Received, answer: object) -> None:
    """Answer a silent look."""
    data = {"text/plain": repr(json.dumps(answer))}
    subkernel.reply(request, {"status": "ok", "user_expressions": {"look": {"status": "ok", "data": data, "metadata": {}}}})


async def listed(stage: KernelStage, subkernel: ScriptedSubkernel, *variables: tuple[str, str, str], more: int = 0) -> Any:
    looking = ask(stage)
    tell(subkernel, await subkernel.expect(), {"variables": variables, "more": more})
    return await looking


async def shown(stage: KernelStage, subkernel: ScriptedSubkernel, name: str, text: str) -> Any:
    looking = ask(stage, ShowVariable(turn=TURN, name=name))
    tell(subkernel, await subkernel.expect(), {"found": True, "type": "x", "text": text})
    return await looking


async def refusal(looking: Awaitable[Any]) -> str:
    with pytest.raises(AskFailed) as refused:
        await looking
    assert isinstance(refused.value.failure, TurnFailure)
    return refused.value.failure.reason


async def busy(stage: KernelStage, subkernel: ScriptedSubkernel, code: str = "x") -> Received:
    running = stage.run(code)
    cell = await subkernel.expect()
    subkernel.begin(cell, 1)
    await stage.front.output(running, "execute_input")
    return cell


async def inspected(subkernel: ScriptedSubkernel, path: str, form: str | None) -> None:
    """Answer the next help request, which must be about this path and come through our subshell."""
    request = await subkernel.expect("inspect_request")
    assert (request.content["code"], request.header["subshell_id"]) == (path, "ours")
    text = {"text/plain": f"\x1b[31mType:\x1b[0m  x\n\x1b[31mString form:\x1b[0m {form}\nDocstring: y"} if form is not None else {}
    subkernel.reply(request, {"status": "ok", "found": form is not None, "data": text, "metadata": {}})


async def subshell_opened(subkernel: ScriptedSubkernel) -> None:
    subkernel.reply(await subkernel.expect("create_subshell_request"), {"status": "ok", "subshell_id": "ours"})


async def test_an_idle_session_is_asked_by_one_silent_execution(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    looking = ask(stage)
    request = await subkernel.expect()
    wanted = {"silent": True, "store_history": False, "allow_stdin": False, "stop_on_error": False}
    assert {key: request.content[key] for key in wanted} == wanted
    tell(subkernel, request, {"variables": [["df", "DataFrame", "2 rows"]], "more": 3})
    seen = await looking
    assert seen == Variables(variables=[Variable(name="df", type="DataFrame", summary="2 rows")], note="3 more variables are not shown")
    assert seen.untrusted
    assert len(subkernel.received) == 1


async def test_nobody_looks_unasked(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x = 1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(running)
    await stage.settle()
    assert [request.kind for request in subkernel.received] == ["execute_request"]


async def test_while_a_cell_runs_nothing_is_executed(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await busy(stage, subkernel, "x = 1\ny = f()")
    looking = ask(stage)
    await subshell_opened(subkernel)
    await inspected(subkernel, "y.__class__.__name__", "Model")
    await inspected(subkernel, "x.__class__.__name__", "int")
    await inspected(subkernel, "x", "1")
    seen = await looking
    assert seen.variables == [Variable(name="y", type="Model", summary=""), Variable(name="x", type="int", summary="1")]
    assert "while a cell is running" in seen.note
    ended = await subkernel.expect("delete_subshell_request")
    assert ended.content == {"subshell_id": "ours"}
    assert [request.kind for request in subkernel.received].count("execute_request") == 1


async def test_a_comm_message_that_is_handled_counts_as_busy(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.request("comm_msg", {"comm_id": "c", "data": {}})
    await subkernel.expect("comm_msg")
    looking = ask(stage, ShowVariable(turn=TURN, name="x"))
    await subshell_opened(subkernel)
    await inspected(subkernel, "x.__class__.__name__", None)
    assert await refusal(looking) == "the session has no variable x"


async def test_a_frame_in_a_busy_session_is_shown_with_the_last_look_in_detail(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    assert await shown(stage, subkernel, "df", "all of it") == VariableShown(name="df", text="all of it")
    await busy(stage, subkernel)
    looking = ask(stage, ShowVariable(turn=TURN, name="df"))
    await subshell_opened(subkernel)
    await inspected(subkernel, "df.__class__.__name__", "DataFrame")
    await inspected(subkernel, "df.columns", "Index(['a'])")
    await inspected(subkernel, "df._mgr", None)
    seen = await looking
    assert seen.text.startswith("DataFrame\ncolumns: Index(['a'])\n\nThe last look in detail, of ")
    assert seen.text.endswith(" s ago:\nall of it")
    assert "while a cell is running" in seen.note


async def test_containers_of_a_busy_session_come_through_the_debugger(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await busy(stage, subkernel)
    looking = ask(stage, ShowVariable(turn=TURN, name="items"))
    await subshell_opened(subkernel)
    await inspected(subkernel, "items.__class__.__name__", "list")
    request = await subkernel.expect("debug_request")
    assert (request.channel, request.content["command"]) == ("control", "richInspectVariables")
    subkernel.reply(request, {"success": True, "body": {"data": {"text/plain": "[1, 2]"}, "metadata": {}}})
    assert (await looking).text == "list\n[1, 2]"


async def test_a_kernel_without_subshells_is_asked_on_control(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel()
    subkernel.info["supported_features"] = []
    await stage.announce(subkernel)
    await busy(stage, subkernel)
    looking = ask(stage, ShowVariable(turn=TURN, name="x"))
    request = await subkernel.expect("inspect_request")
    assert request.channel == "control"
    subkernel.reply(request, {"status": "ok", "found": False, "data": {}, "metadata": {}})
    assert await refusal(looking) == "the session has no variable x"


async def test_a_session_that_does_not_answer_is_not_waited_for(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"look_time_limit_s": 0.05}}) as stage:
        await stage.ready()
        assert "did not answer within 0.05 s" in await refusal(ask(stage))


async def test_an_answer_that_lay_unread_while_the_machine_stood_still_is_seen(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"look_time_limit_s": 3600.0}}) as stage:
        subkernel = await stage.ready()
        looking = ask(stage)
        request = await subkernel.expect()
        await pass_s(3600.0)
        tell(subkernel, request, {"variables": [["x", "int", "1"]], "more": 0})
        assert (await looking).variables == [Variable(name="x", type="int", summary="1")]
        await busy(stage, subkernel)
        looking = ask(stage, ShowVariable(turn=TURN, name="x"))
        await subshell_opened(subkernel)
        await subkernel.expect("inspect_request")
        await pass_s(3600.0)
        assert not looking.done(), "a glance is given its time too"
        looking.cancel()


async def test_the_last_look_comes_with_its_age(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"look_time_limit_s": 3600.0}}) as stage:
        subkernel = await stage.ready()
        await listed(stage, subkernel, ("x", "int", "1"))
        looking = ask(stage)
        await subkernel.expect()  # nobody answers
        for _ in range(PARTS):
            await pass_s(3600.0 / PARTS)
        seen = await looking
        assert seen.variables == [Variable(name="x", type="int", summary="1")]
        assert "did not answer within 3600 s; something holds it, try again later; this is the last look, of " in seen.note
        assert seen.note.endswith(" s ago")


async def test_a_glance_that_hangs_keeps_its_subshell_until_it_is_over(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"look_time_limit_s": 3600.0}}) as stage:
        subkernel = await stage.ready()
        await busy(stage, subkernel)
        looking = ask(stage, ShowVariable(turn=TURN, name="x"))
        await subshell_opened(subkernel)
        request = await subkernel.expect("inspect_request")
        for _ in range(PARTS):
            await pass_s(3600.0 / PARTS)
        assert "holds the interpreter" in await refusal(looking)
        await stage.settle()
        assert "delete_subshell_request" not in [each.kind for each in subkernel.received]
        subkernel.reply(request, {"status": "ok", "found": False, "data": {}, "metadata": {}})
        await subkernel.expect("delete_subshell_request")


async def test_a_new_life_has_no_last_look(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await listed(stage, subkernel, ("x", "int", "1"))
    looking = ask(stage)
    await subkernel.expect()
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    seen = await looking
    assert "restarted just now; this is the last look" in seen.note
    await stage.start_subkernel()
    second = stage.subkernels[-1]
    looking = ask(stage)
    second.reply(await second.expect(), {"status": "error"})
    assert await refusal(looking) == "the session could not be looked at; it gave no proper answer"


async def test_a_language_that_cannot_be_looked_at_is_told_how_else(stage: KernelStage) -> None:
    await stage.ready(language="cobol")
    words = "the variables of a cobol session cannot be looked at; ask the user to print what is needed"
    assert await refusal(ask(stage)) == words


async def test_a_busy_session_of_another_language_is_let_be(stage: KernelStage) -> None:
    subkernel = await stage.ready(language="julia")
    await busy(stage, subkernel)
    assert await refusal(ask(stage)) == "a cell is running, and a busy julia session cannot be looked at"
    assert [request.kind for request in subkernel.received] == ["execute_request"]


async def test_r_answers_by_a_file_that_is_gone_afterwards(stage: KernelStage) -> None:
    subkernel = await stage.ready(language="R")
    looking = ask(stage)
    request = await subkernel.expect()
    path = stage.folder / "look-1"
    assert f'"{path}"' in request.content["code"]
    path.write_text("x\x1fnumeric\x1flength 3: 1, 2, 3\x1ef\x1ffunction\x1f(a)\x04\n")
    subkernel.reply(request, {"status": "ok"})
    seen = await looking
    assert [(each.name, each.type, each.summary) for each in seen.variables] == [
        ("x", "numeric", "length 3: 1, 2, 3"),
        ("f", "function", "(a)"),
    ]
    assert not path.exists()


async def test_without_a_subkernel_the_reason_is_told(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach(Attached(subkernel=None, generation=1, state="dead", reason="gone"))
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    assert await refusal(ask(stage)) == "there is no session to look at: the subkernel is dead"


async def test_cells_and_long_outputs_are_read_from_what_passed_by(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("print(text)")
    cell = await subkernel.expect()
    subkernel.begin(cell, 7)
    subkernel.publish("stream", {"name": "stdout", "text": "0123456789" * 1000}, cell)
    subkernel.end(cell, 7)
    await stage.front.over(running)
    read = await ask(stage, ReadCells(turn=TURN, first=7, last=7))
    assert isinstance(read, CellsRead)
    assert (read.cells[0].code, read.cells[0].handle, len(read.cells)) == ("print(text)", "output-1", 1)
    rest = await ask(stage, ReadOutput(turn=TURN, handle="output-1", offset=9990))
    assert rest == OutputRead(text="0123456789", offset=9990, size=10_000, handle="output-1")
    assert "the newest are: output-1" in await refusal(ask(stage, ReadOutput(turn=TURN, handle="output-8")))
    assert "no cells with such numbers" in await refusal(ask(stage, ReadCells(turn=TURN, first=8)))


def test_what_looks_bring_is_marked_as_data() -> None:
    for kind in (Variables, VariableShown, CellsRead, OutputRead):
        assert {field.name: field.default for field in msgspec.structs.fields(kind)}["untrusted"] is True


async def test_the_agent_sees_no_value_that_is_a_secret_by_its_name_or_its_looks(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    seen = await listed(stage, subkernel, ("api_key", "str", "'swordfish'"), ("url", "str", "'db://me:swordfish@host'"), ("x", "int", "41"))
    assert [each.summary for each in seen.variables] == [HIDDEN, "'db://me:[hidden]@host'", "41"]
    detail = await shown(stage, subkernel, "api_key", "str of 9 characters\nswordfish")
    assert detail.text.startswith(f"str of 9 characters: {HIDDEN}")
    assert "@api_key" in detail.text, "how the user shows it"


async def test_the_agent_reads_cells_and_outputs_without_what_is_secret_in_them(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    subkernel.run(await subkernel.expect(), 1)
    key = subkernel.as_announced().connection.key
    running = stage.run("login(password='swordfish')")
    request = await subkernel.expect()
    subkernel.begin(request, 2)
    subkernel.publish("stream", {"name": "stdout", "text": f"{CLIENT_KEY} {key}\n" + "a" * 9_990 + "\nBearer abcdefgh12345678"}, request)
    subkernel.end(request, 2)
    await stage.front.over(running)
    cells = await ask(stage, ReadCells(turn=TURN, first=2))
    assert cells.cells[0].code == "login(password='[hidden]')"
    assert cells.cells[0].output.startswith("[hidden] [hidden]\naaa")
    assert cells.cells[0].output.endswith("aa\nBearer [hidden]")
    size = len(f"{CLIENT_KEY} {key}\n") + 9_991 + len("Bearer abcdefgh12345678")
    part = await ask(stage, ReadOutput(turn=TURN, handle=cells.cells[0].handle, offset=size - 8))
    assert (part.text, part.size) == ("[hidden]", size), "not even the end of it"


async def test_what_the_user_mentions_she_shows_but_for_the_keys_of_connections(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("1")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.publish("execute_result", {"data": {"text/plain": f"password='swordfish' {CLIENT_KEY}"}, "execution_count": 1}, request)
    subkernel.end(request, 1)
    await stage.front.over(running)
    _, question = await stage.ask("%%ai what is {Out[1]}?")
    assert question.prompt == "what is password='swordfish' [hidden]?"
    assert question.cells[0].output == "password='[hidden]' [hidden]\n"
