"""Processes that have lost their parent below us, as subkernels do when the registry is killed: they are ours to reap.

Those that we started ourselves are reaped by whoever watches them, who must learn how they ended.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final

_AGAIN_S: Final = 0.05
"""One of our own is in front: its watcher takes it within milliseconds, and only then do we see who is behind it."""


class Orphans:
    """Reaps from now on, from the running loop.

    Args:
        own: the pids that others reap.
    """

    def __init__(self, own: Callable[[], set[int]]) -> None:
        self._own = own
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def close(self) -> None:
        """Reap no more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        if self._again is not None:
            self._again.cancel()

    def _reap(self) -> None:
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            if found.si_pid in self._own():
                if self._again is not None:
                    self._again.cancel()
                self._again = self._loop.call_later(_AGAIN_S, self._reap)
                return
            try:
                os.waitpid(found.si_pid, os.WNOHANG)
            except ChildProcessError:
                continue  # its watcher was faster
