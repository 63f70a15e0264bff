"""How a link begins: who is let in, and what is said to the others."""

import asyncio
import os
import socket

import msgspec
import pytest

from actors.runtime.failures import Unreachable
from actors.runtime.frames import HELLO, WELCOME, frame
from actors.runtime.greeting import HELLO_LIMIT_S
from actors.runtime.hello import Hello, Peer, Refusal, Refused
from actors.runtime.kit import PATIENCE_S, ManualClock, Probe
from actors.runtime.listener import AddressTaken
from actors.runtime.node import Node
from tests.actors.runtime.linking import SECRET, connect, listen
from tests.actors.runtime.vocabulary import (
    Double,
    Doubled,
    Note,
    Vocabulary,
    Worker,
    codec,
)


async def test_a_wrong_secret_is_refused_and_both_sides_learn_of_it(server: Node, client: Node, path: str) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    with pytest.raises(Refused, match="secret") as caught:
        await client.connect(path, codec=codec, secret=b"open barley", timeout_s=PATIENCE_S)
    assert caught.value.refusal.code == "secret"
    assert refused == [caught.value.refusal]


async def test_unequal_protocols_are_refused_with_both_numbers(server: Node, path: str) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    older = Node("client", protocol=2)
    with pytest.raises(Refused, match="protocol 3, the other 2") as caught:
        await older.connect(path, codec=codec, secret=SECRET, timeout_s=PATIENCE_S)
    assert (caught.value.refusal.code, caught.value.refusal.protocol) == ("protocol", 3)
    assert refused == [caught.value.refusal]


async def test_the_table_of_roles_has_its_say(server: Node, client: Node, path: str) -> None:
    seen: list[Peer] = []

    def admit(peer: Peer) -> Refusal | None:
        seen.append(peer)
        return Refusal("peer", f"pid {peer.pid} is no agent of ours")

    await server.listen(path, codec=codec, admit=admit, secret=SECRET)
    with pytest.raises(Refused, match="no agent of ours"):
        await connect(client, path)
    assert seen == [Peer(uid=os.getuid(), pid=os.getpid(), role="client", protocol=3)]


async def test_another_uid_gets_no_secret_and_no_link(server: Node, client: Node, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[Refusal] = []
    await listen(server, path, refused)
    monkeypatch.setattr("actors.runtime.hello.own_uid", lambda: os.getuid() + 1)
    with pytest.raises(Refused, match="no business here"):
        await connect(client, path)
    assert [refusal.code for refusal in refused] == ["uid"]
    monkeypatch.setattr("actors.runtime.greeting.own_uid", lambda: os.getuid() + 1)
    with pytest.raises(Refused, match="gets no secret"):
        await connect(client, path)


async def test_nobody_listening_is_unreachable_at_once(client: Node, path: str) -> None:
    with pytest.raises(Unreachable, match="nobody listens"):
        await connect(client, path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    with pytest.raises(Unreachable, match="nobody listens"):
        await connect(client, path)


async def test_a_listener_that_never_greets_is_unreachable_in_time(client: Node, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with pytest.raises(Unreachable, match=r"greeted within 0\.05 s"):
            await client.connect(path, codec=codec, secret=SECRET, timeout_s=0.05)


async def test_a_stale_socket_file_is_replaced_and_a_living_one_is_not(server: Node, client: Node, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    await listen(server, path)
    with pytest.raises(AddressTaken, match="listens at"):
        await listen(client, path)


async def test_a_path_that_is_too_long_is_refused_by_name(server: Node) -> None:
    with pytest.raises(ValueError, match="more than 100 bytes"):
        await listen(server, "/tmp/" + "x" * 100)


async def test_a_connection_that_does_not_greet_is_closed_by_the_clock(path: str) -> None:
    clock = ManualClock()
    node = Node("server", clock=clock)
    await listen(node, path)
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(PATIENCE_S):
        while clock.pending == 0:  # noqa: ASYNC110 - the accepting loop is our own: it needs turns, not an event
            await asyncio.sleep(0)
    await clock.advance(HELLO_LIMIT_S - 0.1)
    assert not reader.at_eof()
    await clock.advance(0.2)
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()
    await node.stop()


async def test_one_that_stands_still_for_seconds_before_it_greets_is_let_in(path: str) -> None:
    clock = ManualClock()
    node = Node("server", clock=clock)
    links = await listen(node, path)
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(PATIENCE_S):
        while clock.pending == 0:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await clock.advance(5)
        writer.write(frame(HELLO, msgspec.msgpack.encode(Hello(protocol=1, role="client", secret=SECRET))))
        assert (await reader.readexactly(1))[0] == WELCOME
    assert [link.peer.role for link in links] == ["client"]
    writer.close()
    await node.stop()


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", frame(HELLO, b"\xc1"), frame(HELLO, b"\x90"), frame(2, b""), b"\x00" * 64])
async def test_junk_for_a_greeting_closes_that_connection_only(server: Node, client: Node, path: str, junk: bytes) -> None:
    await listen(server, path)
    await server.spawn("there", Worker)
    link = await connect(client, path)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(junk)
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()
    assert await link.ref("there").ask(Double(number=1), timeout_s=PATIENCE_S) == Doubled(number=2)


async def test_what_is_told_in_on_link_arrives_with_the_welcome(server: Node, client: Node, path: str) -> None:
    probe: Probe[Vocabulary] = Probe()
    await client.spawn("here", lambda: probe)
    await server.listen(
        path, codec=codec, admit=lambda peer: None, secret=SECRET, on_link=lambda link: link.ref("here").tell(Note(number=1))
    )
    await connect(client, path)
    assert await probe.expect(Note) == Note(number=1)
