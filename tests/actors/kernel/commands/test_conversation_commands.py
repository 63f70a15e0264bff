"""`%beaker insert`, `history`, `reset`: what was said before, from the cells of a client."""

from beaker.messages.base import TurnId
from beaker.messages.turn import Began, Delta, Ended, ProposeCell, Used
from tests.kit.kernel_stage import KernelStage
from tests.kit.reading import command
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def talk(stage: KernelStage, code: str, answer: str, *cells: str) -> str:
    """A question, its answer, the cells that it proposes; returns the msg_id."""
    msg_id, question = await stage.ask(code)
    stage.tell(Began(turn=question.turn, model="gpt"), Delta(turn=question.turn, text=answer))
    for cell in cells:
        await stage.agents_end.ref("kernel").ask(ProposeCell(turn=question.turn, code=cell, language=""), timeout_s=60)
    stage.tell(Ended(turn=question.turn, status="ok", text=""))
    await stage.front.over(msg_id)
    return msg_id


async def shown(stage: KernelStage, code: str) -> str:
    """What a command shows in a notebook."""
    text: str = (await stage.front.output(stage.run(code), "display_data")).content["data"]["text/markdown"]
    return text


async def test_an_earlier_proposal_comes_as_the_next_cell(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await talk(stage, "%%ai one", "here", "a = 1", "b = 2")
    await talk(stage, "%%ai two", "there", "c = 3")
    for code, text in (("%beaker insert 1", "c = 3"), ("%beaker insert 2 1", "b = 2")):
        reply = (await stage.front.reply(stage.run(code))).content
        assert reply["payload"] == [{"source": "set_next_input", "text": text, "replace": False}]
    refused = (await stage.front.reply(stage.run("%beaker insert 3 1"))).content
    assert (refused["ename"], refused["evalue"]) == ("UsageError", "Question 1 has no proposed cell 3. It has: 1, 2.")


async def test_a_proposal_of_a_question_that_is_still_answered_can_be_inserted(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    _, question = await stage.ask("%%ai --background why?")
    await stage.agents_end.ref("kernel").ask(ProposeCell(turn=question.turn, code="early", language=""), timeout_s=60)
    assert (await stage.front.reply(stage.run("%beaker insert 1"))).content["payload"][0]["text"] == "early"


async def test_an_answer_says_how_to_get_at_the_cells_that_do_not_come_by_themselves(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    def last(msg_id: str) -> str:
        text: str = [s.content["data"]["text/markdown"] for s in stage.front.about(msg_id) if s.kind.endswith("display_data")][-1]
        return text

    assert "insert" not in last(await talk(stage, "%%ai one", "here", "a = 1"))
    assert last(await talk(stage, "%%ai two", "here", "a = 1", "b")).endswith("*`%beaker insert N 2` makes a cell of one of the others.*")
    background, question = await stage.ask("%%ai --background three")
    await stage.agents_end.ref("kernel").ask(ProposeCell(turn=question.turn, code="early", language=""), timeout_s=60)
    stage.tell(Ended(turn=question.turn, status="ok", text=""))
    await stage.settle()
    assert last(background).endswith("*`%beaker insert N 3` makes a cell of one of these.*")


async def test_the_history_shows_questions_and_answers_and_a_reset_forgets_them(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await talk(stage, "%%ai what is x?", "It is **41**.", "print(x)")
    await talk(stage, "%%ai and y?", "None.")
    whole = await shown(stage, "%beaker history")
    assert "> what is x?\n\nIt is **41**.\n\n```python\nprint(x)\n```" in whole
    assert "what is x?" not in await shown(stage, "%beaker history 1")
    assert "Forgot 2 questions with their answers and 1 proposed cell." in await shown(stage, "%beaker reset")
    assert await shown(stage, "%beaker history") == "No question was asked yet.\n"
    _, question = await stage.ask("%%ai and now?")
    assert question.history == []
    assert question.turn == TurnId(3)


async def test_the_status_says_what_questions_took_and_may_take(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    assert "tokens" not in await command(stage, "%beaker status")
    _, question = await stage.ask()
    call = Used(turn=question.turn, model="gpt", tokens_in=1_900, tokens_cached=400, tokens_out=100, cost_usd=0.5)
    stage.tell(call, Ended(turn=question.turn, status="ok", text=""))
    status = await command(stage, "%beaker status")
    assert "question 1: 1,900 tokens in (400 cached), 100 out, $0.5000; after it 2,000 tokens of the model's context window" in status
    assert "session: 2,000 of 10,000,000 tokens, 0 % (agent.session_token_limit)" in status
    assert "$0.5000 of $20.00" in status
