"""What the system of a client has taken, over real connections."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.gateway.receipts import Receipts, Rounds, frame_bytes
from actors.gateway.slots import Slots
from actors.kernel.sockets.unsent import unsent_bytes
from tests.kit.descriptors import no_descriptor_left
from tests.kit.running_kernel import wait_until

PATIENCE_S = 60
PAYLOAD = 100_000
"""More than the client's system takes before the client reads."""


class Connection(asyncio.BaseTransport):
    """A transport, as far as it is asked."""

    def __init__(self, own: socket.socket, *, tls: bool = False) -> None:
        super().__init__({"socket": own, "sslcontext": object() if tls else None})


@pytest.fixture
def slots(tmp_path: Path) -> Iterator[Slots]:
    made = Slots([f"{tmp_path}/seen"], 1, limit=1, now_s=lambda: 0.0)
    made.take()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours and a client's, whose system takes a few kB."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        theirs.connect(listening.getsockname())
        ours, _ = listening.accept()
        with ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * PAYLOAD)
            ours.sendall(b"what comes before the first message")
            yield ours, theirs


def receipts(own: socket.socket, slots: Slots, **how: Any) -> Receipts:
    return Receipts(Connection(own, **how), slots=slots, slot=0, rounds=Rounds())


async def until_taken(slots: Slots, number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while slots.read(0)[1] != number:  # noqa: ASYNC110 -- the system tells nobody
            await asyncio.sleep(0.001)


def read(theirs: socket.socket, size_bytes: int) -> None:
    while size_bytes:
        size_bytes -= len(theirs.recv(size_bytes))


def test_a_connection_whose_number_is_something_elses_by_now_costs_no_descriptor(
    slots: Slots, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    with open(os.devnull, "rb") as other, no_descriptor_left():
        monkeypatch.setattr(socket.socket, "fileno", lambda _: other.fileno())
        receipts(ours, slots)


async def test_a_message_is_taken_once_the_clients_system_has_all_of_it(slots: Slots, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    noted = receipts(ours, slots)
    ours.sendall(bytes(frame_bytes(10)))
    noted.left(7, 10)
    await until_taken(slots, 7)
    ours.sendall(bytes(frame_bytes(0)) + bytes(frame_bytes(PAYLOAD)))
    noted.control(0)
    noted.left(8, PAYLOAD)
    noted.left(9, None)
    assert noted.look()
    assert slots.read(0) == (9, 7)
    read(theirs, 35 + frame_bytes(10) + frame_bytes(0) + frame_bytes(PAYLOAD))
    await until_taken(slots, 9)
    noted.close()


async def test_the_last_look_is_behind_the_end_of_the_connection(slots: Slots, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    noted = receipts(ours, slots)
    for number in (1, 2):
        ours.sendall(bytes(frame_bytes(PAYLOAD)))
        noted.left(number, PAYLOAD)
    read(theirs, 35 + frame_bytes(PAYLOAD))
    theirs.close()
    ours.close()
    noted.close()
    assert slots.read(0) == (2, 1)


async def test_with_tls_a_message_counts_when_the_system_holds_nothing_for_a_while(
    slots: Slots, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    noted = receipts(ours, slots, tls=True)
    ours.sendall(bytes(PAYLOAD))
    noted.left(1, PAYLOAD)
    assert (noted.look(), noted.look(), slots.read(0)) == (True, True, (0, 0))
    read(theirs, 35 + PAYLOAD)
    await until_taken(slots, 1)
    assert slots.read(0) == (1, 1)
    noted.close()


async def test_with_tls_one_look_that_finds_nothing_is_not_enough_after_one_that_found_something(
    slots: Slots, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    noted = receipts(ours, slots, tls=True)
    ours.sendall(bytes(PAYLOAD))
    noted.left(1, PAYLOAD)
    assert (noted.look(), noted.look()) == (True, True)
    read(theirs, 35 + PAYLOAD)
    wait_until(lambda: unsent_bytes(ours.fileno()) == 0)
    assert (noted.look(), slots.read(0)) == (True, (0, 0))
    assert (noted.look(), slots.read(0)) == (False, (1, 1))
    noted.close()


async def test_what_is_acknowledged_while_it_is_counted_makes_no_message_arrive_early(
    slots: Slots, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    acknowledged = 0

    def unsent(_descriptor: int) -> int:  # of 35 bytes and a frame, of which the 35 are acknowledged just before this is asked
        nonlocal acknowledged
        acknowledged = 35
        return frame_bytes(10)

    monkeypatch.setattr("actors.gateway.receipts.acknowledged_bytes", lambda _: acknowledged)
    monkeypatch.setattr("actors.gateway.receipts.unsent_bytes", unsent)
    noted = receipts(ours, slots)
    noted.left(7, 10)
    assert (noted.look(), slots.read(0)) == (True, (7, 0))
    acknowledged += frame_bytes(10)
    assert (noted.look(), slots.read(0)) == (False, (7, 7))
    noted.close()


async def test_on_a_unix_socket_what_has_left_is_taken(slots: Slots) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        noted = receipts(ours, slots)
        noted.left(3, 10)
        assert slots.read(0) == (3, 3)
        noted.close()
