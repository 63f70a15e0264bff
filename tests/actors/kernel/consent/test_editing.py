"""Code of the user's own in place of the model's: typed at the prompt, or taken as a cell."""

import pytest

from beaker.messages.running import CodeRan, RestartSession
from beaker.messages.turn import Ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage
from tests.kit.reading import command, displays, refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel

OK = Ended(turn=FIRST, status="ok", text="")


async def typed(stage: KernelStage, *lines: str) -> str:
    """Answer one prompt after the other from the first on; gives the next one."""
    for number, line in enumerate(lines, start=1):
        await stage.front.prompt(number)
        stage.type(line)
    return str((await stage.front.prompt(len(lines) + 1)).content["prompt"])


@pytest.mark.parametrize("lines", [["a = 1\n\nb = 2"], ["a = 1", "", "b = 2", "."], ["a = 1\n\nb = 2\n."]])
async def test_edited_code_is_what_runs_and_the_model_sees_it(stage: KernelStage, subkernel: ScriptedSubkernel, lines: list[str]) -> None:
    await stage.ask()
    running = stage.wants_run("a = 0")
    for number, line in enumerate(["e", *lines], start=1):
        await stage.front.prompt(number)
        stage.type(line)
    review = await stage.front.prompt(len(lines) + 2)
    assert review.content["prompt"] == "A1 would run your code:\n\na = 1\n\nb = 2\n\n[y]es / [n]o / [e]dit again / [l]ater: "
    assert subkernel.codes() == []
    stage.type("y")
    request = await subkernel.expect_code()
    assert request.content["code"] == "a = 1\n\nb = 2"
    subkernel.run(request, 2)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert ran.edited == "a = 1\n\nb = 2"


async def test_lines_that_a_field_has_joined_are_called_so_before_anything_runs(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("1")
    review = await typed(stage, "e", "a = 1 b = 2 print(a + b)", ".")
    assert "a = 1 b = 2 print(a + b)\n\nPython cannot read this: invalid syntax (line 1). A field for one line joins" in review
    assert "`%beaker edit A1`" in review
    stage.type("n")
    assert "does not want" in await refusal(running)
    assert subkernel.codes() == []


async def test_edit_again_begins_anew_and_what_cannot_be_read_is_asked_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stage.wants_run("1")
    assert "would run" in await typed(stage, "e", "wrong()\n.", "perhaps", "e", "right()", ".")
    stage.type("y")
    assert (await subkernel.expect_code()).content["code"] == "right()"


async def test_later_after_an_edit_puts_the_models_code_off(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.wants_run("models()")
    await typed(stage, "e", "mine()", ".")
    stage.type("l")
    await stage.front.reply(msg_id)
    stage.run("%beaker allow A1")
    assert (await subkernel.expect_code()).content["code"] == "models()"


async def test_an_edit_without_a_line_asks_the_first_question_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("1")
    assert "[a]lways" in await typed(stage, "e", ".")
    stage.type("n")
    await refusal(running)
    assert subkernel.codes() == []


@pytest.mark.parametrize("asked", [True, False])
async def test_the_code_comes_as_a_cell_of_the_users_own_and_a_reject_tells_the_model_so(
    stage: KernelStage, subkernel: ScriptedSubkernel, asked: bool
) -> None:
    msg_id, _ = await stage.ask()
    running = stage.wants_run("a = 1\nb = 2")
    await stage.front.prompt()
    if not asked:
        stage.type("l")
        await stage.front.reply(msg_id)
    editing = stage.run("%beaker edit A1", client=b"after-a-reload" if asked else b"client")
    reply = (await stage.front.reply(editing)).content
    assert reply["payload"] == [{"source": "set_next_input", "text": "a = 1\nb = 2", "replace": False}]
    assert "`%beaker reject A1`" in displays(stage, editing)[0]
    await stage.front.reply(msg_id)
    assert "waiting: `%beaker allow A1`" in displays(stage, msg_id)[-1]
    rejecting = stage.run("%beaker reject A1")
    assert "as a cell of her own" in await refusal(running)
    stage.tell(OK)
    await stage.front.reply(rejecting)
    assert "**A1** was not run: the user took it over" in displays(stage, stage.run("%beaker history"))[0]
    assert subkernel.codes() == []


async def test_code_that_was_brought_as_a_cell_can_still_be_allowed(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    stage.wants_run("a = 1")
    await stage.front.prompt()
    await stage.front.reply(stage.run("%beaker edit A1"))
    stage.run("%beaker allow A1")
    assert (await subkernel.expect_code()).content["code"] == "a = 1"


@pytest.mark.parametrize(("name", "words"), [("A1", "there is no code in it"), ("A7", "Nothing named A7 waits to be allowed; waiting: A1")])
async def test_what_has_no_code_cannot_be_edited(stage: KernelStage, subkernel: ScriptedSubkernel, name: str, words: str) -> None:
    await stage.ask()
    stage.wants(RestartSession(turn=FIRST))
    await stage.front.prompt()
    refused = (await stage.front.reply(stage.run(f"%beaker edit {name}"))).content
    assert refused["ename"] == "UsageError"
    assert words in refused["evalue"]
    assert "A1 (asked at the prompt" in await command(stage, "%beaker status"), "it is asked still"


async def test_of_long_code_that_the_user_wrote_the_model_sees_the_beginning(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    running = stage.wants_run("a = 0")
    written = "#" + "x" * 1_000_000 + "\nb = 2"
    for number, line in enumerate(["e", written, "y"], start=1):
        await stage.front.prompt(number)
        stage.type(line)
    request = await subkernel.expect_code()
    assert request.content["code"] == written
    subkernel.run(request, 2)
    ran = await running
    assert isinstance(ran, CodeRan)
    assert written.startswith(ran.edited.removesuffix(" ..."))
    assert 1_000 < len(ran.edited) < 30_000
