"""After the kernel process was replaced: what was in flight is answered late, or told to be unknown; variables are kept."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.kernel import unanswered
from beaker.kernel import inflight
from beaker.messages.subkernel import Attached, Died, GaveUp
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.scripted_subkernel import ScriptedSubkernel
from tests.kit.takeover_stage import LOST_AT, Replaced


async def test_a_cell_that_still_runs_is_answered_when_it_ends(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    replaced.subkernel.publish("stream", {"name": "stdout", "text": "late"}, request)
    await replaced.end(request, 5)
    front = replaced.second.front
    assert sorted(await front.over(request.msg_id)) == ["execute_reply", "idle", "stream"]
    reply = await front.reply(request.msg_id)
    assert (reply.idents, reply.content["status"]) == ([b"client"], "ok")


async def test_a_cell_that_ended_while_nobody_listened_is_told_unknown(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    await replaced.take_over()
    front = replaced.second.front
    assert await front.over(request.msg_id) == ["error", "execute_reply", "idle"]
    told = (await front.reply(request.msg_id)).content
    assert (told["status"], told["ename"]) == ("error", "KernelReattached")
    lost_from = time.strftime("%H:%M:%S", time.localtime(LOST_AT))
    assert told["evalue"].startswith(f"outcome unknown; output between {lost_from} and ")
    replaced.subkernel.end(request, 5)
    after = replaced.second.run("1")
    replaced.subkernel.run(await replaced.subkernel.expect(), 6)
    await front.over(after)
    assert front.kinds(request.msg_id).count("execute_reply") == 1


@pytest.mark.parametrize("where", ["the main shell", "a subshell that there is", "a subshell that has ended"])
async def test_a_cell_of_a_subshell_is_lost_only_when_its_own_shell_has_come_to_the_request_behind_it(
    replaced: Replaced, where: str
) -> None:
    header: dict[str, object] = {} if where == "the main shell" else {"subshell_id": "s1"}
    request = await replaced.begin("x", 5, header=header)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    if header:
        listed = await replaced.subkernel.expect("list_subshell_request")
        replaced.subkernel.reply(listed, {"status": "ok", "subshell_id": ["s1", "s2"] if "there is" in where else ["s2"]})
    asked = await replaced.subkernel.expect("kernel_info_request")
    front = replaced.second.front
    if "there is" in where:
        beside = await replaced.subkernel.expect("kernel_info_request")
        main, asked = (asked, beside) if "subshell_id" in beside.header else (beside, asked)
        assert asked.header["subshell_id"] == "s1"
        replaced.subkernel.reply(main, replaced.subkernel.info)
        # What comes through the main shell behind that reply shows that it was seen to.
        after = replaced.second.run("1")
        replaced.subkernel.run(await replaced.subkernel.expect(), 6)
        await front.over(after)
        assert front.about(request.msg_id) == []
    replaced.subkernel.reply(asked, replaced.subkernel.info)
    assert await front.over(request.msg_id) == ["error", "execute_reply", "idle"]
    assert (await front.reply(request.msg_id)).content["ename"] == "KernelReattached"


async def test_what_was_answered_before_is_answered_no_more(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    replaced.subkernel.end(request, 5)
    await replaced.first.front.over(request.msg_id)
    await replaced.take_over()
    await replaced.second.greeted(1)
    after = replaced.second.run("1")
    replaced.subkernel.run(await replaced.subkernel.expect(), 6)
    await replaced.second.front.over(after)
    assert replaced.second.front.about(request.msg_id) == []


@pytest.mark.parametrize("adopted", [False, True])
async def test_the_first_cell_says_once_that_variables_were_kept(replaced: Replaced, adopted: bool) -> None:
    await replaced.take_over(adopted=adopted, lost_at=None if adopted else LOST_AT)
    await replaced.second.greeted(1)
    shown = []
    for count in (6, 7):
        msg_id = replaced.second.run("1")
        replaced.subkernel.run(await replaced.subkernel.expect(), count)
        await replaced.second.front.over(msg_id)
        shown += [sent.content["text"] for sent in replaced.second.front.about(msg_id) if sent.kind == "stream"]
    (text,) = shown
    assert text.startswith("beaker: front process replaced, your variables were kept; output between ")
    assert text.endswith(" was lost; Restart gives a clean session\n")
    assert ("the end of the former process" in text) == adopted


@pytest.mark.parametrize("end", ["restarted", "died", "given up and restarted"])
async def test_variables_are_not_said_to_be_kept_when_their_session_has_ended(replaced: Replaced, end: str) -> None:
    second = replaced.second
    second.subkernels.append(replaced.subkernel)
    await replaced.take_over()
    await second.greeted(1)
    if end == "died":
        second.tell(Died(generation=1, reason="killed by signal 9", at=LOST_AT, stderr_tail="", restarting=True))
    elif end == "given up and restarted":
        second.tell(GaveUp(generation=1, reason="it died 6 times"))
        await second.front.wait(lambda: "dead" in second.front.unparented(), "the status")
    fresh = await second.start_subkernel()
    msg_id = second.run("1")
    fresh.run(await fresh.expect(), 1)
    await second.front.over(msg_id)
    shown = [sent.content["text"] for sent in second.front.about(msg_id) if sent.kind == "stream"]
    assert len(shown) == (end == "died")
    assert "kept" not in "".join(shown)
    assert ("variables lost" in "".join(shown)) == (end == "died")
    assert "kept" not in await status(second)


async def test_a_cell_that_was_begun_in_another_process_runs_since_then(replaced: Replaced) -> None:
    first = await replaced.begin("x", 5)
    waiting = replaced.first.run("y")
    request = await replaced.subkernel.expect()
    replaced.subkernel.end(first, 5)
    await replaced.first.front.over(first.msg_id)
    began = time.monotonic()
    replaced.subkernel.begin(request, 6)
    await replaced.first.front.output(waiting, "execute_input")
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    words = await status(replaced.second)
    found = re.search(r"cells +one runs for ([\d.]+) s", words)
    assert found, words
    assert float(found[1]) <= time.monotonic() - began + 0.05, "rounded, and the other cell's time is not counted"


async def status(stage: KernelStage) -> str:
    """What `%beaker status` says."""
    msg_id = stage.run("%beaker status", store_history=False)
    return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])


async def test_numbers_go_on_where_they_were(replaced: Replaced) -> None:
    request = await replaced.begin("x", 41)
    replaced.subkernel.end(request, 41)
    await replaced.first.front.over(request.msg_id)
    await replaced.take_over()
    await replaced.second.greeted(1)
    asked = replaced.second.run("%beaker help")
    assert (await replaced.second.front.reply(asked)).content["execution_count"] == 42


async def test_an_input_that_is_asked_for_after_the_takeover_reaches_the_client_of_the_cell(replaced: Replaced) -> None:
    request = await replaced.begin("input()", 5)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    asked = replaced.subkernel.ask_input(request)
    front = replaced.second.front
    await front.wait(lambda: any(sent.channel == "stdin" for sent in front.sent), "the question")
    (sent,) = [sent for sent in front.sent if sent.channel == "stdin"]
    assert (sent.idents, sent.parts) == ([b"client"], asked)
    replaced.second.request("input_reply", {"value": "v"}, channel="stdin")
    assert (await replaced.subkernel.expect("input_reply")).content == {"value": "v"}


async def test_a_death_during_the_takeover_answers_what_was_inherited(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    replaced.second.tell(Died(generation=1, reason="killed", at=LOST_AT, stderr_tail="", restarting=True))
    front = replaced.second.front
    assert (await front.reply(request.msg_id)).content["ename"] == "KernelDied"
    assert await front.over(request.msg_id) == ["error", "execute_reply", "idle"]


async def test_without_a_takeover_what_was_in_flight_in_another_life_is_answered_and_forgotten(replaced: Replaced) -> None:
    """The kernel process was replaced, and so were Supervisor and subkernel: nobody but the log knows of the cell."""
    request = await replaced.begin("x", 5)
    await replaced.first.kill()
    await replaced.second.open()
    await replaced.second.attach()
    assert await replaced.second.front.over(request.msg_id) == ["error", "execute_reply", "idle"]
    assert (await replaced.second.front.reply(request.msg_id)).content["ename"] == "KernelDied"
    await replaced.second.start_subkernel(generation=2)
    assert (replaced.second.folder / "inflight").read_bytes() == b""


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


async def test_what_a_process_was_asked_before_it_attached_is_not_taken_for_that_of_the_one_before(replaced: Replaced) -> None:
    await replaced.first.kill()
    second = replaced.second
    await second.open()
    early = second.run("y")
    await second.settle()
    await second.attach(Attached(subkernel=replaced.subkernel.as_announced(), generation=1, state="running", first_owner=False))
    request = await replaced.subkernel.expect()
    replaced.subkernel.run(request, 5)
    assert request.msg_id == early
    assert (await second.front.reply(early)).content["status"] == "ok"


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_a_question_goes_with_the_process_and_is_told_so_though_a_cell_still_runs(replaced: Replaced, channel: str) -> None:
    request = await replaced.begin("x", 5)
    asked = replaced.first.request("llm_request", {"request": "why?"}, channel=channel)
    in_a_cell = replaced.first.run("%%ai why?")
    refused = replaced.first.request("llm_request", {}, channel=channel)
    await replaced.first.front.over(refused)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    front = replaced.second.front
    assert await front.over(asked) == ["llm_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.idents, told.content["status"], told.content["ename"]) == (channel, [b"client"], "error", "KernelReattached")
    assert "ask again" in told.content["evalue"]
    assert await front.over(in_a_cell) == ["error", "execute_reply", "idle"]
    assert front.about(request.msg_id) == []
    assert front.about(refused) == []


async def test_a_control_request_whose_reply_nobody_heard_is_told_unknown_on_control(replaced: Replaced) -> None:
    kinds = ["debug_request", "create_subshell_request", "usage_request"]
    asked = [replaced.first.request(kind, {}, channel="control") for kind in kinds]
    for kind in kinds:
        replaced.subkernel.busy(await replaced.subkernel.expect(kind))
    await replaced.first.front.output(asked[-1], "busy")
    await replaced.take_over()
    front = replaced.second.front
    for kind, msg_id in zip(kinds, asked, strict=True):
        assert await front.over(msg_id) == [kind.removesuffix("_request") + "_reply", "idle"]
        told = await front.reply(msg_id)
        assert (told.channel, told.idents) == ("control", [b"client"])
        assert (told.content["status"], told.content["ename"]) == ("error", "KernelReattached")
        assert "outcome unknown" in told.content["evalue"]
    assert inflight.replay((replaced.second.folder / "inflight").read_bytes()).unanswered == [], "the next successor answers none again"


async def test_a_control_request_that_is_answered_after_the_takeover_hears_the_subkernel(replaced: Replaced) -> None:
    replaced.subkernel.answers = False
    asked = replaced.first.request("debug_request", {}, channel="control")
    request = await replaced.subkernel.expect("debug_request")
    replaced.subkernel.busy(request)
    await replaced.first.front.output(asked, "busy")
    await replaced.take_over()
    behind = await replaced.subkernel.expect("kernel_info_request")
    reply = replaced.subkernel.reply(request, {"success": True})
    replaced.subkernel.idle(request)
    replaced.subkernel.answers = True
    replaced.subkernel.reply(behind, replaced.subkernel.info)
    await replaced.second.greeted(1)
    front = replaced.second.front
    assert sorted(await front.over(asked)) == ["debug_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.idents, told.parts) == ("control", [b"client"], reply)


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_what_was_answered_while_the_outputs_were_not_heard_yet_is_idle_in_the_end(
    replaced: Replaced, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    monkeypatch.setattr(unanswered, "STATUS_GRACE_S", 0.05)
    asked = replaced.first.request("debug_request", {}, channel=channel)
    request = await replaced.subkernel.expect("debug_request")
    replaced.subkernel.busy(request)
    await replaced.first.front.output(asked, "busy")
    replaced.subkernel.answers = False
    await replaced.take_over()
    behind = await replaced.subkernel.expect("kernel_info_request")
    replaced.subkernel.reply(request)  # its idle was heard by nobody
    replaced.subkernel.answers = True
    replaced.subkernel.reply(behind, replaced.subkernel.info)
    front = replaced.second.front
    assert sorted(await front.over(asked)) == ["debug_reply", "idle"]


async def test_a_control_request_that_was_answered_before_is_answered_no_more(replaced: Replaced) -> None:
    asked = replaced.first.request("usage_request", {}, channel="control")
    request = await replaced.subkernel.expect("usage_request")
    replaced.subkernel.reply(request)
    replaced.subkernel.idle(request)
    await replaced.first.front.over(asked)
    await replaced.take_over()
    await replaced.second.greeted(1)
    after = replaced.second.request("usage_request", {}, channel="control")
    replaced.subkernel.reply(await replaced.subkernel.expect("usage_request"))
    await replaced.second.front.reply(after)
    assert replaced.second.front.about(asked) == []


async def test_control_requests_of_a_session_that_died_with_the_process_are_answered(replaced: Replaced) -> None:
    asked = replaced.first.request("debug_request", {}, channel="control")
    replaced.subkernel.busy(await replaced.subkernel.expect("debug_request"))
    await replaced.first.front.output(asked, "busy")
    await replaced.first.kill()
    await replaced.second.open()
    await replaced.second.attach()
    front = replaced.second.front
    assert await front.over(asked) == ["debug_reply", "idle"]
    told = await front.reply(asked)
    assert (told.channel, told.content["status"], told.content["ename"]) == ("control", "error", "KernelDied")


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


async def test_the_log_is_not_emptied_while_somebody_waits_on_control(replaced: Replaced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflight, "COMPACT_BYTES", 0)
    asked = replaced.first.request("debug_request", {}, channel="control")
    replaced.subkernel.busy(await replaced.subkernel.expect("debug_request"))
    cell = replaced.first.run("1")
    replaced.subkernel.run(await replaced.subkernel.expect(), 1)
    await replaced.first.front.over(cell)
    await replaced.take_over()
    assert (await replaced.second.front.reply(asked)).content["ename"] == "KernelReattached"


async def test_a_question_is_remembered_though_the_subkernel_died_meanwhile(replaced: Replaced) -> None:
    asked = replaced.first.request("llm_request", {"request": "why?"})
    replaced.first.tell(Died(generation=1, reason="killed by signal 9", at=LOST_AT, stderr_tail="", restarting=True))
    second = await replaced.first.start_subkernel()
    replaced.subkernel = second
    await replaced.first.kill()
    await replaced.second.open()
    attached = Attached(subkernel=second.as_announced(), generation=2, state="running", first_owner=False, owner_lost_at=LOST_AT)
    await replaced.second.attach(attached)
    assert await replaced.second.front.over(asked) == ["llm_reply", "idle"]


async def test_a_session_that_died_with_the_process_is_told_as_lost_and_its_cells_are_answered(replaced: Replaced) -> None:
    request = await replaced.begin("x", 41)
    await replaced.first.kill()
    replaced.subkernel.die()
    second = replaced.second
    await second.open()
    await second.attach(Attached(subkernel=None, generation=2, state="restarting", first_owner=False, session_lost=True))
    content = (await second.front.reply(request.msg_id)).content
    assert (content["status"], content["ename"]) == ("error", "KernelDied")
    assert "died while the front process was being replaced" in content["evalue"]
    assert await second.front.over(request.msg_id) == ["error", "execute_reply", "idle"]
    second.subkernels.append(replaced.subkernel)
    fresh = await second.start_subkernel()
    msg_id = second.run("1")
    fresh.run(await fresh.expect(), 1)
    await second.front.over(msg_id)
    (text,) = [sent.content["text"] for sent in second.front.about(msg_id) if sent.kind == "stream"]
    assert "variables lost" in text
    assert "kept" not in text
    assert (await second.front.reply(msg_id)).content["execution_count"] == 1


async def test_what_a_kernel_remembers_is_what_its_next_supervisor_needs(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    known = stage.actor.remembered
    assert known.subkernel is not None
    assert (known.generation, known.subkernel.generation, known.dead_reason) == (1, 1, "")
    stage.tell(GaveUp(generation=1, reason="it died 6 times"))
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    assert (stage.actor.remembered.subkernel, stage.actor.remembered.dead_reason) == (None, "it died 6 times")
