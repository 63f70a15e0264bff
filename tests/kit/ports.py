"""Ports for connection files, from below those that the system hands out: tests that run side by side open many connections.

Each process of tests has a range of its own, which it holds by its first port. A port that is free when it is looked for, and
that a kernel binds a second later, would now and then be given to two of them by chance: the one that comes second ends at once.
"""

import random
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any

CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
LOWEST, HIGHEST, RANGE = 10_000, 32_000, 200
"""Forty kernels come and go before a port is asked for again."""


def free_port() -> int:
    """One that is free now, and that no other process of tests asks for."""
    return next(port for port in _own_range()[1] if _is_free(port))


def free_ports() -> dict[str, Any]:  # Any: handed on as keywords, among others of other types
    """Five of them, as `write_connection_file` takes them."""
    return {f"{channel}_port": free_port() for channel in CHANNELS}


@cache
def _own_range() -> tuple[socket.socket, Iterator[int]]:
    """What holds the range, and its ports without an end."""
    starts = list(range(LOWEST, HIGHEST, RANGE))
    random.SystemRandom().shuffle(starts)
    for start in starts:
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", start))
        except OSError:
            holder.close()
        else:
            return holder, cycle(range(start + 1, start + RANGE))
    raise AssertionError("every range of ports is held by some process")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
