"""One process of this machine, started by us or adopted: its end is heard at once, its group takes our signals.

Death comes through `actors.runtime.pidfd`, imported only when a loop runs: the first launch happens before. An adopted
process is nobody's child that we know, so its exit status stays unknown.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.supervisor.start_time import start_time

if TYPE_CHECKING:
    from actors.runtime.pidfd import ProcessHandle


def end_remains(pid: int) -> None:
    """Kill what a dead leader left in its process group, as jupyter_client does before a restart.

    Best called before the leader is reaped. A number is given to nobody else while it names a group, so where no process
    of that number lives it can only be the group that is meant.
    """
    if start_time(pid) is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


class LocalProcess:
    """A process that leads a session of its own.

    Args:
        pid: of the process, which is also its process group.
        start: its start time, see `start_time`; what makes the pid unmistakable.
        child: how to reap it; None for an adopted process.

    Attributes:
        child: as given.
    """

    def __init__(self, pid: int, start: str | None, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid = pid
        self.start = start
        self.child = child
        self._handle: ProcessHandle | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs; a child that does not is reaped by asking."""
        return self.child.poll() is None if self.child is not None else start_time(self.pid) == self.start

    @property
    def status(self) -> int | None:
        """As `Popen.returncode`, reaping the process if it is our child; None while it lives or where it is unknown."""
        return self.child.poll() if self.child is not None else None

    def watch(self, on_exit: Callable[[], None]) -> None:
        """Call `on_exit` once, from the running loop, as soon as the process has ended; also if it has ended already."""
        import asyncio  # both here, not above: see the module

        from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle

        try:
            self._handle = ProcessHandle(self.pid)
        except NoSuchProcessError:
            asyncio.get_running_loop().call_soon(on_exit)
            return
        if self.child is None and not self.alive:
            self.close()  # the pid is somebody else's by now
            asyncio.get_running_loop().call_soon(on_exit)
            return
        self._handle.on_exit(on_exit)

    def send(self, number: int) -> None:
        """Send a signal to its process group, if it still lives; the pid cannot have passed to another while it does."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def end_remains(self) -> None:
        """The process has ended: so does the rest of its group."""
        end_remains(self.pid)

    def close(self) -> None:
        """Watch no more."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None
