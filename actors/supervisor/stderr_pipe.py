"""What a subkernel writes to its fd 2: drained always, passed on to our own stderr, the last of it kept.

A named pipe that the subkernel itself holds open for reading and writing. So its writer never meets a broken pipe, not
even when the Supervisor is killed, and the next Supervisor opens it by name and goes on. A plain pipe would kill
programs by SIGPIPE; a file would grow without bound.
"""

import contextlib
import fcntl
import os
import select
from pathlib import Path
from typing import TYPE_CHECKING

from beaker.subkernels.exit_words import TAIL_BYTES, tail

if TYPE_CHECKING:
    import asyncio

_ROOM_BYTES = 1024 * 1024
"""What the pipe holds while no Supervisor reads: a second of a chatty program. The kernel grants it or a bit less."""

_PASS_BYTES = 4096
"""PIPE_BUF: a write of this size to a pipe that polls writable does not block."""


class StderrPipe:
    """The reading end of one life's stderr.

    Args:
        path: where the pipe lies; it is made if it is not there.
        echo: the descriptor that everything is passed on to; None for nowhere.
    """

    def __init__(self, path: Path, *, echo: int | None = 2) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._path = path
        self._echo = echo
        self._kept = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor: int | None = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError, AttributeError):  # macOS has fixed sizes, and a user's quota may be used up
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _ROOM_BYTES)

    def writing_end(self) -> int:
        """Open what the subkernel gets as its fd 2; the caller closes it."""
        return os.open(self._path, os.O_RDWR | os.O_CLOEXEC)

    def attach(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Drain from now on, until the last writer is gone."""
        if self._descriptor is not None:
            self._loop = loop
            loop.add_reader(self._descriptor, self.drain)

    def drain(self) -> None:
        """Read what is there."""
        while self._descriptor is not None:
            try:
                written = os.read(self._descriptor, 65_536)
            except BlockingIOError:
                return
            if not written:
                self.close()
                return
            self._kept += written
            del self._kept[: -2 * TAIL_BYTES]
            self._pass_on(written)

    def tail(self) -> str:
        """The last lines, at most 4 kB."""
        self.drain()
        return tail(bytes(self._kept))

    def close(self) -> None:
        """Read no more."""
        if self._descriptor is not None:
            if self._loop is not None:
                self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _pass_on(self, written: bytes) -> None:
        """Write to our own stderr what it takes without waiting; the rest is dropped, because nobody reads it."""
        for start in range(0, len(written), _PASS_BYTES):
            if self._echo is None:
                return
            poll = select.poll()
            poll.register(self._echo, select.POLLOUT)
            if not poll.poll(0):
                return
            try:
                os.write(self._echo, written[start : start + _PASS_BYTES])
            except OSError:
                self._echo = None  # the terminal or the log it went to is gone
