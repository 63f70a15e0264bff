"""The five sockets of a connection file, with raw peers and a stock client."""

import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient

from actors.kernel.sockets.front import ZmqFront
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import AddressError
from beaker.wire import connection_file
from beaker.wire.compose import Composer
from beaker.wire.connection_file import ConnectionFile
from beaker.wire.parts import CONTENT, HEADER, Header, Parts, join, read_header, split
from beaker.wire.signing import Signer
from tests.actors.kernel.sockets.lines import Lines
from tests.kit.kernel_stage import until
from tests.kit.passing_time import pass_s

KEY = "a-key"
NEVER_S = 3600.0
"""Longer than any test."""
OPEN = ConnectionFile(shell_port=0, iopub_port=0, stdin_port=0, control_port=0, hb_port=0, key=KEY)


class Fronted:
    """A front, what it handed on, and peers of it."""

    def __init__(self, file: ConnectionFile = OPEN, *, rejoined_s: float = 0.0) -> None:
        self.log = Lines()
        self.taken: list[tuple[str, list[bytes], Header, Parts]] = []
        self.topics: list[bytes] = []
        self.lost: list[tuple[str, bytes, str]] = []
        self.unread: list[tuple[str, list[bytes], bytes]] = []
        self.on_subscribed: Callable[[bytes], None] = lambda _: None
        self.front = ZmqFront(file, self, max_message_bytes=1_000_000, rejoined_s=rejoined_s, log=self.log)
        self.file = msgspec.structs.replace(file, **self.front.chosen_ports)
        self.composer = Composer("client", "c")
        self._signer = Signer(file.key.encode())
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._peers: list[zmq.Socket[bytes]] = []

    def shell_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self.taken.append(("shell", idents, header, parts))

    def control_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self.taken.append(("control", idents, header, parts))

    def stdin_reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self.taken.append(("stdin", idents, header, parts))

    def subscribed(self, topic: bytes) -> None:
        self.topics.append(topic)
        self.on_subscribed(topic)

    def missed(self, count: int, parent: bytes) -> Parts:
        return self.composer.message("stream", {"name": "stderr", "text": f"{count} missed"}, parent=parent)

    def reply_lost(self, msg_type: str, parent: bytes, reason: str) -> None:
        self.lost.append((msg_type, parent, reason))

    def reply_waits(self, channel: str, idents: list[bytes], parent: bytes) -> None:
        self.unread.append((channel, idents, parent))

    def answer_lost(self, reply: Parts) -> Parts:
        raise AssertionError("nothing outlives the sockets")

    def reply_left(self, channel: str, parent: bytes) -> None:
        (left,) = [each for each in self.unread if (each[0], each[2]) == (channel, parent)]
        self.unread.remove(left)

    def dealer(self, channel: str, identity: bytes = b"me") -> "zmq.Socket[bytes]":
        """A raw peer of a channel."""
        peer = self._context.socket(zmq.DEALER)
        peer.linger = 0
        peer.setsockopt(zmq.IDENTITY, identity)
        peer.connect(self.file.address(getattr(self.file, f"{channel}_port")))
        self._peers.append(peer)
        return peer

    def subscriber(self, topic: bytes = b"", *, kind: int = zmq.SUB) -> "zmq.Socket[bytes]":
        """A raw peer of iopub."""
        peer = self._context.socket(kind)
        peer.linger = 0
        peer.rcvhwm = 0
        if kind == zmq.SUB:
            peer.subscribe(topic)
        peer.connect(self.file.address(self.file.iopub_port))
        self._peers.append(peer)
        return peer

    def signed(self, kind: str = "execute_request", content: object = None) -> list[bytes]:
        """The frames of a good message."""
        parts = self.composer.message(kind, content or {})
        return join([], self._signer.sign(parts), parts)

    def resigned(self, parts: Parts, key: str = KEY) -> list[bytes]:
        """These parts with a signature."""
        return join([], Signer(key.encode()).sign(parts), parts)

    def close(self) -> None:
        self.front.close()
        for peer in self._peers:
            peer.close()
        self._context.term()


@pytest.fixture
async def fronted() -> "Any":  # Any: an async generator, as pytest-asyncio takes it
    made = Fronted()
    yield made
    made.close()


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
async def test_a_request_is_handed_on_and_its_reply_comes_back_signed(fronted: Fronted, channel: str) -> None:
    peer = fronted.dealer(channel)
    frames = fronted.signed(content={"code": "1"})
    peer.send_multipart([*frames, b"", b"buffer"])
    await until(lambda: fronted.taken, "the request")
    ((where, idents, header, parts),) = fronted.taken
    assert (where, idents, header.msg_type) == (channel, [b"me"], "execute_request")
    assert parts == [*frames[2:], b"", b"buffer"]
    send = {"shell": fronted.front.send_shell, "control": fronted.front.send_control, "stdin": fronted.front.send_stdin}[channel]
    reply = [*fronted.composer.message("reply", {"a": 1}, parent=parts[HEADER]), b"", b"\xff"]
    send(idents, reply)
    await until(lambda: peer.poll(0), "the reply")
    _, signature, back = split(peer.recv_multipart())
    assert back == reply
    Signer(KEY.encode()).check(signature, back)


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_replies_that_wait_for_a_client_are_told_with_it_and_their_requests(fronted: Fronted, channel: str) -> None:
    peer = fronted.dealer(channel)
    peer.rcvhwm = 1
    peer.send_multipart(fronted.signed())
    await until(lambda: fronted.taken, "the request")
    ((_, idents, _, _),) = fronted.taken
    asked = [fronted.composer.message("request", {})[HEADER] for _ in range(30)]
    send = fronted.front.send_shell if channel == "shell" else fronted.front.send_control
    for header in asked:
        send(idents, [*fronted.composer.message("reply", {}, parent=header), bytes(1_000_000)])
    waiting = len(fronted.unread)
    assert 0 < waiting < 30
    assert fronted.unread == [(channel, idents, header) for header in asked[-waiting:]]
    for _ in asked:
        await until(lambda: peer.poll(0), "the next reply")
        peer.recv_multipart()
    await until(lambda: not fronted.unread, "that all was taken")


async def test_a_front_that_replaces_another_takes_requests_once_its_clients_can_listen_again() -> None:
    fronted = Fronted(rejoined_s=NEVER_S)
    try:
        fronted.front.pause_shell()
        fronted.front.resume_shell()
        heard: list[list[str]] = []
        fronted.on_subscribed = lambda _: heard.append([taken[0] for taken in fronted.taken])
        fronted.dealer("shell").send_multipart(fronted.signed())
        fronted.dealer("control", b"other").send_multipart(fronted.signed())
        fronted.dealer("stdin").send_multipart(fronted.signed())
        await until(lambda: fronted.taken, "what is no request")
        fronted.subscriber()
        await until(lambda: heard, "the subscription")
        await pass_s(NEVER_S)
        await until(lambda: len(fronted.taken) == 3, "the requests")
        assert [taken[0] for taken in fronted.taken] == ["stdin", "control", "shell"]
        assert heard == [["stdin"]], "who sent them listens when they are taken"
    finally:
        fronted.close()


async def test_while_shell_is_paused_clients_wait_and_the_other_channels_are_read(fronted: Fronted) -> None:
    fronted.front.pause_shell()
    shell = fronted.dealer("shell")
    shell.sndhwm = 1
    sent = 0
    while shell.poll(1000, zmq.POLLOUT):
        shell.send_multipart([*fronted.signed(), bytes(500_000)])
        sent += 1
        assert sent < 100, "50 MB, where the system's buffers take a few"
    for channel in ("control", "stdin"):
        fronted.dealer(channel).send_multipart(fronted.signed())
    await until(lambda: len(fronted.taken) == 2, "those of the other channels")
    assert {taken[0] for taken in fronted.taken} == {"control", "stdin"}
    fronted.front.resume_shell()
    await until(lambda: len(fronted.taken) == 2 + sent, "what waited")


async def test_a_reply_goes_to_the_client_that_asked(fronted: Fronted) -> None:
    one, two = fronted.dealer("shell", b"one"), fronted.dealer("shell", b"two")
    for peer in (one, two):
        peer.send_multipart(fronted.signed())
    await until(lambda: len(fronted.taken) == 2, "both requests")
    fronted.front.send_shell([b"two"], fronted.composer.message("reply", {}))
    await until(lambda: two.poll(0), "the reply")
    assert not one.poll(0)


def junk(fronted: Fronted) -> dict[str, list[bytes]]:
    """Messages that must not get through, by what is wrong with them."""
    good = fronted.signed()
    parts = good[2:]
    named = fronted.composer.header("execute_request")
    no_id = msgspec.json.encode({**named, "msg_id": ""})
    no_type = msgspec.json.encode({**named, "msg_type": ""})
    return {
        "among its 2 frames": [b""],
        "among its 4 frames": [b"one", b"two", b"three"],
        "at least 5 are needed": good[:4],
        "it is not signed": [good[0], b"", *parts],
        "does not match the key": fronted.resigned(parts, "another key"),
        "signature does not match": [good[0], good[1], *parts[:CONTENT], b'{"code":"changed"}'],
        "unreadable header": fronted.resigned([b"{", *parts[1:]]),
        "unreadable header: maximum recursion": fronted.resigned([b'{"x":' + b"[" * 100_000, *parts[1:]]),
        "no msg_id or no msg_type": fronted.resigned([no_id, *parts[1:]]),
        "has no msg_id or no": fronted.resigned([no_type, *parts[1:]]),
    }


async def test_junk_of_each_kind_is_dropped_counted_and_never_answered(fronted: Fronted) -> None:
    peer = fronted.dealer("shell")
    sent = junk(fronted)
    for frames in sent.values():
        peer.send_multipart(frames)
    peer.send_multipart(fronted.signed("kernel_info_request"))
    await until(lambda: fronted.taken, "the good one")
    assert [header.msg_type for _, _, header, _ in fronted.taken] == ["kernel_info_request"]
    assert [line["times"] for line in fronted.log.warnings] == list(range(1, len(sent) + 1))
    for line, reason in zip(fronted.log.warnings, sent, strict=True):
        assert reason in str(line["reason"])
        assert line["channel"] == "shell"
    assert not peer.poll(0)


async def test_a_replay_is_dropped_on_whatever_channel_it_comes(fronted: Fronted) -> None:
    frames = fronted.signed()
    for channel in ("shell", "control", "stdin"):
        peer = fronted.dealer(channel)
        peer.send_multipart(frames)
        peer.send_multipart(frames)
    await until(lambda: len(fronted.log.warnings) == 5, "all replays")
    assert len(fronted.taken) == 1
    assert {str(line["reason"]) for line in fronted.log.warnings} == {"it is a replay: its signature was seen before"}


async def test_a_flood_of_junk_is_logged_at_its_start_and_then_by_the_thousand(fronted: Fronted) -> None:
    peer = fronted.dealer("shell")
    for _ in range(2050):
        peer.send(b"junk")
    peer.send_multipart(fronted.signed())
    await until(lambda: fronted.taken, "the good one")
    assert [line["times"] for line in fronted.log.warnings] == [*range(1, 21), 1000, 2000]


async def test_without_a_key_nothing_is_signed_and_nothing_refused() -> None:
    fronted = Fronted(msgspec.structs.replace(OPEN, key=""))
    try:
        peer = fronted.dealer("shell")
        parts = fronted.composer.message("kernel_info_request", {})
        for _ in range(2):
            peer.send_multipart(join([], b"", parts))
        await until(lambda: len(fronted.taken) == 2, "both")
        fronted.front.send_shell([b"me"], parts)
        await until(lambda: peer.poll(0), "the reply")
        assert split(peer.recv_multipart()).signature == b""
    finally:
        fronted.close()


async def test_each_new_subscriber_is_greeted_also_of_a_topic_that_has_one(fronted: Fronted) -> None:
    for count in (1, 2, 3):
        fronted.subscriber()
        await until(lambda: len(fronted.topics) == count, "the subscription")  # noqa: B023 - awaited within the turn
    fronted.subscriber(b"kernel.status")
    await until(lambda: len(fronted.topics) == 4, "the subscription")
    assert fronted.topics == [b"", b"", b"", b"kernel.status"]


async def test_the_welcome_is_the_first_that_a_subscriber_hears_also_in_a_flood(fronted: Fronted) -> None:
    """JEP 65: what came before it may be missing, what comes after it is not."""
    front = fronted.front
    flood = fronted.composer.message("stream", {"text": "x"})
    fronted.on_subscribed = lambda topic: front.publish([topic], fronted.composer.message("iopub_welcome", {}))
    peers = []
    for count in range(1, 6):
        peers.append(fronted.subscriber())

        def flooded(wanted: int = count) -> bool:
            for _ in range(2000):
                front.publish([b"stream"], flood)
            return len(fronted.topics) == wanted

        await until(flooded, "the subscription")
    for peer in peers:
        assert read_header(split(peer.recv_multipart()).parts[HEADER]).msg_type == "iopub_welcome"


async def test_a_subscription_that_is_taken_back_and_one_of_a_client_that_left_are_over(fronted: Fronted) -> None:
    one, two = fronted.subscriber(b"a"), fronted.subscriber(b"a")
    await until(lambda: len(fronted.topics) == 2, "both")
    one.unsubscribe(b"a")
    one.subscribe(b"b")
    two.close()
    await until(lambda: len(fronted.topics) == 3, "the other topic")
    fronted.front.publish([b"a"], fronted.composer.message("stream", {}))
    fronted.front.publish([b"b"], fronted.composer.message("stream", {}))
    await until(lambda: one.poll(0), "the message")
    assert one.recv_multipart()[0] == b"b"


async def test_what_is_no_subscription_is_ignored_on_iopub(fronted: Fronted) -> None:
    hostile = fronted.subscriber(kind=zmq.XSUB)
    for junk in (b"", b"\x05junk", b"\x01hers"):
        hostile.send(junk)
    await until(lambda: fronted.topics, "the subscription")
    client = fronted.subscriber(b"mine")
    await until(lambda: fronted.topics == [b"hers", b"mine"], "the other subscription")
    fronted.front.publish([b"mine"], fronted.composer.message("stream", {}))
    await until(lambda: client.poll(0), "the message")


async def test_whoever_reaches_the_shell_socket_reaches_the_others_too(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients try to connect while a kernel starts: of a cell whose sender cannot hear yet nobody would hear the end."""
    there: list[set[str]] = []
    bind = EdgeSocket.bind

    def look_and_bind(self: EdgeSocket, address: str) -> int | None:
        there.append({path.name for path in short_folder.iterdir()})
        return bind(self, address)

    monkeypatch.setattr(EdgeSocket, "bind", look_and_bind)
    ports = ConnectionFile(
        transport="ipc", ip=f"{short_folder}/s", shell_port=1, iopub_port=2, stdin_port=3, control_port=4, hb_port=5, key=KEY
    )
    Fronted(ports).close()
    assert there[-1] == {"s-2", "s-3", "s-4", "s-5"}


async def test_ports_left_open_are_chosen_and_can_be_written_back(fronted: Fronted, tmp_path: Path) -> None:
    chosen = fronted.front.chosen_ports
    assert set(chosen) == {"shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"}
    assert len(set(chosen.values())) == 5
    path = tmp_path / "kernel.json"
    path.write_bytes(msgspec.json.encode(OPEN))
    path.chmod(0o600)
    connection_file.write_ports(str(path), path.read_bytes(), chosen)
    assert connection_file.read(str(path)) == fronted.file


async def test_named_ports_are_taken_and_not_reported(fronted: Fronted) -> None:
    file = fronted.file
    fronted.front.close()
    again = Fronted(file)
    assert again.front.chosen_ports == {}
    again.close()


@pytest.mark.parametrize("channel", ["shell", "iopub", "stdin", "control", "hb"])
async def test_a_port_that_is_taken_is_named_and_nothing_stays_open(fronted: Fronted, channel: str) -> None:
    taken = getattr(fronted.file, f"{channel}_port")
    blocked = msgspec.structs.replace(OPEN, **{f"{channel}_port": taken})
    with pytest.raises(AddressError, match=f"cannot listen on tcp://127.0.0.1:{taken}: Address already in use"):
        Fronted(blocked)


@pytest.fixture
def keys() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


async def test_a_curve_client_is_served_on_all_five_sockets_and_one_without_is_not(keys: tuple[str, str]) -> None:
    key = secrets.token_hex(16)
    fronted = Fronted(msgspec.structs.replace(OPEN, key=key, curve_publickey=keys[0], curve_secretkey=keys[1]))
    client = AsyncKernelClient()
    client.load_connection_info(msgspec.to_builtins(fronted.file))
    client.start_channels()
    try:
        plain = fronted.dealer("shell")
        plain.send_multipart(fronted.signed())
        fronted.on_subscribed = lambda _: fronted.front.publish([b"x"], fronted.composer.message("iopub_welcome", {}))
        client.kernel_info()
        client.control_channel.send(client.session.msg("usage_request", {}))
        client.input("answer")
        await until(lambda: len(fronted.taken) == 3, "a request on each channel")
        assert {channel for channel, *_ in fronted.taken} == {"shell", "control", "stdin"}
        for channel, idents, _, parts in fronted.taken:
            if channel == "shell":
                fronted.front.send_shell(idents, fronted.composer.message("kernel_info_reply", {}, parent=parts[HEADER]))
        assert (await client.get_shell_msg(timeout=60))["msg_type"] == "kernel_info_reply"
        assert (await client.get_iopub_msg(timeout=60))["msg_type"] == "iopub_welcome"
        await until(client.hb_channel.is_beating, "the heartbeat")
        assert b"me" not in {idents[0] for _, idents, _, _ in fronted.taken}
    finally:
        client.stop_channels()
        client.context.destroy(linger=0)
        fronted.close()


async def test_a_topic_that_would_cost_much_memory_closes_its_peer(fronted: Fronted) -> None:
    """As bytes of ZMTP 3.0: a libzmq that has subscribed to such a topic may crash when it forgets it."""
    greeting = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    with socket.create_connection(("127.0.0.1", fronted.file.iopub_port), timeout=60) as hostile, contextlib.suppress(ConnectionError):
        hostile.sendall(greeting)
        hostile.recv(len(greeting), socket.MSG_WAITALL)
        hostile.sendall(b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB")
        hostile.sendall(b"\x02" + (500_001).to_bytes(8, "big") + b"\x01" + bytes(500_000))
        while hostile.recv(1000):
            pass
    reader = fronted.subscriber()
    await until(lambda: b"" in fronted.topics, "a subscription")
    assert fronted.topics == [b""]
    fronted.front.publish([b"x"], fronted.composer.message("status", {}))
    await until(lambda: reader.poll(0), "a message")
