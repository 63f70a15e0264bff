"""What a question mentions is read when it arrives, and goes to the model as data."""

import os
from pathlib import Path

import pytest

from beaker.messages.look import Mentioned
from beaker.messages.subkernel import Died
from beaker.messages.turn import Question, Taken
from tests.actors.kernel.looks.test_looking import busy, tell
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def look_of(subkernel: ScriptedSubkernel) -> Received:
    """The next silent execution; the comments that hold the place of our cells are executed."""
    while not (request := await subkernel.expect()).content["silent"]:
        subkernel.run(request, 1)
    return request


async def glance_of(subkernel: ScriptedSubkernel) -> Received:
    """The next help request for a value; those for a magic come on control."""
    while (request := await subkernel.expect("inspect_request")).channel == "control":
        pass
    return request


async def asked(stage: KernelStage, subkernel: ScriptedSubkernel, prompt: str, *answers: dict[str, object]) -> Question:
    """Ask, and answer the looks that follow in their order."""
    stage.run(f"%%ai {prompt}", metadata={"cellId": "c"})
    for answer in answers:
        tell(subkernel, await look_of(subkernel), answer)
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    return question


async def test_a_plain_value_stands_in_the_text_and_a_large_one_below_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    n = {"found": True, "type": "int", "text": "int: 5", "line": "5"}
    df = {"found": True, "type": "DataFrame", "text": "2 rows", "line": ""}
    question = await asked(stage, subkernel, "is {n} in {df}, {{n}}, {nothing}?", n, df, {"found": False})
    assert question.prompt == "is 5 in `df`, {n}, {nothing}?"
    assert question.mentioned == [Mentioned(label="{df}", text="2 rows")]
    assert question.missing == []


async def test_a_question_that_refers_to_nothing_looks_at_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    question = await asked(stage, subkernel, "why?")
    assert (question.prompt, question.mentioned, question.missing) == ("why?", [], [])
    assert all(not request.content.get("silent") for request in subkernel.received)


async def test_what_is_not_there_is_said(stage: KernelStage, subkernel: ScriptedSubkernel, folder: Path) -> None:
    (folder / "a b.txt").write_text("data")
    question = await asked(stage, subkernel, '@nothing @file:none.csv @file:"a b.txt" {Out[9]} {Err[9]} @file:../x', {"found": False})
    assert question.mentioned == [Mentioned(label='@file:"a b.txt"', text="data")]
    assert question.missing == [
        "`@nothing` names no variable of the session",
        "there is no file `none.csv` in the notebook's folder",
        "`{Out[9]}` could not be found: cell 9 has no result, or is not remembered",
        "`{Err[9]}` could not be found: cell 9 had no error, or is not remembered",
        "`../x` lies outside of the notebook's folder, so it was not read",
    ]


async def test_a_folder_that_was_removed_is_no_trouble(stage: KernelStage, subkernel: ScriptedSubkernel, folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    question = await asked(stage, subkernel, "@file:a.csv")
    assert len(question.missing) == 1


async def test_cells_are_read_as_they_were_when_the_question_came(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first = stage.run("1 / 0")
    cell = await subkernel.expect()
    subkernel.begin(cell, 1)
    subkernel.publish("error", {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["\x1b[31mline 1\x1b[0m"]}, cell)
    subkernel.reply(cell, {"status": "error", "ename": "ZeroDivisionError", "evalue": "", "traceback": []})
    subkernel.idle(cell)
    await stage.front.over(first)
    question = await asked(stage, subkernel, "why did {In[1]} say {Err[1]}?")
    assert question.prompt == "why did 1 / 0 say {Err[1]}?"
    assert question.mentioned == [Mentioned(label="{Err[1]}", text="line 1\nZeroDivisionError: division by zero")]


async def test_behind_a_running_cell_values_come_by_glances(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await busy(stage, subkernel)
    stage.run("%%ai what is {n}?", metadata={"cellId": "c"})
    subkernel.reply(await subkernel.expect("create_subshell_request"), {"status": "ok", "subshell_id": "s"})
    for form in ("int", "5"):
        request = await glance_of(subkernel)
        subkernel.reply(request, {"status": "ok", "found": True, "data": {"text/plain": f"String form: {form}"}, "metadata": {}})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.prompt == "what is 5?"
    assert not any(request.content.get("silent") for request in subkernel.received)


async def test_values_are_those_of_the_moment_in_which_the_question_came(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%%ai is {x} in @df and {x} in @x?", metadata={"cellId": "c"})
    behind = stage.run("x = 2")  # in the same burst
    looks = [await look_of(subkernel) for _ in range(2)]
    cell = await subkernel.expect()
    assert cell.content["code"] == "x = 2", "both looks stand ahead of it, and there is one for each name"
    tell(subkernel, looks[0], {"found": True, "type": "int", "text": "int: 1", "line": "1"})
    tell(subkernel, looks[1], {"found": True, "type": "DataFrame", "text": "2 rows", "line": ""})
    subkernel.run(cell, 2)
    await stage.front.over(behind)
    question, _ = await stage.agent.expect_ask(Question)
    assert question.prompt == "is 1 in @df and 1 in @x?"
    assert [(each.label, each.text) for each in question.mentioned] == [("@df", "2 rows"), ("@x", "int: 1")]


async def test_a_session_that_dies_with_the_looks_is_said(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%%ai is {x} in {y}?", metadata={"cellId": "c"})
    for _ in range(2):
        await look_of(subkernel)
    subkernel.die()
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    question, _ = await stage.agent.expect_ask(Question)
    assert question.prompt == "is {x} in {y}?"
    restarted = "the session could not be looked at; it was restarted just now"
    assert question.missing == [f"`{{{name}}}` could not be read: {restarted}" for name in "xy"]


async def test_a_name_that_a_cell_ahead_may_still_make_is_said(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await busy(stage, subkernel)
    stage.run("%%ai what is {n} in @m?", metadata={"cellId": "c"})
    for number in range(2):
        subkernel.reply(await subkernel.expect("create_subshell_request"), {"status": "ok", "subshell_id": f"s{number}"})
        subkernel.reply(await glance_of(subkernel), {"status": "ok", "found": False, "data": {}, "metadata": {}})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.prompt == "what is {n} in @m?"
    later = "the session was busy when the question came, and a cell ahead of it may not have made it yet"
    assert question.missing == [f"`{label}` names no variable of the session; {later}" for label in ("{n}", "@m")]


async def test_mentions_are_completed_from_what_is_known_without_a_look(
    stage: KernelStage, subkernel: ScriptedSubkernel, folder: Path
) -> None:
    (folder / "my data.csv").write_text("x")
    (folder / "sub").mkdir()
    running = stage.run("df = 1\ndelta = 2")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(running)

    async def matches(code: str) -> tuple[list[str], int]:
        content = (await stage.front.reply(stage.request("complete_request", {"code": code, "cursor_pos": len(code)}))).content
        assert content["cursor_end"] == len(code)
        return content["matches"], content["cursor_start"]

    assert await matches("%%ai plot @d") == (["@delta", "@df"], 10), "the newest first"
    assert await matches("%%ai plot\nand @f") == (["@file:"], 14)
    assert await matches("%%ai @file:") == (['@file:"my data.csv"', "@file:sub/"], 5)
    assert await matches('%%ai @file:"my') == (['@file:"my data.csv"'], 5)
    assert await matches("%%ai mail me@d") == ([], 10)
    assert [request.kind for request in subkernel.received] == ["execute_request"]


async def test_braces_are_completed_with_variables_and_the_cells_that_have_what_is_wanted(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    for count, (code, result) in enumerate([("frame = 1", None), ("frame", "1"), ("fresh = 2", None)], 1):
        running = stage.run(code)
        request = await subkernel.expect()
        subkernel.begin(request, count)
        if result is not None:
            subkernel.publish("execute_result", {"execution_count": count, "data": {"text/plain": result}, "metadata": {}}, request)
        subkernel.end(request, count)
        await stage.front.over(running)

    async def matches(code: str, behind: str = "") -> tuple[list[str], int]:
        content = {"code": code + behind, "cursor_pos": len(code)}
        reply = (await stage.front.reply(stage.request("complete_request", content))).content
        assert reply["cursor_end"] == len(code)
        return reply["matches"], reply["cursor_start"]

    assert await matches("%%ai why {fr") == (["{fresh}", "{frame}"], 9)
    assert await matches("%%ai why {fr", "}?") == (["{fresh", "{frame"], 9), "the editor has closed it already"
    assert await matches("%%ai\nis {In[") == (["{In[3]}", "{In[2]}", "{In[1]}"], 8)
    assert await matches("%%ai {Out[", "]}") == (["{Out[2"], 5)
    assert await matches("%%ai {In[2") == (["{In[2]}"], 5)
    assert await matches("%%ai {Err[") == ([], 5)
    assert await matches("%%ai {Ou") == (["{Out[2]}"], 5)
    assert await matches("%%ai {{fr") == ([], 5), "that stands for itself"
    assert [request.kind for request in subkernel.received] == ["execute_request"] * 3
