"""Making links: a listening unix socket, and connecting to one. Greets, then hands the connection to a `Link`.

The socket lies in a folder of mode 0700 and has mode 0600 itself. A connection that has not greeted within the limit is
closed; what does not greet properly is closed with one line in the log.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import Final, cast

import msgspec

from actors.runtime.clock import Clock, Timer
from actors.runtime.failures import RuntimeFault, Unreachable
from actors.runtime.frames import GREETING_LIMITS, HELLO, OPEN_LIMITS, REFUSED, WELCOME, FrameReader, JunkError, frame
from actors.runtime.hello import Admit, Hello, Peer, Refusal, Refused, Welcome, judge
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.peers import Credentials, credentials_of, own_uid

HELLO_LIMIT_S: Final = 2.0
"""How long a connection may take to greet; a process of ours takes a millisecond."""
PATH_LIMIT: Final = 100
"""Bytes of a socket's path: macOS has room for 104, Linux for 108."""

MakeLink = Callable[[Peer, asyncio.Transport], Link]
"""Makes the link of a greeted connection; the node's part of it."""

_encode = msgspec.msgpack.Encoder().encode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode
_decode_welcome = msgspec.msgpack.Decoder(Welcome).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode


class AddressTaken(RuntimeFault):
    """Somebody who answers listens at this path."""


class Terms(msgspec.Struct, frozen=True):
    """What one end brings to a greeting."""

    role: str
    protocol: int
    secret: bytes


class _Connection(asyncio.Protocol):
    """A connection from its making to its end; the link, once there is one, hears all that happens."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.transport: asyncio.Transport | None = None
        self._reader = FrameReader(GREETING_LIMITS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not an assertion: uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.greet(self.transport, credentials_of(transport.get_extra_info("socket")))

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        try:
            for kind, payload in self._reader.feed(data):
                if self.link is not None:
                    self.link.frame_received(kind, payload)
                elif self.take_greeting(self.transport, kind, bytes(payload)):
                    self._reader.limits = OPEN_LIMITS
        except (JunkError, msgspec.DecodeError) as error:
            if self.link is not None:
                self.link.junk(error)
            else:
                self.not_greeted(f"junk: {error}")
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.link is not None:
            self.link.connection_lost(exc)
        else:
            self.not_greeted(str(exc or "closed by the other side"))

    def pause_writing(self) -> None:
        if self.link is not None:
            self.link.pause_writing()

    def resume_writing(self) -> None:
        if self.link is not None:
            self.link.resume_writing()

    def greet(self, transport: asyncio.Transport, credentials: Credentials) -> None:
        """Begin, knowing who the peer is."""
        raise NotImplementedError

    def take_greeting(self, transport: asyncio.Transport, kind: int, payload: bytes) -> bool:
        """Take one frame of the greeting; True when there is a link now."""
        raise NotImplementedError

    def not_greeted(self, reason: str) -> None:
        """It ended before there was a link; may be called more than once."""
        raise NotImplementedError


class _Incoming(_Connection):
    """The listening side of one connection."""

    def __init__(self, listener: "Listener") -> None:
        super().__init__()
        self._listener = listener
        self._credentials = Credentials(uid=-1, pid=-1)
        self._limit: Timer | None = None
        self._judged = False

    def greet(self, transport: asyncio.Transport, credentials: Credentials) -> None:  # noqa: ARG002 - the peer speaks first
        self._credentials = credentials
        self._limit = self._listener.clock.call_later(HELLO_LIMIT_S, self._too_slow)

    def take_greeting(self, transport: asyncio.Transport, kind: int, payload: bytes) -> bool:
        if kind != HELLO or self._judged:
            raise JunkError(f"frame of kind {kind} where a hello was due")
        self._judged = True
        self._end_limit()
        terms = self._listener.terms
        hello = _decode_hello(payload)
        admit = self._listener.admit
        peer, refusal = judge(hello, self._credentials, secret=terms.secret, protocol=terms.protocol, admit=admit)
        if refusal is not None:
            transport.write(frame(REFUSED, _encode(refusal)))
            transport.close()
            self._listener.refused(peer, refusal)
            return False
        transport.write(frame(WELCOME, _encode(Welcome(protocol=terms.protocol, role=terms.role))))
        self.link = self._listener.make_link(peer, transport)
        if self._listener.on_link is not None:
            self._listener.on_link(self.link)
        return True

    def not_greeted(self, reason: str) -> None:
        if self._limit is not None:
            self._end_limit()
            if not self._judged:
                pid = self._credentials.pid
                self._listener.log.warning("link.not_greeted", peer_pid=pid, peer_uid=self._credentials.uid, reason=reason)
        self._judged = True

    def _too_slow(self) -> None:
        assert self.transport is not None
        self.not_greeted(f"no hello within {HELLO_LIMIT_S:g} s")
        self.transport.abort()

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()


class _Outgoing(_Connection):
    """The connecting side of one connection."""

    def __init__(self, terms: Terms, make_link: MakeLink, greeted: "asyncio.Future[Link]") -> None:
        super().__init__()
        self._terms = terms
        self._make_link = make_link
        self._greeted = greeted
        self._credentials = Credentials(uid=-1, pid=-1)

    def greet(self, transport: asyncio.Transport, credentials: Credentials) -> None:
        self._credentials = credentials
        if credentials.uid != own_uid():
            words = f"the listener runs as uid {credentials.uid}, not as ours: it gets no secret"
            self._fail(Refused(Refusal("uid", words, self._terms.protocol)))
            transport.abort()
            return
        hello = Hello(protocol=self._terms.protocol, role=self._terms.role, secret=self._terms.secret)
        transport.write(frame(HELLO, _encode(hello)))

    def take_greeting(self, transport: asyncio.Transport, kind: int, payload: bytes) -> bool:
        if kind == REFUSED:
            self._fail(Refused(_decode_refusal(payload)))
            transport.close()
            return False
        if kind != WELCOME:
            raise JunkError(f"frame of kind {kind} where a welcome was due")
        welcome = _decode_welcome(payload)
        peer = Peer(uid=self._credentials.uid, pid=self._credentials.pid, role=welcome.role, protocol=welcome.protocol)
        if self._greeted.done():  # too late: whoever wanted the link has gone
            transport.abort()
            return False
        self.link = self._make_link(peer, transport)
        self._greeted.set_result(self.link)
        return True

    def not_greeted(self, reason: str) -> None:
        self._fail(Unreachable(f"the listener did not greet: {reason}"))

    def _fail(self, error: RuntimeFault) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(error)


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
        self.make_link = make_link
        self.on_link = on_link
        self.clock = clock
        self.log = log.bind(path=path)
        self._on_refused = on_refused
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def open(self) -> None:
        """Bind and listen; a socket file that nobody answers at is replaced.

        Raises:
            AddressTaken: somebody answers at the path.
            ValueError: the path is longer than PATH_LIMIT bytes.
        """
        bound = _bind(self.path)
        self._inode = os.stat(self.path).st_ino
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Incoming(self), sock=bound)

    def close(self) -> None:
        """Listen no longer; links that are there stay. The file goes, unless somebody has put another in its place."""
        if self._server is not None:
            self._server.close()
            self._server = None
            try:
                if os.stat(self.path).st_ino == self._inode:
                    os.unlink(self.path)
            except FileNotFoundError:
                self.log.info("listener.file_was_gone")

    def refused(self, peer: Peer, refusal: Refusal) -> None:
        """Tell the log, and the owner, whom we would not have."""
        self.log.warning("link.refused", peer_pid=peer.pid, peer_role=peer.role, code=refusal.code, reason=refusal.words)
        if self._on_refused is not None:
            self._on_refused(peer, refusal)


async def connect(path: str, terms: Terms, *, make_link: MakeLink, timeout_s: float) -> Link:
    """Connect to a listener and greet it.

    Raises:
        Unreachable: nobody listens there, or nobody greeted within `timeout_s` seconds.
        Refused: the listener would not have us; `.refusal` says why.
    """
    loop = asyncio.get_running_loop()
    greeted: asyncio.Future[Link] = loop.create_future()
    transport: asyncio.BaseTransport | None = None
    try:
        async with asyncio.timeout(timeout_s):
            transport, _ = await loop.create_unix_connection(lambda: _Outgoing(terms, make_link, greeted), path)
            return await greeted
    except TimeoutError:
        raise Unreachable(f"nobody at {path} greeted within {timeout_s:g} s") from None
    except OSError as error:
        raise Unreachable(f"nobody listens at {path}: {error.strerror or error}") from error
    finally:
        if transport is not None and (not greeted.done() or greeted.cancelled() or greeted.exception() is not None):
            transport.close()


def _bind(path: str) -> socket.socket:
    """Make the socket file, with mode 0600 from its first moment."""
    if len(os.fsencode(path)) > PATH_LIMIT:
        raise ValueError(f"the socket path {path!r} has more than {PATH_LIMIT} bytes; choose a shorter runtime folder")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        try:
            made.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if _answers(path):
                raise AddressTaken(f"somebody listens at {path} already") from None
            os.unlink(path)
            made.bind(path)
    except BaseException:
        made.close()
        raise
    finally:
        os.umask(before)
    made.setblocking(False)
    return made


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
