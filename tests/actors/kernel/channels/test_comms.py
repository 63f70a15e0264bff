"""Comms end with the life of the subkernel that held their other end, and clients are told so.

The word comes behind `restarting`: JupyterLab and VS Code have dropped their comms at that and keep what the widgets showed, as they do
on python3, while a `comm_close` in front of it takes the widgets out of the notebook (see `test_jupyterlab.py`).
"""

from pathlib import Path

import pytest

from beaker.messages.subkernel import Attached, Died, GaveUp
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.recording_front import RecordingFront
from tests.kit.scripted_subkernel import ScriptedSubkernel


def death(generation: int = 1) -> Died:
    return Died(generation=generation, reason="killed", at=1_700_000_000.0, stderr_tail="", restarting=True)


def opening(comm_id: str) -> dict[str, object]:
    return {"comm_id": comm_id, "target_name": "jupyter.widget", "data": {"state": {}}}


def closed(front: RecordingFront) -> list[str]:
    """What the kernel itself said to be closed, in its order."""
    return [str(sent.content["comm_id"]) for sent in front.sent if sent.kind == "comm_close" and not sent.parent_id]


async def opened(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    """Two of the subkernel's, of which a client closes one, and two of a client's, of which the subkernel refuses one."""
    cell = stage.run("widgets")
    running = await subkernel.expect()
    subkernel.begin(running, 1)
    for comm_id in ("theirs", "closed by the client"):
        subkernel.publish("comm_open", opening(comm_id), running)
    subkernel.end(running, 1)
    await stage.front.over(cell)
    stage.request("comm_close", {"comm_id": "closed by the client", "data": {}})
    for comm_id in ("ours", "of an unknown target"):
        stage.request("comm_open", opening(comm_id))
    await subkernel.expect("comm_open")
    refused = await subkernel.expect("comm_open")
    subkernel.publish("comm_close", {"comm_id": "of an unknown target", "data": {}}, refused)
    await stage.front.output(refused.msg_id, "comm_close")


@pytest.mark.parametrize("how", ["it dies", "it is restarted"])
async def test_open_ones_are_closed_behind_the_news_that_the_subkernel_is_replaced(
    stage: KernelStage, subkernel: ScriptedSubkernel, how: str
) -> None:
    await opened(stage, subkernel)
    if how == "it dies":
        stage.tell(death())
    second = await stage.start_subkernel()
    assert stage.front.unparented() == ["restarting", "comm_close", "comm_close", "idle"]
    assert closed(stage.front) == ["theirs", "ours"]
    (told, *_) = [sent for sent in stage.front.sent if sent.kind == "comm_close" and not sent.parent_id]
    assert told.content == {"comm_id": "theirs", "data": {}}
    assert told.header["session"] == subkernel.session_id, "the life that they belonged to"
    stage.tell(death(2))
    await stage.start_subkernel()
    assert second.generation == 2
    assert closed(stage.front) == ["theirs", "ours"], "each once"


async def test_what_a_client_opens_while_there_is_no_subkernel_belongs_to_the_next_one(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.tell(death())
    await stage.settle()
    stage.request("comm_open", opening("early"))
    second = await stage.start_subkernel()
    await second.expect("comm_open")
    assert closed(stage.front) == []
    stage.tell(death(2))
    await stage.start_subkernel()
    assert closed(stage.front) == ["early"]


async def test_they_are_closed_too_when_no_other_life_will_come(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    await opened(stage, subkernel)
    stage.tell(GaveUp(generation=1, reason="enough"))
    await stage.front.wait(lambda: len(closed(stage.front)) == 2, "the end of both")
    assert stage.front.unparented()[-3:] == ["dead", "comm_close", "comm_close"]


async def test_a_kernel_process_that_takes_over_closes_what_the_one_before_it_had_seen_open(short_folder: Path) -> None:
    async with staged(short_folder) as first, staged(short_folder) as second:
        subkernel = await first.ready()
        await first.kill()
        await second.open()
        await second.attach(Attached(subkernel=subkernel.as_announced(), generation=1, state="running", first_owner=False))
        asked = await subkernel.expect("comm_info_request")
        subkernel.reply(asked, {"status": "ok", "comms": {"inherited": {"target_name": "jupyter.widget"}}})
        # A cell's reply on the same channel shows that the one before it was read.
        cell = second.run("1")
        subkernel.run(await subkernel.expect(), 1)
        await second.front.over(cell)
        assert second.front.about(asked.msg_id) == []
        second.subkernels.append(subkernel)
        second.tell(death())
        await second.start_subkernel()
        assert closed(second.front) == ["inherited"]
