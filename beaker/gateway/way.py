"""The way from one kernel to one gateway worker, as those need it who decide what is told."""

from typing import Protocol

from beaker.gateway.stream import FromHost
from beaker.wire.parts import Parts


class Way(Protocol):
    """To one worker, for one kernel."""

    @property
    def pid(self) -> int:
        """Of the worker: its shared memory bears it in its name."""
        ...

    @property
    def full(self) -> bool:
        """Whether it takes nothing more for now; `drained` is called once it does."""
        ...

    def send(self, head: FromHost, parts: Parts, *, may_wait: bool = False) -> None:
        """Send it a piece, or a moment later, with what comes then."""
        ...

    def taken(self, slot: int) -> int:
        """By a slot of its shared memory: number of the last message that the client has."""
        ...

    def left(self, slot: int) -> int:
        """Number of the last message that has left the worker, and that the client may not have yet."""
        ...
