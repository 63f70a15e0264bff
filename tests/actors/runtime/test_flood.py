"""Floods and junk: memory stays flat, control overtakes, Busy comes at once, and a junk peer harms only itself."""

import asyncio
import gc
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from actors.runtime.envelope import TELL, Envelope
from actors.runtime.failures import Busy
from actors.runtime.fake_transport import FakeTransport
from actors.runtime.frames import BYTES, ENVELOPES, NOTICE, frame
from actors.runtime.kit import PATIENCE_S, link_nodes, run_to_idle, turn_loop
from actors.runtime.node import Node
from tests.actors.runtime.vocabulary import Double, Doubled, Note, Urgent, Worker, codec, numbers

FLAT_BYTES = 16 * 1024 * 1024
"""What memory may grow by and still be called flat: an account is 4 MB, and the allocator keeps arenas."""


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.reset_defaults()


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_million_tells_within_a_process(log: list[Any]) -> None:
    node = Node("test")
    worker = Worker()
    ref = await node.spawn("worker", lambda: worker)
    note = Note(number=1, text="x" * 100)
    ref.tell(note)
    before = resident_bytes()
    for _ in range(1_000_000):
        ref.tell(note)
    assert resident_bytes() - before < FLAT_BYTES
    with pytest.raises(Busy):
        await ref.ask(Double(number=1), timeout_s=60)
    ref.tell(Urgent(number=7))
    await run_to_idle(node)
    assert worker.seen[0] == Urgent(number=7)
    assert len(numbers(worker.seen)) == 1000
    assert node.dead_letters.counts == {("worker", "mailbox full"): 999_001}
    lines = [(entry["event"], entry["actor"], entry["ordinary"], entry["control"]) for entry in log if entry["event"] == "mailbox.full"]
    assert lines == [("mailbox.full", "worker", 1000, 0)]
    assert len(log) == 1 + 6  # letters 1, 10, 100, ... 100,000
    await node.stop()


async def test_a_mailbox_that_is_full_says_how_much_waits_and_says_it_again_only_after_there_was_room(log: list[Any]) -> None:
    node = Node("test")
    ref = await node.spawn("worker", Worker, mailbox_size=2)
    ref.tell(Urgent(number=1))
    for _ in range(2):
        ref.tell(Note(number=1))
        ref.tell(Note(number=2))
        for _ in range(3):
            with pytest.raises(Busy):
                await ref.ask(Double(number=1), timeout_s=60)
        await run_to_idle(node)
    assert [(entry["event"], entry["ordinary"], entry["control"]) for entry in log] == [("mailbox.full", 2, 1), ("mailbox.full", 2, 0)]
    await node.stop()


async def test_a_million_tells_to_a_side_that_does_not_read() -> None:
    client, server = Node("client"), Node("server")
    worker = Worker()
    await server.spawn("worker", lambda: worker)
    link, _ = link_nodes(client, server, codec=codec)
    transport = link.transport
    assert isinstance(transport, FakeTransport)
    transport.stall()
    ref = link.ref("worker")
    note = Note(number=1, text="x" * 100)
    before = resident_bytes()
    for _ in range(100):
        for _ in range(10_000):
            ref.tell(note)
        await asyncio.sleep(0)
    assert resident_bytes() - before < FLAT_BYTES
    with pytest.raises(Busy):
        await ref.ask(Double(number=1), timeout_s=60)
    ref.tell(Urgent(number=7))
    await turn_loop()
    transport.flow()
    async with asyncio.timeout(PATIENCE_S):
        while Urgent(number=7) not in worker.seen:  # noqa: ASYNC110 - the loop needs turns, not an event
            await asyncio.sleep(0)
        overtaken = len(worker.seen)
        await ref.ask(Double(number=1), timeout_s=PATIENCE_S)
    refused = client.dead_letters.counts["worker", "link full"]
    assert len(numbers(worker.seen)) + refused == 1_000_000
    # What the connection had taken before (256 kB) comes first; the rest of the account (4 MB) after the control message.
    assert overtaken < len(worker.seen) / 4
    await client.stop()
    await server.stop()


def junk_of(chance: random.Random) -> bytes:
    """One frame that is wrong in one of many ways."""
    good = codec.encode(Envelope("worker", TELL, 0, "", 0.0, 0, Note(number=1, text="x" * chance.randrange(60))))
    batch = b"\xdd\x00\x00\x00\x01" + good

    def mutated() -> bytes:
        changed = bytearray(batch)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return frame(ENVELOPES, bytes(changed))

    ways: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.randrange(1, 200)),
        lambda: frame(chance.randrange(256), chance.randbytes(chance.randrange(100))),
        lambda: frame(ENVELOPES, chance.randbytes(chance.randrange(100))),
        lambda: frame(NOTICE, chance.randbytes(chance.randrange(100))),
        lambda: frame(BYTES, chance.randbytes(chance.randrange(100))),
        lambda: frame(ENVELOPES, batch[: chance.randrange(len(batch))]),
        lambda: frame(ENVELOPES, b"\xdd\xff\xff\xff\xff" + good),
        lambda: frame(ENVELOPES, b"\x91" * 3000),
        mutated,
    ]
    return chance.choice(ways)()


@pytest.fixture
def young_heap() -> Iterator[None]:
    """Collections look at what the test makes, and not through the heap of all tests before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("young_heap")
async def test_ten_thousand_junk_frames_harm_only_their_own_link(log: list[Any]) -> None:
    chance = random.Random(20)
    client, server = Node("client"), Node("server")
    await server.spawn("worker", Worker)
    good, _ = link_nodes(client, server, codec=codec)
    peer = Node("peer")

    async def throw(count: int) -> int:
        closed = 0
        link, back = link_nodes(peer, server, codec=codec)
        for number in range(count):
            transport = back.transport
            assert isinstance(transport, FakeTransport)
            transport.receive(junk_of(chance))
            if transport.is_closing():
                closed += 1
                link, back = link_nodes(peer, server, codec=codec)
            if number % 20 == 0:
                await asyncio.sleep(0)
            if number % 500 == 0:
                # Links are cycles. When they are collected depends on the size of the heap, which here is that of all tests before.
                gc.collect()
        link.abort("done")
        await turn_loop()
        return closed

    await throw(1000)
    log.clear()
    before = resident_bytes()
    closed = await throw(9000)
    assert closed > 4000
    assert sum(entry["event"] == "link.junk" for entry in log) == closed
    log.clear()
    assert resident_bytes() - before < FLAT_BYTES
    assert await good.ref("worker").ask(Double(number=2), timeout_s=PATIENCE_S) == Doubled(number=4)
    for node in (client, peer, server):
        await node.stop()
