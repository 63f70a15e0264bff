"""The greeting on a connection, for either side, before there is a `Link`; afterwards, what feeds the link.

A greeting is one frame each way; `hello` decides about it. A connection that has not greeted in time, or not properly,
is closed with one line in the log and has cost a few kilobytes.
"""

import asyncio
from typing import Final, Protocol, cast

import msgspec

from actors.runtime.clock import Clock, Timer
from actors.runtime.failures import RuntimeFault, Unreachable
from actors.runtime.frames import GREETING_LIMITS, HELLO, JUNK, OPEN_LIMITS, REFUSED, WELCOME, FrameReader, JunkError, frame
from actors.runtime.hello import Admit, Hello, Peer, Refusal, Refused, Secret, Welcome, judge
from actors.runtime.link import Link
from actors.runtime.peers import Credentials, credentials_of, own_uid

HELLO_LIMIT_S: Final = 10.0
"""How long a connection may take to greet. A process of ours takes a millisecond, or as long as it stands still in between, on a machine
that is overrun: it is not to lose its link for that, and one that never greets costs no more than its descriptor."""

_encode = msgspec.msgpack.Encoder().encode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode
_decode_welcome = msgspec.msgpack.Decoder(Welcome).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode


class Terms(msgspec.Struct, frozen=True):
    """What one end brings to a greeting."""

    role: str
    protocol: int
    secret: Secret
    """For a side that connects, its own one."""


class MakeLink(Protocol):
    """Makes the link of a greeted connection; the node's part of it."""

    def __call__(self, peer: Peer, transport: asyncio.Transport, /) -> Link:
        """The link owns the transport from now on."""
        ...


class Host(Protocol):
    """What a listening side asks of its listener."""

    @property
    def terms(self) -> Terms:
        """Its side of the greeting."""
        ...

    @property
    def admit(self) -> Admit:
        """Its table of roles."""
        ...

    @property
    def clock(self) -> Clock:
        """For the limit of a greeting."""
        ...

    def greeted(self, peer: Peer, transport: asyncio.Transport) -> Link:
        """A peer is welcome: make its link."""
        ...

    def refused(self, peer: Peer, refusal: Refusal) -> None:
        """A peer is not welcome."""
        ...

    def not_greeted(self, credentials: Credentials, reason: str) -> None:
        """A connection ended without a greeting."""
        ...


class Connection(asyncio.Protocol):
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
        except JUNK as error:
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
        """Take one frame of the greeting; True when there is a link now.

        Raises:
            JunkError, or another of frames.JUNK: it is no greeting.
        """
        raise NotImplementedError

    def not_greeted(self, reason: str) -> None:
        """It ended before there was a link; may be called more than once."""
        raise NotImplementedError


class Incoming(Connection):
    """The listening side of one connection."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._credentials = Credentials(uid=-1, pid=-1)
        self._limit: Timer | None = None
        self._judged = False

    def greet(self, transport: asyncio.Transport, credentials: Credentials) -> None:  # noqa: ARG002 - the peer speaks first
        self._credentials = credentials
        self._limit = self._host.clock.call_later(HELLO_LIMIT_S, self._too_slow)

    def take_greeting(self, transport: asyncio.Transport, kind: int, payload: bytes) -> bool:
        if kind != HELLO or self._judged:
            raise JunkError(f"frame of kind {kind} where a hello was due")
        self._judged = True
        self._end_limit()
        terms = self._host.terms
        hello = _decode_hello(payload)
        admit = self._host.admit
        peer, refusal = judge(hello, self._credentials, secret=terms.secret, protocol=terms.protocol, admit=admit)
        if refusal is not None:
            transport.write(frame(REFUSED, _encode(refusal)))
            transport.close()
            self._host.refused(peer, refusal)
            return False
        transport.write(frame(WELCOME, _encode(Welcome(protocol=terms.protocol, role=terms.role))))
        self.link = self._host.greeted(peer, transport)
        return True

    def not_greeted(self, reason: str) -> None:
        if self._limit is not None:
            self._end_limit()
            if not self._judged:
                self._host.not_greeted(self._credentials, reason)
        self._judged = True

    def _too_slow(self) -> None:
        assert self.transport is not None
        self.not_greeted(f"no hello within {HELLO_LIMIT_S:g} s")
        self.transport.abort()

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()


class Outgoing(Connection):
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
        assert isinstance(self._terms.secret, bytes)
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
