"""`input()`: the client whose cell asks is asked, and only its answer is taken, once."""

from tests.kit.kernel_stage import KernelStage
from tests.kit.recording_front import Sent
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


async def asked(stage: KernelStage, subkernel: ScriptedSubkernel, request: Received, count: int = 1) -> Sent:
    """The cell calls `input()`; what the client gets."""
    subkernel.ask_input(request)

    def found() -> list[Sent]:
        return [sent for sent in stage.front.sent if sent.channel == "stdin"]

    await stage.front.wait(lambda: len(found()) == count, "the question")
    return found()[-1]


async def test_the_question_goes_to_the_client_of_the_cell_with_the_cell_as_its_parent(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.run("1", client=b"one")
    await subkernel.expect()
    msg_id = stage.run("input()", client=b"two")
    sent = await asked(stage, subkernel, await subkernel.expect())
    assert (sent.idents, sent.parent_id) == ([b"two"], msg_id)


async def test_only_the_client_that_was_asked_answers_and_only_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("input()", client=b"two")
    request = await subkernel.expect()
    await asked(stage, subkernel, request)
    for client, value in ((b"one", "not asked"), (b"two", "yes"), (b"two", "twice")):
        stage.request("input_reply", {"value": value}, client=client, channel="stdin")
    await asked(stage, subkernel, request, 2)
    answer = stage.compose("input_reply", {"value": "again"}, client=b"two", metadata={"kept": 1})
    stage.send(answer, b"two", "stdin")
    first, second = await subkernel.expect("input_reply"), await subkernel.expect("input_reply")
    assert first.content == {"value": "yes"}
    assert second.parts == answer


async def test_a_question_of_a_cell_that_forbids_it_or_that_nobody_knows_goes_to_nobody(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.run("input()", allow_stdin=False)
    forbidding = await subkernel.expect()
    stage.run("input()", client=b"two")
    allowing = await subkernel.expect()
    subkernel.ask_input(forbidding)
    subkernel.ask_input(forbidding._replace(parts=stage.compose("execute_request", {})))
    assert (await asked(stage, subkernel, allowing)).idents == [b"two"]


async def test_a_thread_may_ask_after_its_cell_has_ended(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("Thread(target=input).start()")
    request = await subkernel.expect()
    subkernel.run(request, 1)
    await stage.front.over(msg_id)
    assert (await asked(stage, subkernel, request)).idents == [b"client"]
