"""After the kernel process was replaced the conversation and what was chosen are taken up; what is lost of them is said."""

import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from beaker.kernel.kept import Kept, decode
from beaker.messages.subkernel import Attached
from beaker.messages.turn import Began, Delta, Learned, ModelQuirks, Question, ToolAnswered, ToolCalled, Used
from tests.actors.kernel.commands.test_choices import CONTEXTS, MODELS, told
from tests.actors.kernel.questions.turn_kit import ended
from tests.kit.kernel_stage import KernelStage, staged, until


class Replaced:
    """Two kernel processes, one after the other, over one subkernel."""

    def __init__(self, first: KernelStage, second: KernelStage) -> None:
        self.first = first
        self.second = second
        self.file = first.folder / "conversation"

    def kept(self) -> Kept | None:
        """What a successor would find."""
        return decode(self.file.read_bytes()) if self.file.exists() else None

    async def answer(self, stage: KernelStage, code: str = "%%ai why?", text: str = "so") -> Question:
        """A question with its answer, kept."""
        msg_id, question = await stage.ask(code)
        stage.tell(Began(turn=question.turn, model="gpt"), Delta(turn=question.turn, text=text))
        stage.tell(Used(turn=question.turn, model="gpt", tokens_in=5, tokens_cached=0, tokens_out=2, cost_usd=0.5), ended(question.turn))
        await stage.front.over(msg_id)
        await self.keeps(lambda kept: bool(kept.talks) and kept.talks[-1].number == question.turn)
        return question

    async def keeps(self, condition: Callable[[Kept], bool]) -> None:
        """Wait until what is kept is so."""
        await until(lambda: (kept := self.kept()) is not None and condition(kept), "what is to be kept")

    async def take_over(self) -> str:
        """The first is killed, the second goes on; the first line that its user reads."""
        await self.first.kill()
        await self.second.open()
        [subkernel] = self.first.subkernels
        announced = subkernel.as_announced()
        await self.second.attach(Attached(subkernel=announced, generation=1, state="running", first_owner=False))
        await self.second.greeted(1)
        msg_id = self.second.run("1")
        subkernel.run(await subkernel.expect_code(9), 10)
        text: str = (await self.second.front.output(msg_id, "stream")).content["text"]
        return text


@pytest.fixture
async def replaced(short_folder: Path) -> AsyncIterator[Replaced]:
    async with staged(short_folder) as first, staged(short_folder) as second:
        await first.ready()
        yield Replaced(first, second)


async def test_the_conversation_goes_on_where_it_was(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    said = await replaced.take_over()
    assert said.startswith("beaker: front process replaced, your variables were kept; the conversation was kept; output between ")
    question = await replaced.answer(replaced.second, "%%ai and?")
    assert [(each.question, each.answer) for each in question.history] == [("why?", "so")]
    assert (question.turn, question.spent_tokens, question.spent_usd) == (2, 7, 0.5)
    await replaced.keeps(lambda kept: [talk.number for talk in kept.talks] == [1, 2])
    await replaced.keeps(lambda kept: (kept.tally.turn, kept.tally.total.tokens, kept.tally.total.priced) == (2, 14, 2))


async def test_a_proposal_of_before_becomes_a_cell(replaced: Replaced) -> None:
    await replaced.answer(replaced.first, text="Run this:\n\n```python\ndf.head()\n```\n")
    await replaced.take_over()
    reply = await replaced.second.front.reply(replaced.second.run("%beaker insert 1 1"))
    assert reply.content["payload"] == [{"source": "set_next_input", "text": "df.head()", "replace": False}]


async def test_what_was_chosen_holds(replaced: Replaced) -> None:
    await told(replaced.first, "%beaker model large", MODELS)
    await told(replaced.first, "%beaker context lakes", CONTEXTS)
    await replaced.keeps(lambda kept: (kept.model, kept.context) == ("large", "lakes"))
    await replaced.take_over()
    question = await replaced.answer(replaced.second)
    assert (question.model, question.context) == ("large", "lakes")


async def test_what_tools_told_goes_on_with_the_conversation(replaced: Replaced) -> None:
    msg_id, asked = await replaced.first.ask()
    replaced.first.tell(
        ToolCalled(turn=asked.turn, call_id="a", tool="show_variable", arguments="{}"),
        ToolAnswered(turn=asked.turn, call_id="a", status="ok", summary="3 rows"),
        ended(asked.turn),
    )
    await replaced.first.front.over(msg_id)
    await replaced.keeps(lambda kept: bool(kept.talks))
    await replaced.take_over()
    question = await replaced.answer(replaced.second, "%%ai and?")
    assert [call.result for call in question.history[0].calls] == ["3 rows"]


async def test_what_was_learned_of_a_model_reaches_the_next_agent_and_the_next_process(replaced: Replaced) -> None:
    known = ModelQuirks(endpoint="http://box/v1", model="small", tools=False, reasoning_off=False, counts_tokens=True)
    first = await replaced.answer(replaced.first)
    assert first.quirks == []
    replaced.first.tell(Learned(turn=first.turn, quirks=known))
    await replaced.keeps(lambda kept: kept.quirks == [known])
    replaced.first.cut_agent()
    assert (await replaced.answer(replaced.first)).quirks == [known]
    await replaced.take_over()
    assert (await replaced.answer(replaced.second)).quirks == [known]
    await replaced.second.front.over(replaced.second.run("%beaker restart agent"))
    assert (await replaced.answer(replaced.second)).quirks == [], "the user wants it found out again"


async def test_the_name_of_an_approval_that_was_lost_is_given_to_no_other(replaced: Replaced) -> None:
    await replaced.first.ask()
    wanted = replaced.first.wants_run("x = 1")
    await replaced.first.front.prompt()
    await replaced.keeps(lambda kept: kept.last_approval == 1)
    await replaced.take_over()
    wanted.cancel()
    second = replaced.second
    refused = second.run("%beaker allow A1")
    assert "A1 waits no more" in (await second.front.reply(refused)).content["evalue"]
    unknown = second.run("%beaker allow A2")
    assert "Nothing named A2 waits" in (await second.front.reply(unknown)).content["evalue"]
    asked, question = await second.ask()
    again = second.wants_run("x = 2", question.turn)
    await second.front.wait(lambda: any("**A2**" in str(sent.content) for sent in second.front.about(asked)), "the next name")
    again.cancel()


async def test_the_choice_of_magics_holds(replaced: Replaced) -> None:
    await replaced.first.front.over(replaced.first.run("%beaker config magics=off"))
    await replaced.keeps(lambda kept: kept.magics == "off")
    assert "conversation" not in await replaced.take_over(), "there was none"
    [subkernel] = replaced.first.subkernels
    asked = replaced.second.run("%%ai why?")
    assert (await subkernel.expect()).msg_id == asked


async def test_what_was_reset_stays_forgotten(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    await replaced.first.front.over(replaced.first.run("%beaker reset"))
    await replaced.keeps(lambda kept: not kept.talks)
    assert "conversation" not in await replaced.take_over()
    assert (await replaced.answer(replaced.second)).history == []


async def test_a_conversation_that_cannot_be_read_is_said_to_be_forgotten(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    replaced.file.write_bytes(replaced.file.read_bytes()[:-1])
    assert "; what was asked before is forgotten; output between " in await replaced.take_over()
    assert (await replaced.answer(replaced.second)).history == []


async def test_one_that_could_not_be_written_is_said_to_be_forgotten(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    (replaced.first.folder / "conversation.new").mkdir()  # in the way of the next
    msg_id, question = await replaced.first.ask()
    replaced.first.tell(ended(question.turn))
    await replaced.first.front.over(msg_id)
    await until(lambda: not replaced.file.read_bytes(), "the mark of a loss")
    assert "what was asked before is forgotten" in await replaced.take_over()


async def test_a_session_that_died_too_costs_no_conversation(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    await replaced.first.kill()
    await replaced.second.open()
    await replaced.second.attach(Attached(subkernel=None, generation=2, state="starting", session_lost=True))
    subkernel = await replaced.second.start_subkernel(generation=2)
    msg_id = replaced.second.run("1")
    subkernel.run(await subkernel.expect(), 1)
    said = (await replaced.second.front.output(msg_id, "stream")).content["text"]
    assert said.endswith("variables lost; the conversation was kept\n")
    assert len((await replaced.answer(replaced.second)).history) == 1


async def test_another_kernel_of_the_name_begins_anew(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    await replaced.first.kill()
    assert replaced.kept() is not None
    await replaced.second.open()
    await replaced.second.attach()
    assert replaced.kept() is None
    await replaced.second.start_subkernel(generation=2)
    assert (await replaced.answer(replaced.second)).history == []


async def test_a_question_that_comes_before_it_is_known_who_goes_on_stands_behind_those_of_before(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    await replaced.first.kill()
    second = replaced.second
    await second.open()
    msg_id, question = await second.ask()
    assert question.turn == 2
    [subkernel] = replaced.first.subkernels
    await second.attach(Attached(subkernel=subkernel.as_announced(), generation=1, state="running", first_owner=False))
    second.tell(ended(question.turn))
    await second.front.over(msg_id)
    history = (await second.front.reply(second.request("get_agent_history", {}))).content
    assert [each["turn"] for each in history["turns"]] == [1, 2]


async def test_only_its_owner_can_read_it(replaced: Replaced) -> None:
    await replaced.answer(replaced.first)
    assert stat.S_IMODE(replaced.file.stat().st_mode) == 0o600
