"""One place among the staff that is filled when somebody knocks: by a process that may leave when there is nothing to do.

It holds the socket where others come in, listening from the first moment, and hands it on to the process that it starts at the first
connection. So whoever wants that role just connects, whether a process is there, is about to be, or was lost: nobody has to tell the
guardian anything, and a gateway that nobody asks a question has no such process. Which process is there stands in a file beside the
socket (`incumbent.py`), for whoever finds that it stands still. One that is lost again and again is not given up, as its kernels can do
without: for a while connections are refused.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.guardian.incumbent import forget_incumbent, write_incumbent
from actors.guardian.post import READY_TIMEOUT_S, RoleName
from actors.runtime.log import Log
from actors.runtime.private_socket import bind_privately
from actors.runtime.process import Child, NotReadyError
from beaker.subkernels.restart_intensity import RestartIntensity

BACKLOG: Final = 100
"""Connections that may wait for a process that starts: there is one for each kernel host."""

Start = Callable[[RoleName, int, int], Child]
"""Starts a process: the role, its number, and the descriptor of its socket."""


class Standby:
    """One role of one number.

    Args:
        path: of the socket; a file that is there is one that a gateway has left which was killed.
    """

    def __init__(self, role: RoleName, number: int, path: str, *, start: Start) -> None:
        self.name = f"{role} {number}"
        self._role: RoleName = role
        self._number = number
        self._start = start
        self._path = path
        forget_incumbent(path)
        Path(path).unlink(missing_ok=True)
        self._socket = bind_privately(path)
        self._socket.listen(BACKLOG)
        self._intensity = RestartIntensity()
        self._refused_until = 0.0
        self._child: Child | None = None
        self._filling: asyncio.Task[None] | None = None
        self._closing = False
        self._log = Log(actor="guardian", post=self.name)
        self._listen()

    @property
    def pid(self) -> int | None:
        """Of the process that is there, if one is."""
        return None if self._child is None else self._child.pid

    async def end(self, grace_s: float) -> None:
        """Nobody shall be there any more: politely, then by force."""
        self._closing = True
        asyncio.get_running_loop().remove_reader(self._socket)
        if self._child is not None:
            await self._child.end(grace_s)
        if self._filling is not None:
            await asyncio.wait([self._filling])
        self._close()

    def _close(self) -> None:
        self._socket.close()
        Path(self._path).unlink(missing_ok=True)

    def _listen(self) -> None:
        if not self._closing:
            asyncio.get_running_loop().add_reader(self._socket, self._knocked)

    def _knocked(self) -> None:
        if time.monotonic() < self._refused_until:
            with contextlib.suppress(OSError):
                self._socket.accept()[0].close()
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._filling = asyncio.get_running_loop().create_task(self._fill(), name=self.name)

    async def _fill(self) -> None:
        if self._closing:
            return
        try:
            child = self._child = self._start(self._role, self._number, self._socket.fileno())
            _ = child.exited  # watched from now on, so that it is reaped whenever it ends
            await child.ready(READY_TIMEOUT_S)
        except (NotReadyError, OSError) as error:
            self._lost(str(error))
        else:
            self._log.info("post.filled", pid=child.pid)
            self._say_who(child.pid)
            ended = await asyncio.shield(child.exited)
            forget_incumbent(self._path)
            if ended.status == 0:
                self._log.info("post.left", pid=child.pid)
            else:
                self._lost(ended.words)
        self._child = None
        self._listen()

    def _say_who(self, pid: int) -> None:
        try:
            write_incumbent(self._path, pid)
        except OSError as error:  # no room: whoever has spoken with it knows its pid all the same
            self._log.warning("post.unsaid", pid=pid, reason=error.strerror)

    def _lost(self, how: str) -> None:
        if self._closing:
            return
        self._log.warning("post.ended", pid=self.pid, how=how)
        now = time.monotonic()
        allowed = self._intensity.after_restart(now)
        if allowed is None:
            self._log.error("post.refused", for_s=self._intensity.window_s, how=how)
            self._refused_until = now + self._intensity.window_s
        self._intensity = allowed or RestartIntensity()
