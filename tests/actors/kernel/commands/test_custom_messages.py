"""Requests of our own kind: their replies, their messages, what is wrong with them."""

from typing import Any

import pytest

from actors.runtime.failures import AskFailed
from beaker.messages.base import TurnId
from beaker.messages.turn import (
    Began,
    Delta,
    Ended,
    ProposeCell,
    Question,
    Stop,
    Taken,
    Thought,
    ToolAnswered,
    ToolCalled,
    Used,
    Waiting,
)
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel

FIRST = TurnId(1)


def ended(status: str = "ok", reason: str = "") -> Ended:
    return Ended(turn=FIRST, status=status, text="", reason=reason)  # type: ignore[arg-type]  # one of its three words


async def asked(stage: KernelStage, *, channel: str = "shell", client: bytes = b"client", **content: Any) -> tuple[str, Question]:
    """An interface asks; the msg_id of its request, and what the agent hears."""
    msg_id = stage.request("llm_request", {"request": "why?", **content}, channel=channel, client=client)
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    return msg_id, question


def published(stage: KernelStage, msg_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What was said on iopub between busy and idle."""
    return [(s.kind, s.content) for s in stage.front.about(msg_id) if s.channel == "iopub" and s.kind not in {"busy", "idle"}]


def once_each(kinds: list[str], reply: str = "llm_reply") -> bool:
    """Busy first, one reply, idle last."""
    return kinds[0] == "busy" and kinds[-1] == "idle" and [kinds.count(kind) for kind in ("busy", reply, "idle")] == [1, 1, 1]


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_a_question_is_answered_on_the_channel_it_came_by(stage: KernelStage, subkernel: ScriptedSubkernel, channel: str) -> None:
    msg_id, question = await asked(stage, channel=channel, mode="plan", model="m")
    assert (question.prompt, question.model) == ("why?", "m")
    stage.tell(Began(turn=FIRST, model="gpt"), Delta(turn=FIRST, text="Because."), ended())
    kinds = await stage.front.over(msg_id)
    assert once_each(kinds)
    reply = await stage.front.reply(msg_id)
    assert (reply.channel, reply.kind, reply.idents) == (channel, "llm_reply", [b"client"])
    assert reply.content == {"status": "ok", "execution_count": None, "turn": 1, "model": "gpt", "proposals": 0, "waiting": ""}


async def test_every_event_of_a_turn_is_told_in_order_and_parented_to_the_request(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    kernel = stage.agents_end.ref("kernel")
    stage.tell(
        Began(turn=FIRST, model="gpt"),
        Waiting(turn=FIRST, words="no data for 15 s"),
        Delta(turn=FIRST, text="Here: "),
        Thought(turn=FIRST, text="a cell"),
        Used(turn=FIRST, model="gpt", tokens_in=9, tokens_cached=4, tokens_out=3),
        ToolCalled(turn=FIRST, call_id="a", tool="propose_cell", arguments='{"code": "1"}'),
    )
    await kernel.ask(ProposeCell(turn=FIRST, code="1", language=""), timeout_s=60)
    stage.tell(ToolAnswered(turn=FIRST, call_id="a", status="ok", summary="Proposed"), Delta(turn=FIRST, text="run it"), ended())
    assert once_each(await stage.front.over(msg_id))
    tokens = {"tokens_in": 9, "tokens_cached": 4, "tokens_out": 3, "cost_usd": None}
    call = {"tool_name": "propose_cell", "tool_input": {"code": "1"}}
    assert published(stage, msg_id) == [
        ("llm_waiting", {"turn": 1, "words": "no data for 15 s"}),
        ("llm_delta", {"turn": 1, "text": "Here: "}),
        ("llm_usage", {"turn": 1, "model": "gpt", "call": tokens, "total": tokens, "context_used": 12}),
        ("llm_thought", {"turn": 1, "thought": "a cell", **call}),
        ("llm_tool_call", {"turn": 1, "call_id": "a", **call}),
        ("code_cell", {"turn": 1, "number": 1, "language": "python", "code": "1", "cell_id": None, "replaces": None}),
        ("llm_tool_result", {"turn": 1, "call_id": "a", "status": "ok", "summary": "Proposed", "handle": None}),
        ("llm_delta", {"turn": 1, "text": "run it"}),
        ("llm_response", {"turn": 1, "name": "response_text", "text": "Here:\n\nrun it", "complete": True}),
    ]


async def test_the_reply_comes_after_all_that_was_published(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stage.tell(Delta(turn=FIRST, text="x"), ended())
    assert (await stage.front.over(msg_id))[-3:] == ["llm_response", "llm_reply", "idle"]


async def test_an_error_keeps_the_text_so_far_and_says_so(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stage.tell(Delta(turn=FIRST, text="half"), ended("error", "set OPENAI_API_KEY"))
    assert once_each(await stage.front.over(msg_id))
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"], told["evalue"], told["turn"]) == ("error", "AgentError", "set OPENAI_API_KEY", 1)
    assert published(stage, msg_id)[-1] == ("llm_response", {"turn": 1, "name": "response_text", "text": "half", "complete": False})


async def test_an_interrupt_aborts_the_question_and_tells_the_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stage.request("interrupt_request", {}, channel="control")
    assert once_each(await stage.front.over(msg_id))
    assert (await stage.front.reply(msg_id)).content == {"status": "aborted", "execution_count": None, "turn": 1}
    assert (await stage.agent.expect(Stop)).turn == FIRST


async def test_stop_by_number_ends_a_question_of_an_interface(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stop = stage.run("%beaker stop 1")
    await stage.front.over(stop)
    await stage.front.over(msg_id)
    assert (await stage.front.reply(msg_id)).content["status"] == "aborted"


async def test_a_killed_agent_ends_the_question_with_an_error(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stage.cut_agent()
    assert once_each(await stage.front.over(msg_id))
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"]) == ("error", "AgentError")


async def test_an_agent_that_cannot_be_started_is_an_error_and_not_a_silence(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.agent_missing = "no openai package"
    msg_id = stage.request("llm_request", {"request": "why?"})
    assert once_each(await stage.front.over(msg_id))
    assert (await stage.front.reply(msg_id)).content["evalue"] == "no openai package"


async def test_cells_run_while_a_question_is_open(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    question, _ = await asked(stage)
    msg_id = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(msg_id)
    assert "llm_reply" not in stage.front.kinds(question)


async def test_a_question_takes_no_number_and_nothing_reaches_the_subkernel(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await asked(stage)
    msg_id = stage.run("1")
    request = await subkernel.expect()
    assert request.content["code"] == "1", "the first thing that the subkernel hears"
    subkernel.run(request, 1)
    await stage.front.over(msg_id)


async def test_the_next_question_of_a_cell_knows_the_one_of_an_interface(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await asked(stage)
    stage.tell(Delta(turn=FIRST, text="Because."), ended())
    await stage.front.over(msg_id)
    _, question = await stage.ask("%%ai and now?")
    assert [(each.question, each.answer) for each in question.history] == [("why?", "Because.")]


@pytest.mark.parametrize(
    ("content", "words"),
    [({}, "missing required field `request`"), ({"request": 7}, "Expected `str`"), ({"request": "x" * 5_000_000}, "256.0 kB is the most")],
)
@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_bad_input_is_an_error_reply_with_a_sentence(
    stage: KernelStage, subkernel: ScriptedSubkernel, channel: str, content: dict[str, Any], words: str
) -> None:
    msg_id = stage.request("llm_request", content, channel=channel)
    assert await stage.front.over(msg_id) == ["busy", "llm_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"], told["traceback"]) == ("error", "UsageError", [])
    assert words in told["evalue"]
    assert stage.agents_started == 0


async def test_bytes_that_are_no_text_are_an_error_reply(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    parts = stage.compose("llm_request", {})
    parts[3] = b'{"request": "\xff"}'
    msg_id = stage.send(parts)
    assert await stage.front.over(msg_id) == ["busy", "llm_reply", "idle"]
    assert "cannot be read" in (await stage.front.reply(msg_id)).content["evalue"]


async def test_a_cell_is_told_of_in_messages_only_after_a_client_has_shown_that_it_knows_us(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    def events(turn: TurnId) -> list[Any]:
        called = ToolCalled(turn=turn, call_id="a", tool="list_variables", arguments="{}")
        return [Thought(turn=turn, text="hm"), called, Delta(turn=turn, text="x"), Ended(turn=turn, status="ok", text="")]

    stock, _ = await stage.ask()
    stage.tell(*events(FIRST))
    await stage.front.over(stock)
    assert not [kind for kind in stage.front.kinds(stock) if kind.startswith("llm_")]
    stage.request("llm_request", {})
    known, _ = await stage.ask()
    stage.tell(*events(TurnId(2)))
    await stage.front.over(known)
    assert [kind for kind in stage.front.kinds(known) if kind.startswith("llm_")] == ["llm_thought", "llm_tool_call"]


async def answered(stage: KernelStage) -> None:
    """One question is over."""
    msg_id, _ = await asked(stage)
    stage.tell(Began(turn=FIRST, model="gpt"), Delta(turn=FIRST, text="Because."), ended())
    await stage.front.over(msg_id)


@pytest.mark.parametrize("kind", ["get_agent_history", "get_agent_history_request"])
async def test_the_history_is_told_on_request(stage: KernelStage, subkernel: ScriptedSubkernel, kind: str) -> None:
    await answered(stage)
    msg_id = stage.request(kind, {})
    assert await stage.front.over(msg_id) == ["busy", "chat_history", "get_agent_history_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert [(turn["turn"], turn["question"], turn["answer"], turn["status"]) for turn in told["turns"]] == [(1, "why?", "Because.", "ok")]
    records = (await stage.front.output(msg_id, "chat_history")).content["records"]
    assert [record["message"]["content"] for record in records] == ["why?", "Because."]


async def test_a_reset_forgets_the_conversation(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await answered(stage)
    msg_id = stage.request("reset_request", {})
    assert await stage.front.over(msg_id) == ["busy", "chat_history", "reset_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["questions"], told["return"]) == ("ok", 1, True)
    _, question = await stage.ask("%%ai and now?")
    assert question.history == []


async def test_the_state_of_a_session_that_cannot_be_looked_at_is_an_error(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    msg_id = stage.request("get_subkernel_state", {})
    assert await stage.front.over(msg_id) == ["busy", "get_subkernel_state_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"]) == ("error", "NoSession")
    assert told["evalue"].startswith("There is no session to look at")


async def test_attachments_and_the_notebook_reach_the_agent_as_data_and_nothing_in_them_is_looked_up(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    content = {"request": "sum it up", "attachments": [{"name": "a.csv", "text": "@file:secret.txt {Out[1]}"}], "mode": "auto"}
    notebook = {"cells": [{"cell_type": "markdown", "source": "@file:secret.txt"}]}
    stage.request("llm_request", content, metadata={"notebook_state": notebook})
    question, _ = await stage.agent.expect_ask(Question)
    assert (question.prompt, question.missing) == ("sum it up", [])
    assert [each.label for each in question.mentioned] == ["a.csv", "the notebook"]
    assert question.mentioned[0].text == "@file:secret.txt {Out[1]}"
    running = stage.wants_run("1")
    approval = await stage.front.output(stage.front.sent[0].parent_id, "approval_request")
    assert "untrusted data" in approval.content["reason"], "what came with the question vouches for nothing"
    stage.run("%beaker stop")
    with pytest.raises(AskFailed):
        await running
