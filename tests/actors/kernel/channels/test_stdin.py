"""`input()`: the client whose cell asks is asked, and only its answer is taken, once."""

import pytest

from actors.kernel.sockets import backlog
from actors.kernel.sockets.subkernel_link import SubkernelLink
from beaker.messages.subkernel import Died
from beaker.wire.parts import CONTENT, HEADER
from tests.kit.kernel_stage import KernelStage
from tests.kit.recording_front import Sent
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel
from tests.kit.takeover_stage import Replaced


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


async def begin_asking(replaced: Replaced) -> Received:
    """A cell of a process that is killed afterwards has asked its client."""
    request = await replaced.begin("input()", 5)
    await asked(replaced.first, replaced.subkernel, request)
    replaced.subkernel.behind_a_cell = True
    return request


def answer(replaced: Replaced, value: str, client: bytes = b"client") -> None:
    """A client answers the process of now."""
    replaced.second.request("input_reply", {"value": value}, client=client, channel="stdin")


async def test_a_question_that_was_open_when_the_process_was_replaced_is_answered_by_its_client_once(replaced: Replaced) -> None:
    request = await begin_asking(replaced)
    await replaced.take_over()
    await replaced.second.greeted(1)
    for value, client in (("not asked", b"another"), ("yes", b"client"), ("twice", b"client")):
        answer(replaced, value, client)
    await asked(replaced.second, replaced.subkernel, request)
    answer(replaced, "again")
    first, second = [(await replaced.subkernel.expect("input_reply")).content["value"] for _ in range(2)]
    assert (first, second) == ("yes", "again")


async def test_an_answer_to_a_prompt_of_ours_that_went_with_its_process_reaches_no_cell(replaced: Replaced) -> None:
    await replaced.first.ask("%%ai go")
    replaced.first.wants_run("df.go()")
    stale = (await replaced.first.front.prompt()).parts[HEADER]
    await replaced.take_over()
    await replaced.second.greeted(1)
    replaced.second.run("input()")
    await asked(replaced.second, replaced.subkernel, await replaced.subkernel.expect_code(2))
    replaced.second.type("y", parent=stale)
    answer(replaced, "asked")
    assert (await replaced.subkernel.expect("input_reply")).content == {"value": "asked"}
    former, now = ({sent.header["msg_id"] for sent in stage.front.sent} for stage in (replaced.first, replaced.second))
    assert former & now == set(), "or it could name another prompt"


async def test_an_answer_that_comes_before_the_session_is_taken_over_waits_for_it(replaced: Replaced) -> None:
    await begin_asking(replaced)
    await replaced.first.kill()
    await replaced.second.open()
    answer(replaced, "early")
    await replaced.second.settle()
    await replaced.attach()
    assert (await replaced.subkernel.expect("input_reply")).content == {"value": "early"}


async def test_an_answer_to_a_session_that_was_lost_goes_to_no_other(replaced: Replaced) -> None:
    await begin_asking(replaced)
    await replaced.first.kill()
    second = replaced.second
    await second.open()
    answer(replaced, "early")
    await second.settle()
    await second.attach()
    fresh = await second.start_subkernel(generation=2)
    answer(replaced, "late")
    msg_id = second.run("input()")
    request = await fresh.expect()
    fresh.begin(request, 1)
    await second.front.output(msg_id, "execute_input")
    await asked(second, fresh, request)
    answer(replaced, "asked")
    assert (await fresh.expect("input_reply")).content == {"value": "asked"}


async def test_an_answer_to_a_session_that_died_goes_to_no_other(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.run("input()")
    await asked(stage, subkernel, await subkernel.expect())
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    fresh = await stage.start_subkernel()
    stage.request("input_reply", {"value": "late"}, channel="stdin")
    stage.run("input()")
    await asked(stage, fresh, await fresh.expect(), 2)
    stage.request("input_reply", {"value": "asked"}, channel="stdin")
    assert (await fresh.expect("input_reply")).content == {"value": "asked"}


async def test_an_answer_that_the_subkernel_has_no_room_for_is_said_and_the_question_stays_open(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    msg_id = stage.run("input()")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await asked(stage, subkernel, request)
    with monkeypatch.context() as full:
        full.setattr(SubkernelLink, "stdin_is_full", True)
        stage.request("input_reply", {"value": "refused"}, channel="stdin")
        assert "was not passed on" in (await stage.front.output(msg_id, "stream")).content["text"]
    stage.request("input_reply", {"value": "again"}, channel="stdin")
    assert (await subkernel.expect("input_reply")).content == {"value": "again"}


async def test_answers_that_come_too_early_in_too_large_a_number_are_not_kept(replaced: Replaced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 1)
    await begin_asking(replaced)
    await replaced.first.kill()
    second = replaced.second
    await second.open()
    answer(replaced, "early")
    answer(replaced, "one too many")
    await second.front.wait(lambda: any(b"was not passed on" in sent.parts[CONTENT] for sent in second.front.sent), "the refusal")
    await replaced.attach()
    assert (await replaced.subkernel.expect("input_reply")).content == {"value": "early"}
