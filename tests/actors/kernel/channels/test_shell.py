"""The shell channel: requests there, replies back to who asked, every byte as it came."""

import json

import pytest

from actors.kernel.sockets import backlog
from actors.kernel.sockets.subkernel_link import SubkernelLink
from beaker.messages.subkernel import Died
from beaker.wire.parts import CONTENT, HEADER, METADATA, PARENT
from tests.kit.kernel_stage import KernelStage, cell, until
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def fill(stage: KernelStage) -> int:
    """Send until clients are not read any more; returns how many messages it were.

    With a limit of 200 that holds: no more than 50 of these are on the way to a subkernel that does not read.
    """
    sent = 0
    while stage.front.reads():
        stage.request("comm_msg", {"comm_id": "c", "data": "x" * 10_000})
        sent += 1
        if sent % 50 == 0:
            await stage.settle()
    return sent


async def test_a_request_reaches_the_subkernel_as_the_bytes_it_came_in(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    sent = stage.compose(
        "execute_request",
        cell("x = 1"),
        metadata={"cellId": "a", "deletedCells": [], "recordTiming": True},
        header={"subshell_id": "sub-1", "x-trace": {"deep": [1, 2]}},
        buffers=(b"", b"\x00\xff" * 100, b""),
    )
    stage.send(sent)
    assert (await subkernel.expect()).parts == sent


async def test_a_reply_and_its_outputs_come_back_as_the_bytes_they_were_sent_in(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.request("execute_request", cell("x"), header={"x-trace": "kept"})
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    output = subkernel.publish(
        "display_data", {"data": {"text/plain": "é"}}, request, metadata={"a": [None]}, buffers=(b"", b"pixels", b"")
    )
    reply = subkernel.reply(
        request, {"status": "ok", "execution_count": 1}, metadata={"started": "t", "engine": "e", "dependencies_met": True}, buffers=(b"",)
    )
    subkernel.idle(request)
    assert await stage.front.over(msg_id)
    assert (await stage.front.reply(msg_id)).parts == reply
    assert (await stage.front.output(msg_id, "display_data")).parts == output
    assert json.loads(reply[PARENT])["x-trace"] == "kept"


async def test_a_cell_has_one_reply_one_busy_first_and_one_idle_last(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    kinds = await stage.front.over(msg_id)
    assert sorted(kinds) == ["busy", "execute_input", "execute_reply", "idle"]
    assert [kind for kind in kinds if kind != "execute_reply"] == ["busy", "execute_input", "idle"]


async def test_two_clients_each_get_their_own_replies(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    ids = {client: stage.run("1", client=client) for client in (b"one", b"two")}
    requests = [await subkernel.expect(), await subkernel.expect()]
    for request in reversed(requests):
        subkernel.run(request, 1)
    for client, msg_id in ids.items():
        assert (await stage.front.reply(msg_id)).idents == [client]


async def test_a_second_reply_and_one_to_nobody_go_nowhere(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("1")
    request = await subkernel.expect()
    subkernel.run(request, 1)
    subkernel.reply(request, {"status": "error"})
    unknown = request._replace(parts=[*stage.compose("execute_request", cell("2"))])
    subkernel.reply(unknown)
    last = stage.run("3")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(last)
    assert [sent.parent_id for sent in stage.front.sent if sent.channel == "shell"] == [msg_id, last]


async def test_comm_messages_pass_both_ways_with_their_buffers(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.request("comm_msg", {"comm_id": "c", "data": {}}, buffers=(b"up", b""))
    request = await subkernel.expect("comm_msg")
    assert request.parts[4:] == [b"up", b""]
    subkernel.busy(request)
    subkernel.publish("comm_msg", {"comm_id": "c", "data": {}}, request, buffers=(b"", b"down"))
    subkernel.idle(request)
    answer = await stage.front.output(request.msg_id, "comm_msg")
    assert answer.buffers == [b"", b"down"]


async def test_kernel_info_says_that_beaker_is_there_and_nothing_else_is_changed(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    subkernel.answers = False
    for channel in ("shell", "control"):
        msg_id = stage.request("kernel_info_request", {}, channel=channel)
        request = await subkernel.expect("kernel_info_request")
        subkernel.busy(request)
        reply = subkernel.reply(request, subkernel.info, metadata={"m": 1}, buffers=(b"b",))
        subkernel.idle(request)
        told = await stage.front.reply(msg_id)
        assert told.channel == channel
        banner = "A scripted kernel\nbeaker: ask with %%ai, help with %beaker help\n"
        assert told.content == {**subkernel.info, "banner": banner}
        kept = (HEADER, PARENT, METADATA, 4)
        assert [told.parts[index] for index in kept] == [reply[index] for index in kept]


async def test_requests_wait_for_the_first_subkernel_and_leave_in_order(stage: KernelStage) -> None:
    await stage.open()
    waiting = [stage.run(str(number)) for number in range(5)]
    await stage.attach()
    waiting.append(stage.run("5"))
    subkernel = await stage.start_subkernel()
    assert [(await subkernel.expect()).msg_id for _ in waiting] == waiting
    assert stage.front.reads()


@pytest.mark.parametrize("limit", [("LIMIT_MESSAGES", 3), ("LIMIT_BYTES", 25_000)])
async def test_clients_are_not_read_while_too_much_waits_for_a_subkernel(
    stage: KernelStage, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(backlog, *limit)
    await stage.open()
    await stage.attach()
    codes = [f"{number} # {'x' * 9_000}" for number in range(3)]
    stage.run(codes[0])
    stage.run(codes[1])
    assert stage.front.reads()
    stage.run(codes[2])
    assert not stage.front.reads()
    subkernel = await stage.start_subkernel()
    assert [(await subkernel.expect()).content["code"] for _ in range(3)] == codes
    assert stage.front.reads()


@pytest.mark.parametrize("limit", [("LIMIT_MESSAGES", 200), ("LIMIT_BYTES", 2_000_000)])
async def test_clients_are_not_read_while_the_subkernel_takes_no_more(
    stage: KernelStage, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(backlog, *limit)
    subkernel = await stage.ready()
    subkernel.pause("shell")
    sent = await fill(stage)
    subkernel.resume("shell")
    await until(lambda: len(subkernel.received) == sent, "all of them")
    await until(stage.front.reads, "reading on")


async def test_what_waited_for_a_subkernel_that_takes_no_more_either_lets_nobody_be_read(
    stage: KernelStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 3)
    await stage.open()
    await stage.attach()
    await fill(stage)
    with monkeypatch.context() as full:
        full.setattr(SubkernelLink, "shell_is_full", True)
        await stage.start_subkernel()
        assert not stage.front.reads()
    stage.actor.shell_flushed()
    assert stage.front.reads()


async def test_the_death_of_a_subkernel_that_took_no_more_lets_clients_be_read(stage: KernelStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 200)
    subkernel = await stage.ready()
    subkernel.pause("shell")
    await fill(stage)
    stage.tell(Died(generation=1, reason="killed", at=0.0, stderr_tail="", restarting=True))
    await until(stage.front.reads, "reading on")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"silent": "perhaps"}', b'{"silent":' + b"[" * 100_000, b'{"code":"%beaker \xff"}'])
async def test_an_execute_request_that_cannot_be_read_harms_nothing(
    stage: KernelStage, subkernel: ScriptedSubkernel, content: bytes
) -> None:
    parts = stage.compose("execute_request", {})
    parts[CONTENT] = content
    stage.send(parts)
    msg_id = stage.run("1")
    while (request := await subkernel.expect()).msg_id != msg_id:
        continue
    subkernel.run(request, 1)
    assert (await stage.front.reply(msg_id)).content["status"] == "ok"


async def test_what_belongs_to_a_request_that_nobody_made_is_relayed_on_iopub_only(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.run("1")
    stranger = (await subkernel.expect())._replace(parts=stage.compose("execute_request", cell("x"), client=b"stranger"))
    subkernel.run(stranger, 1)
    assert await stage.front.output(stranger.msg_id, "idle")
    assert [sent.channel for sent in stage.front.about(stranger.msg_id)] == ["iopub"] * 3


@pytest.mark.parametrize("clients", [(b"one", b"two"), (b"one", b"one")])
async def test_requests_with_the_same_id_each_get_their_reply(
    stage: KernelStage, subkernel: ScriptedSubkernel, clients: tuple[bytes, bytes]
) -> None:
    for number, client in enumerate(clients):
        stage.request("execute_request", cell(str(number)), client=client, header={"msg_id": "same"})
    for number in (1, 2):
        subkernel.run(await subkernel.expect(), number)
    await stage.front.wait(lambda: len([sent for sent in stage.front.sent if sent.channel == "shell"]) == 2, "both replies")
    replies = [sent for sent in stage.front.sent if sent.channel == "shell"]
    assert [(sent.idents, sent.content["execution_count"]) for sent in replies] == [([clients[0]], 1), ([clients[1]], 2)]


UNREADABLE_CELLS = [(rb'{"code": "a\ud83d b"}', "half a character"), (b"[1", "cannot be read"), (b"{" * 9, "cannot be read")]


@pytest.mark.parametrize(("content", "words"), UNREADABLE_CELLS)
async def test_a_cell_that_cannot_be_read_is_answered_in_words_and_the_next_one_runs(
    stage: KernelStage, subkernel: ScriptedSubkernel, content: bytes, words: str
) -> None:
    parts = stage.compose("execute_request", cell("x"))
    parts[CONTENT] = content
    msg_id = stage.send(parts)
    assert stage.front.kinds(msg_id) == ["busy", "error", "execute_reply", "idle"]
    told = (await stage.front.reply(msg_id)).content
    assert (told["status"], told["ename"], words in told["evalue"]) == ("error", "UnreadableCell", True)
    following = stage.run("2")
    assert (await subkernel.expect("execute_request")).msg_id == following


async def test_a_cell_with_what_only_python_takes_for_json_runs(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    parts = stage.compose("execute_request", cell("x"))
    parts[CONTENT] = b'{"code": "1", "silent": false, "more": NaN}'
    stage.send(parts)
    assert (await subkernel.expect("execute_request")).parts == parts


async def test_a_silent_cell_that_cannot_be_read_shows_no_error(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    parts = stage.compose("execute_request", cell("x"))
    parts[CONTENT] = rb'{"code": "\ud83d", "silent": true}'
    assert stage.front.kinds(stage.send(parts)) == ["busy", "execute_reply", "idle"]
