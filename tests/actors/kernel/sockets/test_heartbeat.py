"""The heartbeat: an echo only while the event loop turns."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest
import zmq

from actors.kernel.sockets.heartbeat import PING_BYTES, Heartbeat
from actors.kernel.sockets.zmq_sockets import AddressError
from tests.kit.kernel_stage import until

FRESH_S = 0.2


@pytest.fixture
async def heartbeat() -> AsyncIterator[Heartbeat]:
    made = Heartbeat("tcp://127.0.0.1:0", fresh_s=FRESH_S)
    yield made
    made.close()


@pytest.fixture
def client(heartbeat: Heartbeat) -> "Iterator[zmq.Socket[bytes]]":
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = context.socket(zmq.DEALER)
    made.linger = 0
    made.connect(f"tcp://127.0.0.1:{heartbeat.port}")
    yield made
    context.destroy(linger=0)


async def echoes(client: "zmq.Socket[bytes]") -> list[bytes]:
    """Ping while the loop turns, until an echo comes; returns all that came."""
    found: list[bytes] = []

    def echoed() -> bool:
        client.send(b"while turning")
        while client.poll(1):
            found.append(client.recv())
        return bool(found)

    await until(echoed, "an echo")
    return found


async def test_it_echoes_what_it_hears_while_the_loop_turns(client: "zmq.Socket[bytes]") -> None:
    assert set(await echoes(client)) == {b"while turning"}


async def test_what_is_too_long_for_a_ping_is_not_kept_and_not_echoed(client: "zmq.Socket[bytes]") -> None:
    client.send(bytes(PING_BYTES + 1))
    assert set(await echoes(client)) == {b"while turning"}, "of the same client, which has connected again"


async def test_it_is_silent_while_the_loop_is_stuck_and_back_after_it(client: "zmq.Socket[bytes]") -> None:
    await echoes(client)
    time.sleep(2 * FRESH_S)  # noqa: ASYNC251 - this is the fault
    while client.poll(0):
        client.recv()
    client.send(b"while stuck")
    late: list[bytes] = []
    while client.poll(100):  # an echo from before may have been under way still
        late.append(client.recv())
    assert b"while stuck" not in late
    assert set(await echoes(client)) == {b"while turning"}, "and what it heard meanwhile is not echoed late"


async def test_an_address_that_is_taken_is_named_and_leaves_nothing(heartbeat: Heartbeat) -> None:
    for _ in range(3):
        with pytest.raises(AddressError, match="Address already in use"):
            Heartbeat(f"tcp://127.0.0.1:{heartbeat.port}")
