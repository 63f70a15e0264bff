"""`%beaker model` and `%beaker context`: the agent is asked, and what is chosen goes with the next question."""

from typing import Any

import pytest

from beaker.messages.context import AgentFailure, ContextFacts, ContextsListed, Described, ListContexts, ListModels, ModelsListed
from beaker.messages.turn import Ended
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel

MODELS = ModelsListed(endpoint="https://models.example/v1", model="small", offered=["large", "models/wide", "small", "tiny:1b"])
CONTEXTS = ContextsListed(
    contexts=[
        ContextFacts(name="default", summary="For everything.", persona="", tools=[], procedures=[]),
        ContextFacts(
            name="lakes",
            summary="Names of lakes.",
            persona="You know lakes.",
            tools=[Described(name="depth", description="Look a depth up.")],
            procedures=[Described(name="look", description="Look at a frame.")],
        ),
    ],
    problems={"broken": "The context 'broken' of some-package cannot be used: ImportError: no."},
    preview="3 variables",
)


async def told(stage: KernelStage, code: str, answer: ModelsListed | ContextsListed) -> dict[str, Any]:
    """What a cell shows or fails with, when the agent has answered."""
    msg_id = stage.run(code)
    _, asked = await stage.agent.expect_ask(ListModels if isinstance(answer, ModelsListed) else ListContexts)
    asked.answer(answer)
    reply = (await stage.front.reply(msg_id)).content
    if reply["status"] == "error":
        return {"text": reply["evalue"], "ename": reply["ename"]}
    data = next(sent.content["data"] for sent in stage.front.about(msg_id) if sent.kind == "display_data")
    return {"text": data["text/plain"], "markdown": data["text/markdown"]}


async def test_it_shows_what_answers_and_what_could(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    text = (await told(stage, "%beaker model", MODELS))["text"]
    assert "small (as configured)" in text
    assert "https://models.example/v1" in text
    assert "large, models/wide, small, tiny:1b" in text


@pytest.mark.parametrize("name", ["large", "tiny", "wide"])
async def test_a_model_that_is_offered_answers_the_next_questions(stage: KernelStage, subkernel: ScriptedSubkernel, name: str) -> None:
    assert (await told(stage, f"%beaker model {name}", MODELS))["text"].startswith(f"Questions in this kernel are answered by {name!r}")
    _, question = await stage.ask()
    assert question.model == name
    stage.tell(Ended(turn=question.turn, status="ok", text=""))
    _, question = await stage.ask("%%ai --model other why?")
    assert question.model == "other", "what the question itself says comes first"
    assert f"{name} (set in this kernel)" in (await told(stage, "%beaker model", MODELS))["text"]


async def test_an_unknown_model_is_a_sentence_with_the_valid_names_and_changes_nothing(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    refused = await told(stage, "%beaker model lrage", MODELS)
    assert refused["ename"] == "UsageError"
    assert "'lrage' is not a model of https://models.example/v1. Did you mean 'large'? There are: large, models/wide" in refused["text"]
    _, question = await stage.ask()
    assert question.model is None


async def test_an_endpoint_that_is_down_or_has_no_list_still_lets_it_be_set(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    down = ModelsListed(endpoint="http://box/v1", model="", offered=[], problem="No connection to http://box/v1.")
    text = (await told(stage, "%beaker model qwen", down))["text"]
    assert text == "Questions in this kernel are answered by 'qwen' from now on. It could not be checked: No connection to http://box/v1.\n"
    _, question = await stage.ask()
    assert question.model == "qwen"


async def test_an_agent_that_cannot_be_started_still_lets_it_be_set(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.agent_missing = "the agent could not be started: no memory"
    msg_id = stage.run("%beaker model qwen")
    shown = (await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"]
    assert "It could not be checked: the agent could not be started: no memory." in shown
    assert (await stage.front.reply(stage.run("%beaker model"))).content["evalue"] == "the agent could not be started: no memory"


async def test_cells_run_while_the_endpoint_is_asked(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker model", store_history=False)
    _, asked = await stage.agent.expect_ask(ListModels)
    cell = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(cell)
    assert "execute_reply" not in stage.front.kinds(msg_id)
    asked.answer(MODELS)
    await stage.front.over(msg_id)


async def test_a_failure_of_the_agent_is_its_sentence(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker model")
    _, asked = await stage.agent.expect_ask(ListModels)
    asked.fail(AgentFailure(reason="The openai package cannot be used."))
    reply = (await stage.front.reply(msg_id)).content
    assert (reply["ename"], reply["evalue"]) == ("AgentError", "The openai package cannot be used.")


async def test_contexts_are_listed_with_the_one_that_is_set_and_those_that_cannot_be_used(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    text = (await told(stage, "%beaker context", CONTEXTS))["text"]
    assert "default  For everything.  set in this kernel" in text
    assert "lakes    Names of lakes." in text
    assert "The context 'broken' of some-package cannot be used: ImportError: no." in text
    assert "In this session:\n3 variables" in text


async def test_a_context_that_is_set_shows_itself_and_goes_with_the_next_questions(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    markdown = (await told(stage, "%beaker context lakes", CONTEXTS))["markdown"]
    for words in ("**lakes**: Names of lakes.", "> You know lakes.", "| `depth` | Look a depth up. |", "| `look` |", "3 variables"):
        assert words in markdown
    _, question = await stage.ask()
    assert question.context == "lakes"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("laeks", "'laeks' is not a context. Did you mean 'lakes'? There are: default, lakes."),
        ("broken", "The context 'broken' of some-package cannot be used: ImportError: no."),
    ],
)
async def test_one_that_cannot_be_set_is_a_sentence_and_changes_nothing(
    stage: KernelStage, subkernel: ScriptedSubkernel, name: str, reason: str
) -> None:
    assert (await told(stage, f"%beaker context {name}", CONTEXTS)) == {"text": reason, "ename": "UsageError"}
    _, question = await stage.ask()
    assert question.context == "default"
    stage.tell(Ended(turn=question.turn, status="ok", text=""))


async def test_names_complete_what_was_listed_and_contexts_even_before(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    async def matches(code: str) -> list[str]:
        msg_id = stage.request("complete_request", {"code": code, "cursor_pos": len(code)})
        found: list[str] = (await stage.front.reply(msg_id)).content["matches"]
        return found

    assert {"default", "dataframes"} <= set(await matches("%beaker context "))
    assert await matches("%beaker model ") == []
    await told(stage, "%beaker model", MODELS)
    assert await matches("%beaker model s") == ["small"]
    assert await matches("%%ai --model l") == ["large"]
    await told(stage, "%beaker context", CONTEXTS)
    assert await matches("%beaker context l") == ["lakes"]


async def test_contexts_are_asked_for_once_more_when_one_has_ended_the_agent(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker context")
    await stage.agent.expect_ask(ListContexts)
    stage.cut_agent()
    _, asked = await stage.agent.expect_ask(ListContexts)
    asked.answer(CONTEXTS)
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"
    assert stage.agents_started == 2


async def test_a_context_that_ends_every_agent_that_looks_at_it_is_named(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("%beaker context lakes")
    for _ in range(2):
        await stage.agent.expect_ask(ListContexts)
        stage.cut_agent()
    told = (await stage.front.reply(msg_id)).content
    assert told["evalue"] == "the agent's process ended, twice, while the context 'lakes' was looked at, so nothing was set"
