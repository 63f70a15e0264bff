"""Ports for connection files, from below those that the system hands out: tests that run side by side open many connections."""

import random
import socket
from typing import Any

CHANNELS = ("shell", "iopub", "stdin", "hb", "control")


def free_ports() -> dict[str, Any]:  # Any: handed on as keywords, among others of other types
    """Five ports that are free now, as `write_connection_file` takes them."""
    chance = random.SystemRandom()
    held: dict[str, socket.socket] = {}
    try:
        while len(held) < len(CHANNELS):
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", chance.randrange(10_000, 32_000)))
            except OSError:
                probe.close()
            else:
                held[f"{CHANNELS[len(held)]}_port"] = probe
        return {name: probe.getsockname()[1] for name, probe in held.items()}
    finally:
        for probe in held.values():
            probe.close()
