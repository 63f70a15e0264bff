"""How an answer is shown while it comes and when it ends, to whom can show updates and to whom cannot."""

from pathlib import Path

import pytest

from beaker.messages.turn import (
    Began,
    Delta,
    Waiting,
)
from tests.actors.kernel.questions.turn_kit import displays, drawn, ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.passing_time import pass_s
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_a_notebook_sees_one_display_that_is_updated(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Began(turn=FIRST, model="gpt"), Delta(turn=FIRST, text="Hello "))
    await drawn(stage, msg_id, "Hello")
    stage.tell(Delta(turn=FIRST, text="world"), ended())
    await stage.front.over(msg_id)
    shown = displays(stage, msg_id)
    assert [kind for kind, _ in shown] == ["display_data", *["update_display_data"] * (len(shown) - 1)]
    ids = {s.content["transient"]["display_id"] for s in stage.front.about(msg_id) if s.kind.endswith("display_data")}
    assert len(ids) == 1
    assert shown[-1][1] == "Hello world"
    kinds = stage.front.kinds(msg_id)
    assert kinds[-2:] == ["execute_reply", "idle"]
    assert (kinds.count("busy"), kinds.count("execute_reply"), kinds.count("idle")) == (1, 1, 1)


async def test_a_client_that_cannot_show_updates_gets_the_whole_answer_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(notebook=False, allow_stdin=False)
    stage.tell(Delta(turn=FIRST, text="Hello "), Waiting(turn=FIRST, words="for the model"), Delta(turn=FIRST, text="world"), ended())
    await stage.front.over(msg_id)
    assert displays(stage, msg_id) == [("display_data", "Hello world")]


async def test_many_deltas_make_one_update_per_interval_and_the_last_text_is_whole(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"display_interval_s": 60.0}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        stage.tell(*(Delta(turn=FIRST, text=f"{number} ") for number in range(200)))
        await stage.settle()
        assert len(displays(stage, msg_id)) == 2, "thinking, and the first text"
        assert displays(stage, msg_id)[1][1] == "0 ▍"
        await pass_s(60.0)
        await drawn(stage, msg_id, "199")
        assert len(displays(stage, msg_id)) == 3, "and all 200 at once"
        stage.tell(*(Delta(turn=FIRST, text=f"{number} ") for number in range(200, 400)), ended())
        await stage.front.over(msg_id)
        shown = displays(stage, msg_id)
        assert len(shown) == 4, "the end waits for no interval"
        assert shown[-1][1] == " ".join(map(str, range(400)))


async def test_the_first_text_waits_for_no_interval_and_what_follows_does(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"display_interval_s": 60.0}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        stage.tell(Began(turn=FIRST, model="gpt"), Delta(turn=FIRST, text="\n"), Delta(turn=FIRST, text="Hello "))
        await drawn(stage, msg_id, "Hello")
        stage.tell(Delta(turn=FIRST, text="wide "), Delta(turn=FIRST, text="world"))
        await stage.settle()
        assert [text for _, text in displays(stage, msg_id)][1:] == ["Hello ▍"]
        stage.tell(ended())
        await stage.front.over(msg_id)
        assert [text for _, text in displays(stage, msg_id)][1:] == ["Hello ▍", "Hello wide world"]


async def test_what_a_turn_waits_for_is_shown_until_text_comes(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Waiting(turn=FIRST, words="no data for 15 s"))
    await drawn(stage, msg_id, "*no data for 15 s*")
    stage.tell(Delta(turn=FIRST, text="here"), ended())
    await stage.front.over(msg_id)
    assert displays(stage, msg_id)[-1][1] == "here"


@pytest.mark.parametrize(("notebook", "shown"), [(True, "*no answer*"), (False, None)])
async def test_an_empty_answer_leaves_no_promise_behind(
    stage: KernelStage, subkernel: ScriptedSubkernel, notebook: bool, shown: str | None
) -> None:
    msg_id, _ = await stage.ask(notebook=notebook)
    stage.tell(ended())
    await stage.front.over(msg_id)
    assert [text for _, text in displays(stage, msg_id)[-1:]] == ([shown] if shown else [])


@pytest.mark.parametrize(("notebook", "cleared"), [(True, ["display_data", "clear_output"]), (False, [])])
async def test_an_error_takes_the_place_of_what_was_waited_for(
    stage: KernelStage, subkernel: ScriptedSubkernel, notebook: bool, cleared: list[str]
) -> None:
    msg_id, _ = await stage.ask(notebook=notebook)
    stage.tell(ended(status="error", reason="no more credit"))
    kinds = await stage.front.over(msg_id)
    assert [kind for kind in kinds if kind != "update_display_data"] == [
        "busy",
        "execute_input",
        *cleared,
        "error",
        "execute_reply",
        "idle",
    ]
    assert "no answer" not in str(displays(stage, msg_id))
    assert all(s.content == {"wait": True} for s in stage.front.about(msg_id) if s.kind == "clear_output")


async def test_an_error_behind_outputs_clears_none_of_them(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    running = stage.wants_run("40 + 2")
    subkernel.run(await subkernel.expect_code(), 2)
    await running
    stage.tell(Waiting(turn=FIRST, words="no data for 20 s"))
    await drawn(stage, msg_id, "no data")
    stage.tell(ended(status="error", reason="no more credit"))
    kinds = await stage.front.over(msg_id)
    assert kinds[-4:] == ["update_display_data", "error", "execute_reply", "idle"]
    assert "clear_output" not in kinds
    assert displays(stage, msg_id)[-1][1] == ""


async def test_in_the_background_the_cell_is_done_at_once_and_its_display_goes_on(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --background why?")
    assert stage.front.kinds(msg_id) == ["busy", "execute_input", "display_data", "execute_reply", "idle"]
    stage.tell(Delta(turn=FIRST, text="because"), ended())
    await drawn(stage, msg_id, "because")
    await stage.settle()
    assert displays(stage, msg_id)[-1] == ("update_display_data", "because")
    kinds = stage.front.kinds(msg_id)
    assert (kinds.count("execute_reply"), kinds.count("idle")) == (1, 1)


async def test_a_failure_in_the_background_is_shown_below_the_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --background why?")
    stage.tell(ended(status="error", reason="no more credit"))
    assert (await stage.front.output(msg_id, "error")).content["evalue"] == "no more credit"
    assert stage.front.kinds(msg_id).count("execute_reply") == 1


async def test_a_silent_question_shows_nothing_and_is_answered(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(silent=True)
    stage.tell(Delta(turn=FIRST, text="unheard"), ended())
    assert await stage.front.over(msg_id) == ["busy", "execute_reply", "idle"]
