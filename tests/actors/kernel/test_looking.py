"""Looks at the session: by the debugger's door, never by running code."""

import asyncio
from typing import Any

import pytest

from actors.kernel import looking
from actors.runtime.failures import AskFailed
from beaker.messages.base import TurnId
from beaker.messages.subkernel import Attached, Died
from beaker.messages.turn import ListVariables, TurnFailure, Variable, Variables
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel

LOOK = ListVariables(turn=TurnId(1))


def variable(name: str, value: str = "1", kind: str = "int") -> dict[str, object]:
    return {"name": name, "value": value, "type": kind, "evaluateName": name, "variablesReference": 0}


async def look(stage: KernelStage) -> Any:  # Any: what an ask returns
    return await stage.kernel.ask(LOOK, timeout_s=20)


async def answer(stage: KernelStage, subkernel: ScriptedSubkernel, *variables: dict[str, object]) -> Any:  # Any: as look
    looking_on = asyncio.ensure_future(look(stage))
    request = await subkernel.expect("debug_request")
    assert (request.channel, request.content["command"]) == ("control", "inspectVariables")
    subkernel.reply(request, {"type": "response", "success": True, "body": {"variables": list(variables)}})
    return await looking_on


async def test_names_of_the_user_come_with_type_and_a_short_summary(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    seen = await answer(stage, subkernel, variable("x", "v" * 1000), variable("special variables"), variable("df", "10 rows", "DataFrame"))
    summaries = [Variable(name="x", type="int", summary="v" * 200), Variable(name="df", type="DataFrame", summary="10 rows")]
    assert seen == Variables(variables=summaries)
    assert [request.kind for request in subkernel.received] == ["debug_request"], "no code was run"


async def test_more_than_a_model_needs_is_counted_not_listed(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    seen = await answer(stage, subkernel, *(variable(f"v{number}") for number in range(203)))
    assert len(seen.variables) == 200
    assert seen.note == "3 more variables are not shown"


async def test_while_a_cell_runs_the_look_says_so(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("x")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    assert "while a cell is running" in (await answer(stage, subkernel, variable("x"))).note


async def refusal(stage: KernelStage) -> str:
    with pytest.raises(AskFailed) as refused:
        await look(stage)
    assert isinstance(refused.value.failure, TurnFailure)
    return refused.value.failure.reason


async def test_a_session_that_does_not_answer_is_not_waited_for(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "TIME_BOX_S", 0.01)
    assert "a cell holds the interpreter" in await refusal(stage)


async def test_a_session_that_dies_meanwhile_is_told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    refused = asyncio.ensure_future(refusal(stage))
    await subkernel.expect("debug_request")
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    assert "may have just been restarted" in await refused


async def test_an_answer_that_cannot_be_read_is_told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    refused = asyncio.ensure_future(refusal(stage))
    subkernel.reply(await subkernel.expect("debug_request"), {"body": 7})
    assert "could not be looked at" in await refused


async def test_a_language_that_cannot_be_looked_at_is_told_how_else(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel(language="julia")
    subkernel.info["supported_features"] = []
    await stage.announce(subkernel)
    assert await refusal(stage) == "the variables of a julia session cannot be listed; ask the user to print what is needed"


async def test_without_a_subkernel_the_reason_is_told(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach(Attached(subkernel=None, generation=1, state="dead", reason="gone"))
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    assert await refusal(stage) == "there is no session to look at: the subkernel is dead"
