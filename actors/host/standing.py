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
        content = parts[CONTENT]
        if len(content) > STATUS_BYTES or b"execution_state" not in content or b'"status"' not in parts[HEADER]:
            return False
        try:
            self.state = _decode(content).execution_state
        except UNREADABLE:
            return False  # a state that nobody knows, or something else that looks like one
        return True

    def touched(self) -> None:
        """A client said something, or was told something alone."""
        self.last_activity = time.time()
