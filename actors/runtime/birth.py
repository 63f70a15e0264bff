"""The child's side of a spawned process: its secret, its word to be ready, and the end of its parent.

All three go by one socket pair whose number comes in argv (`--birth-fd=N`): the secret stands in no environment and no
argument; the parent hears "ready" or a sentence why not; and when the parent dies the kernel closes its end, which
wakes this side in whatever state it is. This module imports no more than it needs: it is the first thing of a child.
"""

import asyncio
import signal
import socket
import struct
from collections.abc import Callable

from actors.runtime.failures import RuntimeFault

OPTION = "--birth-fd="
READY = b"R"
FAILED = b"F"
SECRET_LIMIT = 4096
"""The longest secret; ours have 32 bytes."""
WORDS_LIMIT = 8192
"""The longest sentence of a failure that goes to the parent: a traceback fits."""
_LENGTH = struct.Struct("!I")


class NotBornError(RuntimeFault):
    """The parent did not say what a parent says."""


class Leaving(asyncio.Future[int]):
    """Done when this process shall leave; with its exit status."""

    def now(self, status: int = 0) -> None:
        """It shall. Whoever says so first counts."""
        if not self.done():
            self.set_result(status)


class Birth:
    """The connection to whoever spawned this process.

    Args:
        channel: this side of the socket pair.

    Raises:
        NotBornError: at the other end is no parent, or one of another age.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        channel.set_inheritable(False)
        channel.setblocking(True)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > SECRET_LIMIT:
            raise NotBornError(f"a secret of {length} bytes; at most {SECRET_LIMIT}")
        self.secret = self._read(length)
        """What the parent handed down."""
        self.orphaned = False
        """The parent is gone; looked at once somebody wants to know."""
        channel.setblocking(False)

    @classmethod
    def take(cls, argv: list[str]) -> "Birth | None":
        """Find the option in the arguments, remove it, and meet the parent; None if nobody spawned us this way."""
        for position, argument in enumerate(argv):
            if argument.startswith(OPTION):
                del argv[position]
                return cls(socket.socket(fileno=int(argument.removeprefix(OPTION))))
        return None

    def ready(self) -> None:
        """Tell the parent that this process can be used."""
        self._say(READY)

    def failed(self, words: str) -> None:
        """Tell the parent why this process cannot be used; it should end now."""
        self._say(FAILED + words.encode(errors="replace")[:WORDS_LIMIT])

    def on_parent_death(self, callback: Callable[[], None]) -> None:
        """Call back once, from the running loop, when the parent is gone."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            try:
                if self._channel.recv(1):
                    return
            except BlockingIOError:
                return
            except ConnectionResetError:
                # The parent went with our last words unread: gone all the same.
                pass
            loop.remove_reader(self._channel)
            self.orphaned = True
            callback()

        loop.add_reader(self._channel, look)

    def leaving(self) -> Leaving:
        """What ends this process, on the running loop: the end of its parent, SIGTERM, or its own word."""
        leaving = Leaving()
        self.on_parent_death(leaving.now)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.now)
        return leaving

    def close(self) -> None:
        """Let go of the parent; it takes this for the end of the process's service, not of the process."""
        self._channel.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._channel.recv(size - len(data))
            if not piece:
                raise NotBornError("the parent went away before it said anything")
            data += piece
        return data

    def _say(self, words: bytes) -> None:
        try:
            self._channel.send(words)
        except (BrokenPipeError, ConnectionResetError):
            # Nobody is left to hear it; `on_parent_death` says so to whoever wants to know.
            return


def hand_down(channel: socket.socket, secret: bytes) -> None:
    """The parent's first words: the secret.

    Raises:
        ValueError: it has more than SECRET_LIMIT bytes.
    """
    if len(secret) > SECRET_LIMIT:
        raise ValueError(f"a secret of {len(secret)} bytes; at most {SECRET_LIMIT}")
    channel.sendall(_LENGTH.pack(len(secret)) + secret)
