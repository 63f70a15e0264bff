"""A session that defines a magic of our name is noticed by help requests alone, and told of once."""

from beaker.messages.base import TurnId
from beaker.messages.turn import Delta
from tests.actors.kernel.questions.turn_kit import displays, drawn, ended
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel

OWN = "a magic `ai` of its own"


async def helped(subkernel: ScriptedSubkernel, path: str, *, found: bool) -> None:
    """Answer the next help request, which must be about this path and come on control."""
    request = await subkernel.expect("inspect_request")
    assert (request.channel, request.content["code"]) == ("control", path)
    data = {"text/plain": "Docstring: mine"} if found else {}
    subkernel.reply(request, {"status": "ok", "found": found, "data": data, "metadata": {}})


async def has_a_magic(subkernel: ScriptedSubkernel) -> None:
    """The session says that it has one."""
    await helped(subkernel, "ai.__class__.__name__", found=False)
    await helped(subkernel, "ai", found=True)


async def told(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    """Wait until the kernel has read all that the session has said on control so far."""
    behind = stage.request("usage_request", {}, channel="control")
    subkernel.reply(await subkernel.expect("usage_request"))
    await stage.front.reply(behind)
    await stage.settle()


async def answered(stage: KernelStage, msg_id: str, turn: int) -> str:
    """End a question; its last display."""
    stage.tell(Delta(turn=TurnId(turn), text="so"), ended(TurnId(turn)))
    await stage.front.over(msg_id)
    return displays(stage, msg_id)[-1][1]


async def test_a_magic_of_the_session_is_said_once_with_both_commands(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, _ = await stage.ask()
    await has_a_magic(subkernel)
    await drawn(stage, first, OWN)
    text = await answered(stage, first, 1)
    assert text.startswith("so\n\n*This session has a magic `ai` of its own")
    assert "`%beaker config magics=off`" in text
    assert "`%beaker config magics=beaker`" in text
    second, question = await stage.ask()
    assert question.history[0].answer == "so", "the model is told nothing of it"
    assert await answered(stage, second, 2) == "so"
    assert [request.kind for request in subkernel.received].count("inspect_request") == 2, "and nobody asks again"
    assert not any(request.content.get("silent") for request in subkernel.received), "and nothing is executed"


async def test_what_is_noticed_when_the_answer_is_over_stands_with_the_next(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    first, _ = await stage.ask(notebook=False, allow_stdin=False)
    await helped(subkernel, "ai.__class__.__name__", found=False)
    assert await answered(stage, first, 1) == "so"
    await helped(subkernel, "ai", found=True)
    await told(stage, subkernel)
    second, _ = await stage.ask(notebook=False, allow_stdin=False)
    assert OWN in await answered(stage, second, 2)


async def test_a_variable_of_that_name_is_no_magic_and_a_function_may_be_one(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    mine = "get_ipython.__self__.magics_manager.user_magics.ai.__class__.__name__"
    for turn, found in ((1, False), (2, True)):
        asked, _ = await stage.ask()
        await helped(subkernel, "ai.__class__.__name__", found=True)
        await helped(subkernel, mine, found=found)
        await told(stage, subkernel)
        assert (OWN in await answered(stage, asked, turn)) == found


async def test_who_has_decided_is_told_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await stage.front.over(stage.run("%beaker config magics=beaker"))
    asked, _ = await stage.ask()
    assert await answered(stage, asked, 1) == "so"
    assert not any(request.kind == "inspect_request" for request in subkernel.received)


async def test_a_session_of_another_language_is_asked_nothing(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = await stage.start_subkernel(language="bash")
    asked, _ = await stage.ask()
    assert await answered(stage, asked, 1) == "so"
    assert not any(request.kind == "inspect_request" for request in subkernel.received)
