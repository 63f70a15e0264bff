"""What an agent cannot say: a process that was taken over has an agent's link, and that lets in no word about consent."""

import pytest

from actors.runtime.failures import AskError
from beaker.consent.grants import code_hash
from beaker.messages.base import Message
from beaker.messages.consent import RunCleared, RunDecided, RunGranted, RunRedeemed, RunToBeAsked, RunWanted
from beaker.messages.subkernel import Interrupt, Restart, Shutdown
from tests.kit.kernel_stage import KERNEL_ID, KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel

CODE = "taken_over()"
HASH = code_hash(CODE, language="python")
FORBIDDEN: list[Message] = [
    RunWanted(kind="code", code_hash=HASH, generation=1, mode="auto", tainted=False),
    *(RunDecided(want=1, decision=decision, code_hash=HASH) for decision in ("allow", "always", "edit")),
    RunRedeemed(grant="grant-1", kernel_id=KERNEL_ID, generation=1, code_hash=HASH),
    RunGranted(grant="grant-1"),
    RunToBeAsked(want=1),
    RunCleared(),
    Interrupt(generation=1),
    Restart(),
    Shutdown(grace_s=0.0),
]


@pytest.mark.parametrize("message", FORBIDDEN, ids=lambda message: repr(message)[:40])
@pytest.mark.parametrize("target", ["kernel", "supervisor"])
async def test_an_agents_link_ends_at_the_first_word_about_consent_and_nothing_runs(
    stage: KernelStage, subkernel: ScriptedSubkernel, target: str, message: Message
) -> None:
    msg_id, _ = await stage.ask()
    wanted = stage.wants_run(CODE)
    wanted.add_done_callback(lambda task: task.exception())
    await stage.front.prompt()
    asked = list(stage.supervisor.asked)
    with pytest.raises(AskError):
        await stage.agents_end.ref(target).ask(message, timeout_s=60)
    assert stage.agents_end.closed.done()
    told = (await stage.front.reply(msg_id)).content["evalue"]
    assert "agent was restarted" in told
    await stage.settle()
    assert stage.supervisor.asked == asked, "the Supervisor was told nothing"
    assert subkernel.codes() == []
