"""A question from a terminal: what comes is printed, once; what it waits for stands on stderr."""

import pytest

from actors.kernel.questions import terminal_face
from beaker.messages.turn import Delta, Ended, ProposeCell, ToolAnswered, ToolCalled, Waiting
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import displays, printed
from tests.kit.scripted_subkernel import ScriptedSubkernel

OK = Ended(turn=FIRST, status="ok", text="")


async def prints(stage: KernelStage, msg_id: str, text: str, name: str = "stdout") -> None:
    await until(lambda: text in printed(stage, msg_id, name), text)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words come at once."""
    monkeypatch.setattr(terminal_face, "WORDS_AFTER_S", 0.0)


async def test_text_is_printed_as_it_comes_and_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(notebook=False)
    stage.tell(Delta(turn=FIRST, text="Let me "))
    await prints(stage, msg_id, "Let me")
    stage.tell(Delta(turn=FIRST, text="see."), ToolCalled(turn=FIRST, call_id="a", tool="t", arguments="{}"))
    stage.tell(ToolAnswered(turn=FIRST, call_id="a", status="ok", summary="", line="Looked at `df`"))
    await prints(stage, msg_id, "Looked at")
    stage.tell(Delta(turn=FIRST, text="It is\x1b[2K 3."), OK)
    await stage.front.reply(msg_id)
    assert printed(stage, msg_id) == "Let me see.\n\n· Looked at `df`\n\nIt is␛[2K 3.\n"
    assert printed(stage, msg_id, "stderr") == ""
    assert displays(stage, msg_id) == []


@pytest.mark.usefixtures("hasty")
async def test_what_it_waits_for_stands_in_lines_of_its_own_on_stderr(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(notebook=False)
    await prints(stage, msg_id, "(thinking ...)\n", "stderr")
    stage.tell(Delta(turn=FIRST, text="one two"))
    await prints(stage, msg_id, "one two")
    stage.tell(Waiting(turn=FIRST, words="no data for 15 s"))
    await prints(stage, msg_id, "(no data for 15 s)\n", "stderr")
    stage.tell(Delta(turn=FIRST, text=" three"), OK)
    await stage.front.reply(msg_id)
    assert printed(stage, msg_id).strip("\n") == "one two\n three"


async def test_a_stop_is_the_last_line(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(notebook=False)
    stage.tell(Delta(turn=FIRST, text="one"))
    await prints(stage, msg_id, "one")
    stage.run("%beaker stop 1")
    await stage.front.reply(msg_id)
    assert printed(stage, msg_id) == "one\n*stopped*\n"


async def test_proposals_are_printed_where_they_were_made_and_code_in_the_text_stands_there_once(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    msg_id, _ = await stage.ask(notebook=False)
    proposing = stage.agents_end.ref("kernel").ask(ProposeCell(turn=FIRST, code="x = 1", language="python"), timeout_s=60)
    await proposing
    stage.tell(Delta(turn=FIRST, text="Run it."), OK)
    reply = await stage.front.reply(msg_id)
    assert printed(stage, msg_id) == "**[1]**\n\n```python\nx = 1\n```\n\nRun it.\n"
    assert [each["text"] for each in reply.content["payload"]] == ["x = 1"]
    again, _ = await stage.ask(notebook=False)
    second = type(FIRST)(2)
    stage.tell(Delta(turn=second, text="Run\n```python\ny = 2\n```\nthen ask."), Ended(turn=second, status="ok", text=""))
    reply = await stage.front.reply(again)
    assert printed(stage, again) == "Run\n```python\ny = 2\n```\nthen ask.\n"
    assert [each["text"] for each in reply.content["payload"]] == ["y = 2"]


async def test_a_program_that_allows_no_stdin_gets_the_whole_answer_as_displays(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask(notebook=False, allow_stdin=False)
    stage.tell(Delta(turn=FIRST, text="It is 3."), OK)
    await stage.front.reply(msg_id)
    assert printed(stage, msg_id) == ""
    assert displays(stage, msg_id) == ["It is 3."]
