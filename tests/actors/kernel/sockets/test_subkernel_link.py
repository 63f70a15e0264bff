"""The link to one life of a subkernel: what it signs, checks, asks by itself, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from actors.kernel.sockets.outputs import FLOOD
from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.sockets.zmq_edge import BURST
from beaker.messages.subkernel import Connection
from beaker.wire.compose import Composer, status
from beaker.wire.parts import CONTENT, Header, Parts, join
from beaker.wire.signing import Signer
from tests.kit.kernel_stage import until
from tests.kit.scripted_subkernel import KEY, ScriptedSubkernel


class Heard:
    """Keeps what the link hands on."""

    def __init__(self) -> None:
        self.iopub: list[str] = []
        self.private: list[str] = []
        self.replies: list[Parts] = []
        self.dropped: list[tuple[str, str]] = []

    def shell_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        self.replies.append(parts)

    def control_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        self.replies.append(parts)

    def input_request(self, parent: Header, parts: Parts) -> None:
        self.replies.append(parts)

    def iopub_message(self, topic: list[bytes], header: Header, parent: Header, parts: Parts) -> None:
        self.iopub.append(header.msg_type)

    def private_iopub(self, header: Header, parent: Header, parts: Parts) -> None:
        self.private.append(header.msg_type)

    def shell_flushed(self) -> None:
        """Nothing was held back."""

    def drop(self, channel: str, reason: str) -> None:
        self.dropped.append((channel, reason))


@pytest.fixture
async def subkernel(short_folder: Path) -> ScriptedSubkernel:
    return ScriptedSubkernel(short_folder)


@pytest.fixture
async def heard() -> Heard:
    return Heard()


def connect(subkernel: ScriptedSubkernel, heard: Heard, *, key: str = KEY) -> SubkernelLink:
    connection = msgspec.structs.replace(subkernel.connection, key=key)
    return SubkernelLink(connection, heard, identity=b"beaker-1", private=Composer("private", "p"), on_dropped=heard.drop)


@pytest.fixture
async def link(subkernel: ScriptedSubkernel, heard: Heard) -> AsyncIterator[SubkernelLink]:
    made = connect(subkernel, heard)
    yield made
    made.close()
    subkernel.die()


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_its_own_requests_are_answered_to_whoever_asks_and_nobody_else(
    subkernel: ScriptedSubkernel, heard: Heard, link: SubkernelLink, channel: str
) -> None:
    await subkernel.listened()
    reply = await link.ask(channel, "kernel_info_request", {})
    assert b"A scripted kernel" in reply[CONTENT]
    assert heard.replies == []
    await until(lambda: heard.private == ["status", "status"], "the echo on iopub")
    assert heard.iopub == []


async def test_iopub_is_live_with_its_first_message_be_it_a_welcome(
    subkernel: ScriptedSubkernel, heard: Heard, link: SubkernelLink
) -> None:
    assert not link.iopub_is_live.done()
    await subkernel.listened()
    subkernel.publish("iopub_welcome", {})
    await until(link.iopub_is_live.done, "the welcome")
    subkernel.publish("status", status("idle"))
    await until(lambda: heard.iopub == ["status"], "the status without the welcome")


async def test_whoever_waits_for_an_answer_hears_that_the_subkernel_is_gone(short_folder: Path, heard: Heard) -> None:
    mute = ScriptedSubkernel(short_folder, answers=False)
    link = connect(mute, heard)
    asking = [asyncio.ensure_future(link.ask(channel, "kernel_info_request", {})) for channel in ("shell", "control")]
    await mute.expect("kernel_info_request")
    await mute.expect("kernel_info_request")
    link.close()
    for each in asking:
        with pytest.raises(SubkernelGone):
            await each
    mute.die()


async def test_a_link_that_is_closed_cannot_be_asked(subkernel: ScriptedSubkernel, heard: Heard) -> None:
    link = connect(subkernel, heard)
    link.close()
    with pytest.raises(SubkernelGone):
        await asyncio.wait_for(link.ask("control", "kernel_info_request", {}), 60)
    subkernel.die()


async def test_the_heartbeat_is_asked_once_until_it_echoes(subkernel: ScriptedSubkernel, link: SubkernelLink) -> None:
    before = link.heartbeat_at
    link.ping()
    await until(lambda: link.heartbeat_at > before, "the echo")
    subkernel.beats = False
    link.ping()
    link.ping()
    silent_since = link.heartbeat_at
    await link.ask("control", "kernel_info_request", {})
    assert link.heartbeat_at == silent_since


async def test_a_subkernel_on_tcp_is_believed_only_with_its_signature(heard: Heard) -> None:
    """Behind ipc only this user can enter; a tcp port is open to all."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    iopub = context.socket(zmq.PUB)
    others = {name: context.socket(zmq.ROUTER) for name in ("shell", "stdin", "control", "hb")}
    ports: dict[str, Any] = {
        f"{name}_port": socket.bind_to_random_port("tcp://127.0.0.1") for name, socket in {"iopub": iopub, **others}.items()
    }
    connection = Connection(transport="tcp", ip="127.0.0.1", key="k", **ports)
    link = SubkernelLink(connection, heard, identity=b"beaker-1", private=Composer("private", "p"), on_dropped=heard.drop)
    theirs = Composer("theirs", "t")
    parts = theirs.message("stream", {"text": "x"})
    try:

        def told() -> bool:
            iopub.send_multipart(join([b"t"], Signer(b"other").sign(parts), parts))
            iopub.send_multipart(join([b"t"], Signer(b"k").sign(parts), parts))
            return bool(heard.iopub and heard.dropped)  # the subscription may begin between the two

        await until(told, "a good and a bad message")
        assert set(heard.iopub) == {"stream"}
        assert {channel for channel, _ in heard.dropped} == {"iopub"}
    finally:
        link.close()
        context.destroy(linger=0)


async def test_last_words_are_relayed_however_much_waits(
    link: SubkernelLink, subkernel: ScriptedSubkernel, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.kernel.sockets.outputs.RELAY_BYTES", 1)
    await subkernel.listened()
    for number in range(50):
        subkernel.publish(f"kind-{number}", {})
    subkernel.publish("last", {})

    def drained() -> bool:
        link.drain()
        return heard.iopub[-1:] == ["last"] and not link.drained

    await until(drained, "the last one")
    assert [kind for kind in heard.iopub if kind.startswith("kind")] == [f"kind-{number}" for number in range(50)]


async def test_what_a_flood_printed_before_a_reply_is_heard_before_it(
    link: SubkernelLink, subkernel: ScriptedSubkernel, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outputs of a flood gather for a moment; here for longer than the test lasts."""
    monkeypatch.setattr("actors.kernel.sockets.outputs.REST_S", 3600.0)
    await subkernel.listened()
    for _ in range(FLOOD):
        subkernel.publish("stream", {})
    await until(lambda: len(heard.iopub) == FLOOD, "the flood")
    for number in range(3 * BURST):
        subkernel.publish(f"more-{number}", {})
    subkernel.publish("last", {})
    for _ in range(2):  # turns of the threads that carry them: nobody can see them arrive, that is the point
        before = link.heartbeat_at
        link.ping()
        await until(lambda: link.heartbeat_at > before, "an echo")  # noqa: B023 - awaited within the turn
    assert heard.iopub[-1] != "last"
    await link.ask("shell", "kernel_info_request", {})
    assert heard.iopub[-1] == "last"


async def test_outputs_are_relayed_at_once_again_after_the_status_that_ends_a_flood(
    link: SubkernelLink, subkernel: ScriptedSubkernel, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.kernel.sockets.outputs.REST_S", 3600.0)
    await subkernel.listened()
    for kind in [*["stream"] * FLOOD, "status"]:
        subkernel.publish(kind, {})
    await until(lambda: link.drain() or heard.iopub[-1:] == ["status"], "the status")
    await link.ask("shell", "kernel_info_request", {})
    for number in range(FLOOD - 1):
        subkernel.publish("stream", {})
        await until(lambda: len(heard.iopub) == FLOOD + number + 2, "the next one")  # noqa: B023 - awaited within the turn
