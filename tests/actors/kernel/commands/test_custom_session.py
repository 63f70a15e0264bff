"""Contexts and the model by message: self-describing replies, valid names in every refusal."""

from typing import Any

import pytest

from beaker.messages.context import AgentFailure, ContextFacts, ContextsListed, Described, ListContexts, ListModels, ModelsListed
from beaker.messages.turn import Question
from tests.kit.kernel_stage import KernelStage
from tests.kit.recording_front import Sent
from tests.kit.scripted_subkernel import ScriptedSubkernel

LISTED = ContextsListed(
    contexts=[
        ContextFacts(name="default", summary="Beaker as it is.", persona="", tools=[], procedures=[]),
        ContextFacts(
            name="lakes",
            summary="Lakes.",
            persona="You know lakes.",
            tools=[Described(name="depth", description="How deep.")],
            procedures=[Described(name="map", description="Draw it.")],
        ),
    ],
    problems={"broken": "The context broken cannot be imported."},
    preview="3 lakes",
)
MODELS = ModelsListed(endpoint="http://box/v1", model="a", offered=["a", "b"])


async def told(stage: KernelStage, kind: str, *, answer: Any = None, channel: str = "shell", **content: Any) -> tuple[list[str], Sent]:
    """Send a request and let the agent answer what it is asked; the kinds of all that was sent, and the reply."""
    msg_id = stage.request(kind, content, channel=channel)
    if answer is not None:
        _, asked = await stage.agent.expect_ask(ListModels if isinstance(answer, ModelsListed) else ListContexts)
        (asked.fail if isinstance(answer, AgentFailure) else asked.answer)(answer)
    return await stage.front.over(msg_id), await stage.front.reply(msg_id)


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_the_info_describes_all_that_an_interface_can_use(stage: KernelStage, subkernel: ScriptedSubkernel, channel: str) -> None:
    kinds, reply = await told(stage, "context_info_request", answer=LISTED, channel=channel)
    assert kinds == ["busy", "context_info_response", "preview", "context_info_reply", "idle"]
    assert reply.channel == channel
    info = reply.content["return"]
    assert (reply.content["status"], reply.content["slug"], info["language"]) == ("ok", "default", "python")
    assert info["contexts"] == {"default": "Beaker as it is.", "lakes": "Lakes."}
    assert info["problems"] == LISTED.problems
    assert {"list_variables", "run_code"} <= info["agent"]["tools"].keys()
    assert {"llm_request", "context_setup_request"} <= set(info["custom_messages"])
    assert info["modes"] == ["ask", "auto", "plan"]


async def test_a_context_is_set_for_the_questions_to_come_and_shown(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    kinds, reply = await told(stage, "context_setup_request", answer=LISTED, context="lakes", context_info={}, language="python3")
    assert kinds == ["busy", "context_setup_response", "preview", "context_setup_reply", "idle"]
    info = reply.content["return"]
    assert (reply.content["slug"], info["agent"]["agent_prompt"], info["procedures"]) == ("lakes", "You know lakes.", ["map"])
    assert info["agent"]["tools"]["depth"] == "How deep."
    shown = [sent.content for sent in stage.front.sent if sent.kind == "preview"]
    assert shown == [{"Context": {"lakes": {"text/markdown": "3 lakes", "text/plain": "3 lakes"}}}]
    stage.request("llm_request", {"request": "how deep?"})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.context == "lakes"


@pytest.mark.parametrize(
    ("content", "answer", "words"),
    [
        ({"context": "seas"}, LISTED, "default, lakes"),
        ({"context": "broken"}, LISTED, "cannot be imported"),
        ({"context": "lakes"}, AgentFailure(reason="It cannot be told."), "It cannot be told."),
        ({"context": 7}, None, "Expected `str | null`"),
        ({"context": "lakes", "language": "julia"}, None, "it runs python"),
        ({"context": "lakes", "context_info": {"depth": 1}}, None, "depth"),
    ],
)
async def test_a_context_that_cannot_be_set_is_an_error_and_the_old_one_stays(
    stage: KernelStage, subkernel: ScriptedSubkernel, content: dict[str, Any], answer: Any, words: str
) -> None:
    kinds, reply = await told(stage, "context_setup_request", answer=answer, **content)
    assert kinds == ["busy", "context_setup_reply", "idle"]
    assert reply.content["status"] == "error"
    assert words in reply.content["evalue"]
    stage.request("llm_request", {"request": "how deep?"})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.context == "default"


@pytest.mark.parametrize("content", [{"model": "b"}, {"model_config": {"model_name": "b", "temperature": 1}, "provider_id": "OpenAI"}])
async def test_a_model_is_set_for_the_questions_to_come(stage: KernelStage, subkernel: ScriptedSubkernel, content: dict[str, Any]) -> None:
    _, reply = await told(stage, "set_agent_model", answer=MODELS, **content)
    assert reply.kind == "set_agent_model_reply"
    assert (reply.content["status"], reply.content["model"], reply.content["offered"]) == ("ok", "b", ["a", "b"])
    stage.request("llm_request", {"request": "x"})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.model == "b"


async def test_an_empty_model_is_the_configured_one_again(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await told(stage, "set_agent_model", answer=MODELS, model="b")
    _, reply = await told(stage, "set_agent_model")
    assert (reply.content["status"], reply.content["model"]) == ("ok", "")
    stage.request("llm_request", {"request": "x"})
    question, _ = await stage.agent.expect_ask(Question)
    assert question.model is None


@pytest.mark.parametrize(
    ("content", "answer", "words"),
    [
        ({"model": "c"}, MODELS, "a, b"),
        ({"model": "a\nb"}, None, "no name of a model"),
        ({"provider_id": "groq"}, None, "OPENAI_BASE_URL"),
        ({"model": 1}, None, "Expected `str | null`"),
    ],
)
async def test_a_model_that_cannot_be_set_is_an_error_with_the_remedy(
    stage: KernelStage, subkernel: ScriptedSubkernel, content: dict[str, Any], answer: Any, words: str
) -> None:
    kinds, reply = await told(stage, "set_agent_model", answer=answer, **content)
    assert kinds == ["busy", "set_agent_model_reply", "idle"]
    assert reply.content["status"] == "error"
    assert words in reply.content["evalue"]


async def test_an_agent_that_cannot_be_started_is_an_error(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.agent_missing = "no openai package"
    _, reply = await told(stage, "context_info_request")
    assert (reply.content["status"], reply.content["evalue"]) == ("error", "no openai package")
