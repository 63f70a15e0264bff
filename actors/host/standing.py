"""How one kernel is at the moment, as its clients were told: read from the messages that pass."""

import time
from typing import Final, Literal

import msgspec

from beaker.wire.parts import CONTENT, HEADER, UNREADABLE, Parts

State = Literal["starting", "idle", "busy", "restarting", "dead"]

STATUS_BYTES: Final = 200
"""No content of a `status` is longer: larger messages are not looked at."""


class _Status(msgspec.Struct, frozen=True):
    execution_state: State


_decode = msgspec.json.Decoder(_Status).decode


def read_state(parts: Parts) -> State | None:
    """What a message says of the kernel's state; None: it is no status, or of a state that nobody knows."""
    content = parts[CONTENT]
    if len(content) > STATUS_BYTES or b"execution_state" not in content or b'"status"' not in parts[HEADER]:
        return None
    try:
        return _decode(content).execution_state
    except UNREADABLE:
        return None  # or something else that looks like one


class Standing:
    """Hears what is published."""

    def __init__(self) -> None:
        self.state: State = "starting"
        """As clients were told last."""
        self.last_activity = time.time()
        """Wall clock of the last message from or to a client."""

    def heard(self, parts: Parts) -> bool:
        """A message goes to all clients; says whether it is a status."""
        self.last_activity = time.time()
        state = read_state(parts)
        if state is None:
            return False
        self.state = state
        return True

    def touched(self) -> None:
        """A client said something, or was told something alone."""
        self.last_activity = time.time()
