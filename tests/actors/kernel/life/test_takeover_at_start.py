"""The kernel process is replaced while its session starts: what waited was not run, and is told so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beaker.messages.subkernel import Attached
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.takeover_stage import LOST_AT


@pytest.fixture
async def starting(short_folder: Path) -> AsyncIterator[tuple[KernelStage, KernelStage]]:
    """Two kernel processes, one after the other; the subkernel of the first is still starting."""
    async with staged(short_folder) as first, staged(short_folder) as second:
        await first.open()
        await first.attach()
        yield first, second


LAUNCHED = Attached(subkernel=None, generation=1, state="starting", first_owner=False, owner_lost_at=LOST_AT)


async def test_what_waited_for_a_starting_session_is_told_that_it_was_not_run(starting: tuple[KernelStage, KernelStage]) -> None:
    first, second = starting
    cell, completion = first.run("x"), first.request("complete_request", {"code": "x", "cursor_pos": 1})
    await first.settle()
    await first.kill()
    await second.open()
    await second.attach(LAUNCHED)
    assert await second.front.over(cell) == ["busy", "error", "execute_reply", "idle"]
    told = await second.front.reply(cell)
    assert (told.idents, told.content["ename"]) == ([b"client"], "KernelReattached")
    assert "not run" in told.content["evalue"]
    assert (await second.front.reply(completion)).content["status"] == "error"
    own = second.run("y")
    subkernel = await second.start_subkernel()
    second.subkernels.append(subkernel)
    ran = await subkernel.expect()
    assert (ran.msg_id, ran.content["code"]) == (own, "y"), "what was told to have not run does not run"
    subkernel.run(ran, 1)
    await second.front.over(own)
    assert second.front.kinds(cell).count("execute_reply") == 1


async def test_a_session_that_was_launched_and_not_used_is_not_said_to_have_kept_variables(
    starting: tuple[KernelStage, KernelStage],
) -> None:
    first, second = starting
    waiting = first.run("x")
    subkernel = first.make_subkernel()
    await first.settle()
    await first.kill()
    await second.open()
    await second.attach(
        Attached(subkernel=subkernel.as_announced(), generation=1, state="running", first_owner=False, owner_lost_at=LOST_AT, used=False)
    )
    await second.greeted(1)
    assert "not run" in (await second.front.reply(waiting)).content["evalue"]
    shown = second.run("1")
    subkernel.run(await subkernel.expect(), 1)
    await second.front.over(shown)
    (text,) = [sent.content["text"] for sent in second.front.about(shown) if sent.kind == "stream"]
    assert text == "beaker: front process replaced while the session was starting: what waited for it was not run\n"
    status = second.run("%beaker status")
    await second.front.over(status)
    assert "kept" not in str([sent.content for sent in second.front.about(status)])


async def test_a_kernel_info_request_that_waited_gets_the_reply_of_the_subkernel(starting: tuple[KernelStage, KernelStage]) -> None:
    first, second = starting
    asked = first.request("kernel_info_request", {})
    await first.settle()
    await first.kill()
    await second.open()
    await second.attach(LAUNCHED)
    subkernel = await second.start_subkernel()
    reply = await second.front.reply(asked)
    assert (reply.idents, reply.content["language_info"]) == ([b"client"], subkernel.info["language_info"])


async def test_what_waited_and_was_sent_is_inherited_as_a_cell_that_runs(starting: tuple[KernelStage, KernelStage]) -> None:
    first, second = starting
    cell = first.run("x")
    subkernel = await first.start_subkernel()
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await first.front.output(cell, "execute_input")
    await first.kill()
    await second.open()
    subkernel.behind_a_cell = True
    await second.attach(
        Attached(subkernel=subkernel.as_announced(), generation=1, state="running", first_owner=False, owner_lost_at=LOST_AT)
    )
    await second.greeted(1)
    behind = await subkernel.expect("kernel_info_request")
    subkernel.end(request, 1)
    subkernel.reply(behind, subkernel.info)
    assert (await second.front.reply(cell)).content["status"] == "ok"
    await second.front.over(cell)
    assert second.front.kinds(cell).count("execute_reply") == 1


async def test_a_control_request_that_waited_for_a_starting_session_is_told_that_it_was_not_run(
    starting: tuple[KernelStage, KernelStage],
) -> None:
    first, second = starting
    asked, info = first.request("debug_request", {}, channel="control"), first.request("kernel_info_request", {}, channel="control")
    await first.settle()
    await first.kill()
    await second.open()
    await second.attach(LAUNCHED)
    assert await second.front.over(asked) == ["busy", "debug_reply", "idle"]
    told = await second.front.reply(asked)
    assert (told.channel, told.content["ename"]) == ("control", "KernelReattached")
    assert "not run" in told.content["evalue"]
    subkernel = await second.start_subkernel()
    second.subkernels.append(subkernel)
    reply = await second.front.reply(info)
    assert (reply.channel, reply.content["language_info"]) == ("control", subkernel.info["language_info"])
    assert [each.kind for each in subkernel.received] == []
