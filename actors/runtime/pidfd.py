"""Platform door: hear of the death of a process at once, and signal exactly that process.

Linux: a pidfd, which becomes readable when the process ends and never names another process that got the same pid.
macOS: a kqueue with NOTE_EXIT; signals go by pid there. Neither polls, and neither needs the process to be a child.
"""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable

from actors.runtime.failures import RuntimeFault


class NoSuchProcessError(RuntimeFault):
    """The process is gone already."""


class ProcessHandle:
    """Holds one process of this machine.

    Args:
        pid: its number; the caller knows that it is still the process that is meant (its own child, or by start time).

    Raises:
        NoSuchProcessError: there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = _open(pid)
        self._loop: asyncio.AbstractEventLoop | None = None

    def on_exit(self, callback: Callable[[], None]) -> None:
        """Call back once, from the running loop, when the process has ended; its parent can then reap it."""
        loop = self._loop = asyncio.get_running_loop()

        def ended() -> None:
            self._stop_watching()
            callback()

        loop.add_reader(self._descriptor, ended)

    def send_signal(self, number: int) -> None:
        """Signal the process.

        Raises:
            NoSuchProcessError: it is gone and reaped.
            PermissionError: it is not ours.
        """
        try:
            if sys.platform == "linux":
                signal.pidfd_send_signal(self._descriptor, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            raise NoSuchProcessError(f"process {self.pid} is gone") from None

    def close(self) -> None:
        """Let go; safe to call twice."""
        self._stop_watching()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _stop_watching(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
        self._loop = None


def _open(pid: int) -> int:
    try:
        if sys.platform == "linux":
            descriptor = os.pidfd_open(pid)
        else:
            queue = select.kqueue()
            change = select.kevent(
                pid,
                filter=select.KQ_FILTER_PROC,
                flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
                fflags=select.KQ_NOTE_EXIT,
            )
            queue.control([change], 0)
            # The kqueue object closes its descriptor when it is collected, so keep a copy of our own.
            descriptor = os.dup(queue.fileno())
    except ProcessLookupError:
        raise NoSuchProcessError(f"there is no process {pid}") from None
    return descriptor
