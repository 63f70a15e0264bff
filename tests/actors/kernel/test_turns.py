"""Questions: a display that grows, one reply at the end, cells behind it that do not wait."""

from pathlib import Path

import pytest

from actors.kernel import overdue
from actors.kernel.turn import PROPOSED_CHARS
from actors.runtime.failures import AskFailed
from beaker.kernel.panes import FRAME
from beaker.messages.base import TurnId
from beaker.messages.turn import (
    Began,
    Delta,
    EarlierCall,
    Ended,
    ProposeCell,
    Proposed,
    Question,
    Stop,
    Taken,
    ToolAnswered,
    ToolCalled,
    TurnFailure,
    Waiting,
)
from tests.kit.kernel_stage import KernelStage, staged, until
from tests.kit.scripted_subkernel import ScriptedSubkernel

FIRST = TurnId(1)


def ended(turn: TurnId = FIRST, status: str = "ok", reason: str = "") -> Ended:
    return Ended(turn=turn, status=status, text="", reason=reason)  # type: ignore[arg-type]  # one of its three words


def displays(stage: KernelStage, msg_id: str) -> list[tuple[str, str]]:
    """What the cell showed: kind and text of each display."""
    return [(s.kind, s.content["data"]["text/markdown"]) for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]


def last_drawn(stage: KernelStage, msg_id: str) -> list[str]:
    """What each display of the cell shows now."""
    shown = [s.content for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]
    return list({each["transient"]["display_id"]: str(each["data"]["text/markdown"]) for each in shown}.values())


def framed(markdown: str) -> str:
    """What beaker vouches for, as it is shown."""
    return f"{FRAME}\n\n{markdown}\n\n</div>"


async def drawn(stage: KernelStage, msg_id: str, text: str) -> None:
    """Wait until the display holds the text."""
    await stage.front.wait(lambda: any(text in shown for _, shown in displays(stage, msg_id)), text)


async def test_a_question_carries_the_session_and_the_conversation(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("x = 41")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.publish("stream", {"name": "stdout", "text": "out\n"}, request)
    subkernel.end(request, 1)
    await stage.front.over(done)
    first, question = await stage.ask("%%ai --model m what is x?")
    assert (question.prompt, question.language, question.model, question.history) == ("what is x?", "python", "m", [])
    (cell,) = question.cells
    assert (cell.execution_count, cell.code, cell.output, cell.status) == (1, "x = 41", "out\n", "ok")
    stage.tell(Delta(turn=FIRST, text="41"), ended())
    await stage.front.over(first)
    _, question = await stage.ask("%%ai and now?")
    assert [(each.question, each.answer) for each in question.history] == [("what is x?", "41")]


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
    msg_id, _ = await stage.ask(notebook=False)
    stage.tell(Delta(turn=FIRST, text="Hello "), Waiting(turn=FIRST, words="for the model"), Delta(turn=FIRST, text="world"), ended())
    await stage.front.over(msg_id)
    assert displays(stage, msg_id) == [("display_data", "Hello world")]


async def test_many_deltas_make_one_update_per_interval_and_the_last_text_is_whole(short_folder: Path) -> None:
    async with staged(short_folder, {"kernel": {"display_interval_s": 0.2}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        stage.tell(*(Delta(turn=FIRST, text=f"{number} ") for number in range(200)))
        await drawn(stage, msg_id, "199")
        assert len(displays(stage, msg_id)) == 3, "thinking, the first text, and all 200 at once"
        assert displays(stage, msg_id)[1][1] == "0 ▍"
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


async def test_cells_behind_a_question_run_meanwhile(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    asked, _ = await stage.ask()
    subkernel.run(await subkernel.expect(), 1)
    msg_id = stage.run("1")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(msg_id)
    assert "execute_reply" not in stage.front.kinds(asked)


async def test_the_first_proposal_is_the_next_cell_and_all_are_numbered(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    for number, code in ((1, "plot(df)\n"), (2, "df.head()")):
        proposed = await kernel.ask(ProposeCell(turn=FIRST, code=code, language=""), timeout_s=10)
        assert proposed == Proposed(number=number)
    stage.tell(ended())
    reply = await stage.front.reply(msg_id)
    assert reply.content["payload"] == [{"source": "set_next_input", "text": "plot(df)", "replace": False}]
    await stage.front.over(msg_id)
    one, two, hint = last_drawn(stage, msg_id)
    assert one == framed("**[1]**\n\n```python\nplot(df)\n```")
    assert two == framed("**[2]**\n\n```python\ndf.head()\n```")
    assert "%beaker insert N 1" in hint


async def test_a_proposal_in_another_language_than_the_sessions_becomes_no_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    proposed = await kernel.ask(ProposeCell(turn=FIRST, code="x <- 1", language="r"), timeout_s=10)
    assert proposed == Proposed(number=1, text_only=True)
    await kernel.ask(ProposeCell(turn=FIRST, code="x = 1", language="Python"), timeout_s=10)
    stage.tell(ended())
    reply = await stage.front.reply(msg_id)
    assert reply.content["payload"] == [{"source": "set_next_input", "text": "x = 1", "replace": False}]
    await stage.front.over(msg_id)
    assert last_drawn(stage, msg_id) == [
        framed("**[1]** *`r` as text: this session runs `python`*\n\n```r\nx <- 1\n```"),
        framed("**[2]**\n\n```Python\nx = 1\n```"),
    ]


async def test_code_in_the_text_of_an_answer_is_the_next_cell_if_nothing_else_was_proposed(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="Run this:\n\n```python\ndf.head()\n```\n"), ended())
    reply = await stage.front.reply(msg_id)
    assert reply.content["payload"] == [{"source": "set_next_input", "text": "df.head()", "replace": False}]
    await stage.front.over(msg_id)
    assert last_drawn(stage, msg_id) == ["Run this:", framed("**[1]**\n\n```python\ndf.head()\n```")]
    stopped, question = await stage.ask()
    stage.tell(Delta(turn=question.turn, text="```python\nx\n```\n"), ended(question.turn, status="error", reason="no more credit"))
    await stage.front.over(stopped)
    assert "[1]" not in displays(stage, stopped)[-1][1], "half an answer proposes nothing"


async def test_an_edit_is_a_proposal_that_says_which_cell_it_is_for(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    done = stage.run("x = 41")
    request = await subkernel.expect()
    subkernel.begin(request, 7)
    subkernel.end(request, 7)
    await stage.front.over(done)
    msg_id, _ = await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    with pytest.raises(AskFailed) as refused:
        await kernel.ask(ProposeCell(turn=FIRST, code="x = 42", language="", replaces="9"), timeout_s=10)
    assert "no cell with the number 9 was seen to run" in str(refused.value.failure)
    assert await kernel.ask(ProposeCell(turn=FIRST, code="x = 42", language="", replaces="In[7]"), timeout_s=10) == Proposed(number=1)
    stage.tell(ended())
    await stage.front.over(msg_id)
    assert displays(stage, msg_id)[-1][1] == framed("**[1]** in place of cell [7]\n\n```python\nx = 42\n```")


async def test_an_answer_holds_no_more_cells_than_a_user_reads(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    long = "x" * (PROPOSED_CHARS // 2)
    for number in (1, 2):
        assert await kernel.ask(ProposeCell(turn=FIRST, code=long, language=""), timeout_s=10) == Proposed(number=number)
    with pytest.raises(AskFailed) as refused:
        await kernel.ask(ProposeCell(turn=FIRST, code="1", language=""), timeout_s=10)
    assert "more proposed cells already" in str(refused.value.failure)


async def test_an_edit_cannot_take_a_secret_from_the_user_that_the_model_was_not_shown(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    done = stage.run("login(password='swordfish')")
    subkernel.run(await subkernel.expect(), 7)
    await stage.front.over(done)
    _, question = await stage.ask()
    assert question.cells[0].code == "login(password='[hidden]')"
    kernel = stage.agents_end.ref("kernel")
    with pytest.raises(AskFailed) as refused:
        await kernel.ask(ProposeCell(turn=FIRST, code="login(password='[hidden]', again=True)", language="", replaces="7"), timeout_s=10)
    assert "a secret that you cannot see" in str(refused.value.failure)


async def test_a_proposal_for_a_turn_that_is_over_is_refused(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(ended())
    await stage.front.over(msg_id)
    with pytest.raises(AskFailed) as refused:
        await stage.agents_end.ref("kernel").ask(ProposeCell(turn=FIRST, code="1", language=""), timeout_s=10)
    assert refused.value.failure == TurnFailure(reason="this turn is over")


async def test_events_of_a_turn_that_is_over_or_never_was_are_dropped(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="done"), ended())
    await stage.front.over(msg_id)
    known = len(stage.front.sent)
    stage.tell(*(Delta(turn=turn, text="late") for turn in (FIRST, TurnId(7))), ended(), ended(TurnId(7)))
    await stage.settle()
    assert len(stage.front.sent) == known


async def test_an_error_of_the_agent_is_the_error_of_the_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="half"), ended(status="error", reason="the key was refused; set OPENAI_API_KEY"))
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"], told["evalue"]) == ("error", "AgentError", "the key was refused; set OPENAI_API_KEY")
    assert displays(stage, msg_id)[-1][1] == "half"
    assert (await stage.front.over(msg_id))[-3:] == ["error", "execute_reply", "idle"]


async def test_a_question_that_fails_aborts_none_of_the_cells_behind_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    blocking = stage.run("slow()")
    slow = await subkernel.expect()
    subkernel.begin(slow, 1)
    asked, _ = await stage.ask()
    queued = [stage.run(code) for code in ("2", "3")]
    stage.tell(ended(status="error", reason="no more credit"))
    assert (await stage.front.reply(asked)).content["status"] == "error"
    subkernel.end(slow, 1)
    comment = await subkernel.expect()
    assert (comment.content["code"], comment.content["stop_on_error"]) == ("# %%ai why?", False)
    subkernel.run(comment, 2)
    for number, (code, msg_id) in enumerate(zip(("2", "3"), queued, strict=True), start=3):
        request = await subkernel.expect()
        assert request.content["code"] == code, "it was sent, once and as it came"
        subkernel.run(request, number)
        told = (await stage.front.reply(msg_id)).content
        assert (told["status"], told["execution_count"]) == ("ok", number)
    assert (await stage.front.reply(blocking)).content["status"] == "ok"


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


async def test_a_stop_by_number_ends_that_turn_at_once_and_no_other(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, _ = await stage.ask()
    second, question = await stage.ask()
    stage.tell(Delta(turn=question.turn, text="so far"))
    await drawn(stage, second, "so far")
    stopping = stage.run("%beaker stop 2")
    assert (await stage.front.reply(stopping)).content["status"] == "ok"
    assert (await stage.front.reply(second)).content["status"] == "ok"
    assert displays(stage, second)[-1][1] == "so far\n\n*stopped*"
    assert (await stage.agent.expect(Stop)).turn == question.turn
    assert "execute_reply" not in stage.front.kinds(first)
    refused = (await stage.front.reply(stage.run("%beaker stop 2"))).content
    assert refused["evalue"] == "no question 2 is being answered; running: 1"


async def test_in_the_background_the_cell_is_done_at_once_and_its_display_goes_on(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --background why?", notebook=False)
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


async def test_an_agent_that_cannot_be_started_is_an_error_in_words(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.agent_missing = "the agent could not be started: no memory"
    msg_id = stage.run("%%ai why?")
    assert (await stage.front.reply(msg_id)).content["evalue"] == "the agent could not be started: no memory"
    stage.agent_missing = ""
    again, _ = await stage.ask()
    stage.tell(Delta(turn=TurnId(2), text="now"), ended(TurnId(2)))
    await stage.front.over(again)


async def test_a_lost_agent_ends_every_turn_with_its_text_and_the_next_question_starts_another(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    asked = [(await stage.ask())[0] for _ in range(2)]
    stage.tell(Delta(turn=FIRST, text="half an answer"))
    await drawn(stage, asked[0], "half an answer")
    stage.cut_agent()
    for msg_id in asked:
        told = (await stage.front.reply(msg_id)).content
        assert told["evalue"] == "the agent was restarted and this answer was cut; run the cell again to retry"
        assert stage.front.kinds(msg_id).count("execute_reply") == 1
    assert displays(stage, asked[0])[-1][1] == "half an answer"
    _, question = await stage.ask("%%ai and now?")
    assert stage.agents_started == 2
    half = "half an answer\n\n[This answer was cut here, before it was finished.]"
    assert [(each.question, each.answer) for each in question.history] == [("why?", half), ("why?", "")]


async def test_a_question_that_was_not_taken_in_time_is_stopped_at_the_agent_too(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_S", 0.05)
    async with staged(short_folder, {"agent": {"turn_time_limit_s": 0.05}}) as stage:
        await stage.ready()
        msg_id = stage.run("%%ai why?")
        await stage.agent.expect_ask(Question)
        assert "the question did not reach the agent" in (await stage.front.reply(msg_id)).content["evalue"]
        assert await stage.agent.expect(Stop) == Stop(turn=FIRST)


async def test_a_turn_whose_agent_is_silent_for_too_long_is_stopped_at_the_agent_too(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "OVERDUE_S", 0.05)
    async with staged(short_folder, {"agent": {"turn_time_limit_s": 0.05}}) as stage:
        await stage.ready()
        msg_id, _ = await stage.ask()
        assert (await stage.front.reply(msg_id)).content["evalue"] == "the agent never ended its answer; ask again"
        assert await stage.agent.expect(Stop) == Stop(turn=FIRST)


async def test_two_questions_at_once_start_one_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("%%ai one")
    stage.run("%%ai two")
    for _ in range(2):
        _, asked = await stage.agent.expect_ask(Question)
        asked.answer(Taken())
    assert stage.agents_started == 1


async def test_a_question_stopped_before_its_agent_runs_is_never_sent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%%ai one")
    stage.run("%beaker stop")
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    await until(lambda: stage.agents_started == 1, "the agent")
    await stage.settle()
    assert stage.agent.seen == []


async def test_a_shutdown_answers_the_questions_that_are_open(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="half"))
    await drawn(stage, msg_id, "half")
    await stage.node.stop()
    kinds = stage.front.kinds(msg_id)
    assert kinds[-2:] == ["execute_reply", "idle"]
    assert displays(stage, msg_id)[-1][1] == "half\n\n*stopped*"


async def test_a_question_that_comes_as_the_agent_dies_goes_to_the_next_one(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, question = await stage.ask()
    stage.tell(Delta(turn=FIRST, text="so"), ended())
    await stage.front.over(first)
    stage.cut_agent()
    msg_id, question = await stage.ask("%%ai and?")
    stage.tell(Delta(turn=question.turn, text="so too"), ended(question.turn))
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert stage.agents_started == 2


async def test_the_next_question_is_told_what_tools_told_though_the_agent_died_over_one(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, question = await stage.ask()
    looked = ToolCalled(turn=FIRST, call_id="a", tool="show_variable", arguments='{"name":"df"}')
    stage.tell(looked, ToolAnswered(turn=FIRST, call_id="a", status="ok", summary="3 rows"))
    stage.tell(Delta(turn=FIRST, text="so far"), ToolCalled(turn=FIRST, call_id="b", tool="list_variables", arguments="{}"))
    await drawn(stage, msg_id, "so far")
    stage.cut_agent()
    await stage.front.over(msg_id)
    _, question = await stage.ask("%%ai and?")
    (earlier,) = question.history
    assert earlier.turn == FIRST
    assert earlier.calls == [
        EarlierCall(step=1, tool="show_variable", arguments='{"name":"df"}', result="3 rows"),
        EarlierCall(step=2, tool="list_variables", arguments="{}", result="[no result: the answer ended before it came]"),
    ]
