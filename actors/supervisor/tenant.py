"""A life of the subkernel as a household keeps it: a process of this machine, or whatever a provisioner of somebody else runs."""

from collections.abc import Callable
from typing import Protocol


class Tenant(Protocol):
    """One life of the subkernel, wherever it runs."""

    @property
    def start(self) -> str | None:
        """Start time of its process; None where it is not of this machine."""
        ...

    @property
    def status(self) -> int | None:
        """How it ended, as `Popen.returncode`; None where that is unknown."""
        ...

    def watch(self, on_exit: Callable[[], None]) -> None:
        """Call `on_exit` once, from the running loop, as soon as it has ended."""
        ...

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        ...

    def end_remains(self) -> None:
        """It has ended: so does what it left behind in its process group."""
        ...

    def close(self) -> None:
        """It is over: let go of it."""
        ...
