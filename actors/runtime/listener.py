"""The two ends of making links: a listening unix socket, and connecting to one. `greeting` does the rest.

The socket lies in a folder of mode 0700 and has mode 0600 itself, from its first moment.
"""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

from actors.runtime.clock import Clock
from actors.runtime.failures import RuntimeFault, Unreachable
from actors.runtime.greeting import Incoming, MakeLink, Outgoing, Terms
from actors.runtime.hello import Admit, Peer, Refusal
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.peers import Credentials
from actors.runtime.private_socket import bind_privately, somebody_answers

PATH_LIMIT: Final = 100
"""Bytes of a socket's path: macOS has room for 104, Linux for 108."""


class AddressTaken(RuntimeFault):
    """Somebody who answers listens at this path."""


class NobodyGreeted(Unreachable):
    """Somebody listens at this path, and has not greeted in time: not ready yet, or standing still."""


class Listener:
    """A listening socket. Made by `Node.listen`."""

    def __init__(
        self,
        path: str,
        terms: Terms,
        admit: Admit,
        *,
        make_link: MakeLink,
        on_link: Callable[[Link], None] | None,
        on_refused: Callable[[Peer, Refusal], None] | None,
        clock: Clock,
        log: Log,
    ) -> None:
        self.path = path
        self.terms = terms
        self.admit = admit
        self._make_link = make_link
        self._on_link = on_link
        self.clock = clock
        self._log = log.bind(path=path)
        self._on_refused = on_refused
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._inherited = False

    async def open(self, inherited: socket.socket | None = None) -> None:
        """Bind and listen; a socket file that nobody answers at is replaced.

        Args:
            inherited: a socket that somebody else has bound, to whom the file belongs.

        Raises:
            AddressTaken: somebody answers at the path.
            ValueError: the path is longer than PATH_LIMIT bytes.
        """
        bound = _bind(self.path) if inherited is None else inherited
        self._inherited = inherited is not None
        self._inode = os.stat(self.path).st_ino
        kept: dict[str, Any] = {}  # Any: options of asyncio's that not every Python has
        if self._inherited and sys.version_info >= (3, 13):
            kept["cleanup_socket"] = False  # it would remove the file with the server, whosever it is
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: Incoming(self), sock=bound, **kept)

    @property
    def is_reachable(self) -> bool:
        """Whether the socket file is still there, and is ours: somebody may have cleaned it away."""
        try:
            return self._server is not None and os.stat(self.path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Listen no longer; links that are there stay. The file goes, unless somebody has put another in its place."""
        if self._server is not None:
            self._server.close()
            self._server = None
            if self._inherited:
                return
            try:
                if os.stat(self.path).st_ino == self._inode:
                    os.unlink(self.path)
            except FileNotFoundError:
                self._log.debug("listener.file_was_gone")

    def greeted(self, peer: Peer, transport: asyncio.Transport) -> Link:
        """Make the link of a peer that is welcome, and tell the owner before anything arrives on it."""
        link = self._make_link(peer, transport)
        if self._on_link is not None:
            self._on_link(link)
        return link

    def not_greeted(self, credentials: Credentials, reason: str) -> None:
        """Tell the log of a connection that ended without a greeting."""
        self._log.warning("link.not_greeted", peer_pid=credentials.pid, peer_uid=credentials.uid, reason=reason)

    def refused(self, peer: Peer, refusal: Refusal) -> None:
        """Tell the log, and the owner, whom we would not have."""
        self._log.warning("link.refused", peer_pid=peer.pid, peer_role=peer.role, code=refusal.code, reason=refusal.words)
        if self._on_refused is not None:
            self._on_refused(peer, refusal)


async def connect(path: str, terms: Terms, *, make_link: MakeLink, timeout_s: float) -> Link:
    """Connect to a listener and greet it.

    Raises:
        Unreachable: nobody listens there.
        NobodyGreeted: nobody did within `timeout_s` seconds.
        Refused: the listener would not have us; `.refusal` says why.
    """
    loop = asyncio.get_running_loop()
    greeted: asyncio.Future[Link] = loop.create_future()
    transport: asyncio.BaseTransport | None = None
    try:
        async with asyncio.timeout(timeout_s):
            transport, _ = await loop.create_unix_connection(lambda: Outgoing(terms, make_link, greeted), path)
            return await greeted
    except TimeoutError:
        raise NobodyGreeted(f"nobody at {path} greeted within {timeout_s:g} s") from None
    except OSError as error:
        raise Unreachable(f"nobody listens at {path}: {error.strerror or error}") from error
    finally:
        if transport is not None and (not greeted.done() or greeted.cancelled() or greeted.exception() is not None):
            transport.close()


def _bind(path: str) -> socket.socket:
    """Make the socket file, with mode 0600 from its first moment."""
    if len(os.fsencode(path)) > PATH_LIMIT:
        raise ValueError(f"the socket path {path!r} has more than {PATH_LIMIT} bytes; choose a shorter runtime folder")
    try:
        return bind_privately(path)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    if somebody_answers(path):
        raise AddressTaken(f"somebody listens at {path} already")
    os.unlink(path)
    return bind_privately(path)
