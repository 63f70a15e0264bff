"""Questions of the model's to the user: where they are put, what becomes part of the answer, and what ends them."""

from pathlib import Path
from typing import Any

import pytest

from beaker.messages.base import TurnId
from beaker.messages.running import AskUser, UserAnswered
from beaker.messages.turn import Delta, Ended
from beaker.wire.parts import HEADER
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.reading import command, displays, printed, refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel

OK = Ended(turn=FIRST, status="ok", text="")
WHICH = AskUser(turn=FIRST, question="Which\ncolumn?", choices=["level", "fl_ow"])
QUOTED = "> Which\n> column?\n>\n> 1. level\n> 2. fl_ow"


def shown(stage: KernelStage, msg_id: str) -> str:
    """All displays of a cell."""
    return "\n\n".join(text for text in displays(stage, msg_id) if text)


async def test_it_is_asked_on_stdin_with_its_choices_numbered_and_the_way_out(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    asking = stage.wants(WHICH)
    prompt = await stage.front.prompt()
    assert prompt.content["prompt"] == "Which\ncolumn?\n  1. level\n  2. fl_ow\n(Stop ends the question)\n> "
    stage.type("2")
    assert await asking == UserAnswered(text="fl_ow")


async def test_question_and_answer_stand_in_the_answer_the_history_and_the_next_question(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="Let me ask."))
    asking = stage.wants(WHICH)
    await stage.front.prompt()
    await stage.front.wait(lambda: "Stop ends the question" in shown(stage, msg_id), "what it waits for")
    assert f"Let me ask.\n\n{QUOTED}\n\n*waits for your answer" in shown(stage, msg_id)
    stage.type("2")
    await asking
    stage.tell(Delta(turn=FIRST, text="The flow it is."), OK)
    await stage.front.reply(msg_id)
    text = shown(stage, msg_id)
    assert text.startswith(f"Let me ask.\n\n{QUOTED}\n\n<div")
    assert text.index("**You answered:** fl\\_ow") < text.index("The flow it is.")
    assert "waits for your answer" not in text
    history = shown(stage, stage.run("%beaker history"))
    assert f"{QUOTED}\n\nThe user answered: fl_ow\n\nThe flow it is." in history
    _, question = await stage.ask()
    assert question.history[0].answer == f"Let me ask.\n\n{QUOTED}\n\nThe user answered: fl_ow\n\nThe flow it is."


async def test_on_a_terminal_the_answer_stands_between_the_prompt_and_what_follows(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask(notebook=False)
    asking = stage.wants(WHICH)
    await stage.front.prompt()
    stage.type("1")
    await asking
    stage.tell(Delta(turn=FIRST, text="Good."), OK)
    await stage.front.reply(msg_id)
    assert printed(stage, msg_id) == "You answered: level\n\nGood.\n", "the question stood at the prompt"


@pytest.mark.parametrize("flags", [{"allow_stdin": False}, {}])
async def test_where_nobody_can_be_asked_the_model_is_told_to_state_it(
    stage: KernelStage, subkernel: ScriptedSubkernel, flags: dict[str, Any]
) -> None:
    _, question = await stage.ask(**flags)
    assert question.can_ask is not bool(flags)
    if not flags:  # a cell runs behind the question
        stage.run("slow()")
        subkernel.begin(await subkernel.expect_code(), 2)
    assert "in your answer" in await refusal(stage.wants(WHICH))
    assert stage.front.prompts() == []


async def test_it_gives_way_when_cells_have_waited_behind_it_for_long(short_folder: Path) -> None:
    async with staged(short_folder, {"agent": {"consent_patience_s": 0.1}}) as stage:
        subkernel = await stage.ready()
        msg_id, _ = await stage.ask()
        asking = stage.wants(WHICH)
        prompt = await stage.front.prompt()
        stage.run("behind()", client=b"other")
        subkernel.begin(await subkernel.expect_code(), 2)
        assert "in your answer" in await refusal(asking)
        stage.type("1", parent=prompt.parts[HEADER])
        stage.tell(Delta(turn=FIRST, text="Which column do you mean?"), OK)
        await stage.front.reply(msg_id)
        assert "You answered" not in shown(stage, msg_id)
        assert not any(received.kind == "input_reply" for received in subkernel.received)


async def test_it_gives_way_to_another_question(short_folder: Path) -> None:
    async with staged(short_folder, {"agent": {"consent_patience_s": 0.1}}) as stage:
        await stage.ready()
        await stage.ask()
        asking = stage.wants(WHICH)
        await stage.front.prompt()
        stage.run("%%ai and this?", client=b"other")
        assert "in your answer" in await refusal(asking)


async def test_it_is_named_in_the_status_and_a_stop_ends_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    asking = stage.wants(WHICH)
    prompt = await stage.front.prompt()
    assert "asks you at a prompt: Which column?; `%beaker stop 1` ends it" in await command(stage, "%beaker status")
    stage.run("%beaker stop 1", client=b"after-a-reload")
    assert "over" in await refusal(asking)
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    stage.type("1", parent=prompt.parts[HEADER])
    await stage.settle()
    assert "*stopped*" in shown(stage, msg_id)
    assert "asks you" not in await command(stage, "%beaker status")


async def test_it_ends_with_the_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.wants(WHICH).add_done_callback(lambda task: task.exception())
    prompt = await stage.front.prompt()
    stage.cut_agent()
    assert "agent was restarted" in (await stage.front.reply(msg_id)).content["evalue"]
    text = shown(stage, msg_id)
    stage.type("1", parent=prompt.parts[HEADER])
    await stage.settle()
    assert shown(stage, msg_id) == text, "nobody goes on from her answer"
    await stage.ask()
    later = stage.wants(AskUser(turn=TurnId(2), question="Again?", choices=[]))
    await stage.front.prompt(2)
    stage.type("yes")
    assert await later == UserAnswered(text="yes")


async def test_of_a_long_answer_the_model_sees_the_beginning(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    asking = stage.wants(AskUser(turn=FIRST, question="Which?", choices=[]))
    await stage.front.prompt()
    stage.type("x" * 1_000_000)
    answered = await asking
    assert isinstance(answered, UserAnswered)
    assert 1_000 < len(answered.text) < 30_000
