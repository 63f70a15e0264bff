"""Waiting until nothing moves any more between sockets whose peers do not read.

How long that takes nobody can say: it is libzmq's thread that moves it, and on a busy machine that has its turns when others let it.
So what counts is not time, but turns of that thread in which the system's account of all connections stays the same.
"""

import asyncio
import contextlib
import os
import stat

import zmq

from actors.kernel.sockets.unsent import connection_of, taken_bytes, unsent_bytes
from tests.kit.kernel_stage import until

TURNS = 100
"""Each of a millisecond and more, so that whoever looks at connections now and then, at most 0.05 s apart, has looked too."""


async def stillness(context: "zmq.Context[zmq.Socket[bytes]]") -> None:
    """Return once nothing was taken on any connection of this process for so many turns of the context's thread."""
    connections = _connections()  # without the one by which turns are heard
    one, other = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    one.linger = other.linger = 0
    other.bind("tcp://127.0.0.1:0")
    one.connect(other.getsockopt_string(zmq.LAST_ENDPOINT))
    try:
        before, unchanged = _account(connections), 0
        while unchanged < TURNS:
            await _turn(one, other)
            now = _account(connections)
            before, unchanged = now, unchanged + 1 if now == before else 0
    finally:
        one.close()
        other.close()


async def _turn(one: "zmq.Socket[bytes]", other: "zmq.Socket[bytes]") -> None:
    one.send(b"", zmq.NOBLOCK)
    await until(lambda: other.poll(0), "a turn of libzmq's thread")
    other.recv()
    await asyncio.sleep(0.001)


Known = dict[int, tuple[int, int] | None]
"""Connections by their descriptors. By more than those, as one that ends meanwhile gives its descriptor to another, which may be ours."""


def _connections() -> Known:
    """This process's tcp connections."""
    found: Known = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one by which the folder is read
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode) and taken_bytes(int(name)) is not None:
                found[int(name)] = connection_of(int(name))
    return found


def _account(connections: Known) -> list[tuple[int | None, int | None]]:
    there = [number for number, known in connections.items() if connection_of(number) == known]
    return [(unsent_bytes(number), taken_bytes(number)) for number in there]
