"""The subkernel's iopub: relayed in order, and what is private to us is seen by nobody."""

import msgspec
import pytest

from beaker.settings.key import KeyFacts
from beaker.wire.compose import status
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import ScriptedSubkernel


async def test_a_thousand_outputs_come_in_their_order_under_their_topics(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    sent = [subkernel.publish("stream", {"name": "stdout", "text": str(number)}, request) for number in range(1000)]
    subkernel.end(request, 1)
    await stage.front.over(msg_id)
    streams = [message for message in stage.front.about(msg_id) if message.kind == "stream"]
    assert [message.parts for message in streams] == sent
    assert {tuple(message.idents) for message in streams} == {(b"kernel.stream",)}


async def test_private_requests_are_seen_by_nobody(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    ours = stage.run("%beaker help")
    comment = await subkernel.expect()
    subkernel.begin(comment, 1)
    subkernel.publish("stream", {"name": "stderr", "text": "a hook of the user's"}, comment)
    subkernel.end(comment, 1)
    theirs = stage.run("1")
    subkernel.run(await subkernel.expect(), 2)
    await stage.front.over(theirs)
    known = {ours, theirs, ""}
    assert {sent.parent_id for sent in stage.front.sent} <= known
    assert "stream" not in stage.front.kinds(ours)
    assert "beaker-0123456789ab" not in {sent.header["session"] for sent in stage.front.sent}


async def test_output_that_comes_after_idle_is_relayed(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("x")
    request = await subkernel.expect()
    subkernel.run(request, 1)
    await stage.front.over(msg_id)
    late = subkernel.publish("stream", {"name": "stdout", "text": "of a thread"}, request)
    assert (await stage.front.output(msg_id, "stream")).parts == late


@pytest.mark.parametrize(
    ("kind", "content"), [("status", '{"execution_state": 7}'), ("execute_input", '{"execution_count": "x"}'), ("stream", "{")]
)
async def test_what_cannot_be_read_is_relayed_all_the_same(
    stage: KernelStage, subkernel: ScriptedSubkernel, kind: str, content: str
) -> None:
    msg_id = stage.run("x")
    request = await subkernel.expect()
    odd = subkernel.publish(kind, msgspec.Raw(content.encode()), request)
    subkernel.run(request, 1)
    await stage.front.over(msg_id)
    assert odd in [sent.parts for sent in stage.front.sent]


async def test_junk_of_a_subkernel_is_dropped(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    for frames in ([b"x"], [b"t", b"<IDS|MSG>", b""], [b"t", b"<IDS|MSG>", b"", b"{", b"{}", b"{}", b"{}"]):
        subkernel.send_raw("iopub", frames)
    subkernel.publish("status", status("idle"))
    await stage.front.wait(lambda: bool(stage.front.sent), "the status")
    assert [sent.kind for sent in stage.front.sent] == ["idle"]


async def test_a_new_subscriber_is_welcomed_under_its_topic(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    for topic in (b"", b"kernel.status"):
        stage.actor.subscribed(topic)
    told = [(sent.idents, sent.kind, sent.content["subscription"], sent.parent_id) for sent in stage.front.sent]
    assert told == [([], "iopub_welcome", "", ""), ([b"kernel.status"], "iopub_welcome", "kernel.status", "")]


async def test_a_cell_that_misses_the_variable_of_the_key_is_told_so_once(stage: KernelStage) -> None:
    facts = KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY")
    stage.loaded = msgspec.structs.replace(stage.loaded, key=facts, user_file="/home/me/.config/beaker/beaker.toml")
    subkernel = await stage.ready()
    shown: list[list[str]] = []
    for number, evalue in enumerate(("name 'x' is not defined", "'OPENAI_API_KEY'", "'OPENAI_API_KEY'")):
        msg_id = stage.run("os.environ['OPENAI_API_KEY']")
        request = await subkernel.expect()
        subkernel.begin(request, number)
        traceback = ["----> 1 os.environ['OPENAI_API_KEY']"]
        error = subkernel.publish("error", {"ename": "KeyError", "evalue": evalue, "traceback": traceback}, request)
        subkernel.end(request, number)
        await stage.front.over(msg_id)
        about = stage.front.about(msg_id)
        assert error in [sent.parts for sent in about], "byte for byte"
        shown.append([sent.content["text"] for sent in about if sent.kind == "stream"])
    assert shown[0] == shown[2] == []
    assert shown[1] == [
        "beaker: cells do not get OPENAI_API_KEY, because beaker took the model's key from it. To give it to them, put "
        'keep_env = ["OPENAI_API_KEY"] under [subkernel] in /home/me/.config/beaker/beaker.toml and restart the kernel.\n'
    ]


async def test_where_no_variable_was_taken_nothing_is_said(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("os.environ['OPENAI_API_KEY']")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    subkernel.publish("error", {"ename": "KeyError", "evalue": "'OPENAI_API_KEY'", "traceback": []}, request)
    subkernel.end(request, 1)
    await stage.front.over(msg_id)
    assert "stream" not in stage.front.kinds(msg_id)
