"""The model interrupts a cell of the user's, or restarts the session, only when she allows it."""

import pytest

from beaker.messages.base import TurnId
from beaker.messages.running import InterruptSession, RestartSession, SessionChanged
from beaker.messages.subkernel import Interrupt, Interrupted, Restart, Restarted, SubkernelFailure
from beaker.messages.turn import Ended
from tests.actors.kernel.consent.run_kit import drawn
from tests.actors.kernel.questions.turn_kit import OK
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage, until
from tests.kit.reading import refusal
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_the_model_interrupts_a_cell_of_the_users_only_when_she_allows_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.ask("%%ai --mode auto go")
    assert "No cell" in await refusal(stage.wants(InterruptSession(turn=FIRST)))
    stage.tell(OK)
    slow = stage.run("slow()")
    subkernel.begin(await subkernel.expect_code(), 2)
    await stage.front.output(slow, "execute_input")
    await stage.ask("%%ai --mode auto go")
    asking = stage.wants(InterruptSession(turn=TurnId(2)))
    prompt = await stage.front.prompt()
    assert "interrupt the cell that you have running" in prompt.content["prompt"]
    assert "[a]lways" not in prompt.content["prompt"]
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Interrupt)
    asked.answer(Interrupted())
    assert isinstance(await asking, SessionChanged)


@pytest.mark.parametrize("another", [False, True])
async def test_the_model_interrupts_no_cell_but_the_one_that_the_user_was_asked_about(
    stage: KernelStage, subkernel: ScriptedSubkernel, another: bool
) -> None:
    await stage.ask("%%ai --mode auto go")
    stage.tell(Ended(turn=FIRST, status="ok", text=""))
    slow = stage.run("slow()")
    request = await subkernel.expect_code()
    subkernel.begin(request, 2)
    await stage.front.output(slow, "execute_input")
    asked, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(InterruptSession(turn=TurnId(2)))
    await stage.front.prompt()
    subkernel.end(request, 2)
    await stage.front.over(slow)
    if another:
        dear = stage.run("dear()")
        subkernel.begin(await subkernel.expect_code(3), 4)
        await stage.front.output(dear, "execute_input")
    stage.type("y")
    assert "does not run any more" in await refusal(asking)
    stage.tell(Ended(turn=TurnId(2), status="ok", text=""))
    await stage.front.reply(asked)
    assert "that cell is over" in drawn(stage, asked)
    assert not [message for message in stage.supervisor.seen if isinstance(message, Interrupt)]


async def test_the_model_restarts_the_session_only_when_the_user_allows_it(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(RestartSession(turn=FIRST))
    assert "all variables are lost" in (await stage.front.prompt()).content["prompt"]
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Restart)
    await until(lambda: "restarts the session" in drawn(stage, msg_id), "words while the session ends")
    asked.answer(Restarted(generation=2))
    assert isinstance(await asking, SessionChanged)
    await until(lambda: "restarted the session" in drawn(stage, msg_id), "words when it is back")


async def test_a_restart_that_failed_is_called_so(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    asking = stage.wants(RestartSession(turn=FIRST))
    await stage.front.prompt()
    stage.type("y")
    _, asked = await stage.supervisor.expect_ask(Restart)
    asked.fail(SubkernelFailure(reason="no room for it"))
    assert "no room for it" in await refusal(asking)
    await until(lambda: "did not restart the session" in drawn(stage, msg_id), "words of the failure")
