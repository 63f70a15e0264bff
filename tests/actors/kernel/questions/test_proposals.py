"""The cells that an answer proposes: numbered, the first one as the next cell."""

import pytest

from actors.kernel.questions.turn import PROPOSED_CHARS
from actors.runtime.failures import AskFailed
from beaker.messages.turn import (
    Delta,
    ProposeCell,
    Proposed,
    TurnFailure,
)
from tests.actors.kernel.questions.turn_kit import displays, ended, framed
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel


def last_drawn(stage: KernelStage, msg_id: str) -> list[str]:
    """What each display of the cell shows now."""
    shown = [s.content for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]
    return list({each["transient"]["display_id"]: str(each["data"]["text/markdown"]) for each in shown}.values())


async def test_the_first_proposal_is_the_next_cell_and_all_are_numbered(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    for number, code in ((1, "plot(df)\n"), (2, "df.head()")):
        proposed = await kernel.ask(ProposeCell(turn=FIRST, code=code, language=""), timeout_s=60)
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
    proposed = await kernel.ask(ProposeCell(turn=FIRST, code="x <- 1", language="r"), timeout_s=60)
    assert proposed == Proposed(number=1, text_only=True)
    await kernel.ask(ProposeCell(turn=FIRST, code="x = 1", language="Python"), timeout_s=60)
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
        await kernel.ask(ProposeCell(turn=FIRST, code="x = 42", language="", replaces="9"), timeout_s=60)
    assert "no cell with the number 9 was seen to run" in str(refused.value.failure)
    assert await kernel.ask(ProposeCell(turn=FIRST, code="x = 42", language="", replaces="In[7]"), timeout_s=60) == Proposed(number=1)
    stage.tell(ended())
    await stage.front.over(msg_id)
    assert displays(stage, msg_id)[-1][1] == framed("**[1]** in place of cell [7]\n\n```python\nx = 42\n```")


async def test_an_answer_holds_no_more_cells_than_a_user_reads(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask()
    kernel = stage.agents_end.ref("kernel")
    long = "x" * (PROPOSED_CHARS // 2)
    for number in (1, 2):
        assert await kernel.ask(ProposeCell(turn=FIRST, code=long, language=""), timeout_s=60) == Proposed(number=number)
    with pytest.raises(AskFailed) as refused:
        await kernel.ask(ProposeCell(turn=FIRST, code="1", language=""), timeout_s=60)
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
        await kernel.ask(ProposeCell(turn=FIRST, code="login(password='[hidden]', again=True)", language="", replaces="7"), timeout_s=60)
    assert "a secret that you cannot see" in str(refused.value.failure)


async def test_a_proposal_for_a_turn_that_is_over_is_refused(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask()
    stage.tell(ended())
    await stage.front.over(msg_id)
    with pytest.raises(AskFailed) as refused:
        await stage.agents_end.ref("kernel").ask(ProposeCell(turn=FIRST, code="1", language=""), timeout_s=60)
    assert refused.value.failure == TurnFailure(reason="this turn is over")
