"""After the kernel process was replaced: cells in flight are answered late, or told to be unknown; variables are kept."""

import json
import re
import time

import pytest

from actors.kernel.state import inflight_log
from beaker.kernel import inflight
from beaker.kernel.commands.status import LOST_INPUT
from beaker.kernel.pending import Channel
from beaker.messages.subkernel import Attached, Died, GaveUp
from beaker.wire.parts import PARENT
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel
from tests.kit.takeover_stage import LOST_AT, Replaced, status


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


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_what_was_answered_and_not_read_is_told_to_be_lost_and_nothing_else(replaced: Replaced, channel: Channel) -> None:
    read, unread = (replaced.first.request("debug_request", {}, channel=channel) for _ in range(2))
    for _ in range(2):
        request = await replaced.subkernel.expect("debug_request")
        replaced.subkernel.busy(request)
        replaced.subkernel.reply(request)
        replaced.subkernel.idle(request)
    await replaced.first.front.over(unread)
    for msg_id in (read, unread):
        parent = (await replaced.first.front.reply(msg_id)).parts[PARENT]
        replaced.first.actor.reply_waits(channel, [b"client"], parent)
        if msg_id == read:
            replaced.first.actor.reply_left(channel, parent)
    await replaced.take_over()
    await replaced.second.greeted(1)
    front = replaced.second.front
    told = await front.reply(unread)
    assert (told.channel, told.idents, told.content["ename"]) == (channel, [b"client"], "KernelReattached")
    assert "before this client had read it" in told.content["evalue"]
    assert front.kinds(unread) == ["debug_reply"]
    assert front.about(read) == []
    assert inflight.replay((replaced.second.folder / "inflight").read_bytes()).unanswered == []


async def test_of_more_replies_than_are_named_clients_are_told_how_many_were_lost(
    replaced: Replaced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflight_log, "UNREAD_LIMIT", 1)
    for _ in range(3):
        unread = replaced.first.request("debug_request", {}, channel="control")
        request = await replaced.subkernel.expect("debug_request")
        replaced.subkernel.busy(request)
        replaced.subkernel.reply(request)
        replaced.subkernel.idle(request)
        await replaced.first.front.over(unread)
        replaced.first.actor.reply_waits("control", [b"client"], (await replaced.first.front.reply(unread)).parts[PARENT])
    await replaced.take_over()
    await replaced.second.greeted(1)
    texts = [str(sent.content.get("text")) for sent in replaced.second.front.sent if sent.kind == "stream"]
    assert [text for text in texts if "2 more replies were lost" in text]


async def test_what_was_answered_and_has_no_idle_yet_is_idle_in_the_end_also_where_it_is_in_the_log_no_more(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    replaced.subkernel.reply(request)
    await replaced.first.front.reply(request.msg_id)
    front = replaced.second.front
    front.half_ended.append(("shell", [b"client"], json.dumps(request.header).encode()))
    await replaced.take_over()
    await front.wait(lambda: bool(front.kinds(request.msg_id)), "its idle")
    assert front.kinds(request.msg_id) == ["idle"]


@pytest.mark.parametrize("idle", [False, True])
async def test_what_was_answered_and_not_noted_to_be_is_not_answered_again(replaced: Replaced, *, idle: bool) -> None:
    """As by a kernel host that was killed in between: what it had told outlives it."""
    request = await replaced.begin("x", 5)
    (begun,) = inflight.replay((replaced.first.folder / "inflight").read_bytes()).unanswered
    front = replaced.second.front
    front.holds.append(("shell", [b"client"], begun.header))
    if idle:
        front.ended.append(begun.header)
    await replaced.take_over()
    await replaced.second.greeted(1)
    after = replaced.second.run("1")
    replaced.subkernel.run(await replaced.subkernel.expect(), 6)
    await front.over(after)
    if not idle:
        await front.wait(lambda: bool(front.kinds(request.msg_id)), "its idle")
    assert front.kinds(request.msg_id) == ([] if idle else ["idle"])
    assert inflight.replay((replaced.second.folder / "inflight").read_bytes()).unanswered == []


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


async def test_a_cell_that_may_wait_for_an_input_that_nobody_was_asked_for_is_called_so(replaced: Replaced) -> None:
    request = await replaced.begin("x", 5)
    replaced.subkernel.behind_a_cell = True
    await replaced.take_over()
    await replaced.second.greeted(1)
    assert LOST_INPUT in await status(replaced.second)
    replaced.subkernel.ask_input(request)
    await replaced.second.front.prompt()
    assert LOST_INPUT not in await status(replaced.second), "its question stands open"


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
