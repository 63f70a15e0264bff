"""The connections of a worker, from their first byte on: how long one may take to say what it wants, and how many strangers there may be.

A *stranger* is a connection on which nobody has shown the token or a session yet. Whoever opens connections and says nothing, or says it
a byte at a time, is a stranger: each has little time, and beyond a number the one that has been there longest makes room for the next.
So it cannot use up the descriptors of a worker, and sessions that are there go on. Whoever is known may take all the time that a slow line
needs, as long as something comes, or is taken of what waits for it: answers are held in memory until then.

A connection is counted from the end of its TLS handshake on. Before that the event loop shows nobody what it has: such a one has as much
time as the head of a request, but how many there may be only the limit of descriptors says.

A look once in a second and not a timer for each connection: the times are limits against misuse, and need not be exact.
"""

import asyncio
import socket
import ssl
import sys
from typing import Any, Final, cast

from aiohttp import web

from actors.gateway.answers import COMMON_HEADERS, Problem, problem_answer
from actors.kernel.sockets.unsent import taken_bytes, unsent_bytes
from actors.runtime.log import Log, SparseLog
from beaker.errors import BeakerError
from beaker.settings.gateway import GatewaySettings

GOODBYE_S: Final = 2.0
"""For the other side of a TLS connection to say that it has heard of its end."""

LOOK_S: Final = 1.0
"""Between two looks: a look at a thousand connections takes a millisecond."""

STRANGERS_MOST: Final = 512
STRANGERS_FEWEST: Final = 16
STRANGERS_SHARE: Final = 16
"""One in so many descriptors is for strangers: a browser that signs in has six for a moment, and health checks one each. No settings:
whoever needs more raises the limit of descriptors."""


def stranger_limit(descriptors: int) -> int:
    """How many strangers a worker bears.

    >>> [stranger_limit(descriptors) for descriptors in (256, 1024, 1_048_576)]
    [16, 64, 512]
    """
    return max(STRANGERS_FEWEST, min(STRANGERS_MOST, descriptors // STRANGERS_SHARE))


class Connections:
    """All of one worker.

    Args:
        settings: with the times.
        limit: of strangers.
    """

    def __init__(self, settings: GatewaySettings, limit: int, log: Log) -> None:
        self.strangers: dict[Connection, None] = {}
        """The one that has been there longest first."""
        self._settings = settings
        self._limit = limit
        self.all: set[Connection] = set()
        """Strangers and others."""
        self.head_timeout_s = settings.head_timeout_s
        self.keep_alive_s = settings.keep_alive_s
        self._crowded = SparseLog(log, "connections.crowded")

    def made(self, connection: "Connection") -> None:
        """One is there, of whom nobody knows."""
        self.all.add(connection)
        self.strangers[connection] = None
        if len(self.strangers) > self._limit:
            oldest = next(iter(self.strangers))
            del self.strangers[oldest]
            self._crowded.warning(limit=self._limit)
            oldest.abort()

    def lost(self, connection: "Connection") -> None:
        """One has gone."""
        self.all.discard(connection)
        self.strangers.pop(connection, None)

    def look(self, now_s: float) -> None:
        """End what has had its time.

        Args:
            now_s: by the loop's clock.
        """
        for connection in list(self.all):
            connection.look(now_s, self._settings)

    async def keep_looking(self) -> None:
        """Look until this is cancelled."""
        every_s = min(LOOK_S, self._settings.head_timeout_s / 4, self._settings.body_idle_s / 4)
        while True:
            await asyncio.sleep(every_s)
            self.look(asyncio.get_running_loop().time())


class Connection(web.RequestHandler):
    """One of them.

    Args:
        connections: where it is counted.
        server: of an application, by aiohttp's runner.
    """

    def __init__(self, connections: Connections, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        # `account` writes the lines of the log. No body is unpacked for a client: one of some kilobytes can become gigabytes, and
        # none of Jupyter's packs any.
        super().__init__(server, loop=loop, access_log=None, keepalive_timeout=connections.keep_alive_s, auto_decompress=False)  # type: ignore[arg-type]  # aiohttp tests it for truth
        self._connections = connections
        self._clock = loop.time
        self._line: asyncio.Transport | None = None
        """The transport; aiohttp forgets its own when it has closed it, though the other side may not have taken what was sent."""
        self._descriptor = -1
        """Of the line, asked for while it is there."""
        self._request: web.BaseRequest | None = None
        """That is being answered."""
        self.expected = ""
        """What the request waits for before it sends its body, see `expecting`; empty: nothing, or it was told."""
        self.refuses_body = False
        """Of the request that is being answered."""
        self._known = False
        self._heard_s = 0.0
        """When something came last."""
        self.waits_for_head_since_s: float | None = None
        """When the head of a request began to come, or the connection; None: nothing of one has come."""
        self._begun_s = 0.0
        """When the request began that is being answered, or the last one ended."""
        self._is_websocket = False
        self._unread: tuple[int, ...] | None = None
        """What waited for the other side at the last look, and what it had taken; None: nothing waited."""
        self._moved_s = 0.0
        """Since when that is so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of asyncio's
        self._descriptor = transport.get_extra_info("socket").fileno()
        self.waits_for_head_since_s = self._begun_s = self._heard_s = self._clock()
        self._connections.made(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.lost(self)
        self._line = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if data:
            self._heard_s = self._clock()
            if self.waits_for_head_since_s is None and self._request is None:
                self.waits_for_head_since_s = self._heard_s
        super().data_received(data)

    def begin(self, request: web.BaseRequest) -> None:
        """A request has come; its head is complete."""
        self._request = request
        self._begun_s = self._clock()
        self.waits_for_head_since_s = None

    def end(self) -> None:
        """It is answered."""
        self._request = None
        self._is_websocket = False
        self._begun_s = self._clock()

    def becomes_websocket(self) -> None:
        """The request was one for that. How long messages may wait on it is decided by what more of them waits elsewhere."""
        self._is_websocket = True

    def know(self) -> None:
        """Whoever is there has shown who she is."""
        if not self._known:
            self._known = True
            self._connections.strangers.pop(self, None)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what is no request at all; aiohttp's own names its version, and repeats what was sent."""
        super().handle_error(request, status, exc, message)
        answer = problem_answer(Problem(status, "This is no request that can be read."))
        answer.headers.update(COMMON_HEADERS)
        answer.force_close()
        return answer

    def abort(self) -> None:
        """End it, whatever it is doing."""
        if self._line is not None:
            self._line.abort()

    def look(self, now_s: float, settings: GatewaySettings) -> None:
        """End it if it has had its time."""
        if self.waits_for_head_since_s is not None and now_s - self.waits_for_head_since_s > settings.head_timeout_s:
            self.abort()
        elif not self._known:
            # Without a request: one that does not take its answer, since of the others aiohttp sees to the end.
            limit_s = settings.head_timeout_s if self._request is not None else settings.keep_alive_s + settings.head_timeout_s
            if now_s - self._begun_s > limit_s:
                self.abort()
        elif self._takes_nothing(now_s, settings.body_idle_s):
            self.abort()
        elif self._request is not None and now_s - self._heard_s > settings.body_idle_s and self._waits_for_body(self._request):
            self._request.content.set_exception(BodyLate(f"Nothing more of the body has come for {settings.body_idle_s:g} s."))

    def _takes_nothing(self, now_s: float, limit_s: float) -> bool:
        """Whether something waits for the other side of which it has taken nothing for so long."""
        unread = self._unread_bytes()
        if unread is None or unread != self._unread:
            self._unread = unread
            self._moved_s = now_s
        return unread is not None and now_s - self._moved_s > limit_s

    def _unread_bytes(self) -> tuple[int, ...] | None:
        if self._is_websocket or self._line is None:
            return None
        # Of what waits below TLS loops tell nothing; and to a slow line the system sends for minutes before it takes more from us.
        waiting, unsent = self._line.get_write_buffer_size(), unsent_bytes(self._descriptor) or 0
        return (waiting, unsent, taken_bytes(self._descriptor) or 0) if waiting or unsent else None

    def _waits_for_body(self, request: web.BaseRequest) -> bool:
        """Whether it is the other side that has the next word."""
        # A transport that is not read from has more for us than the handler has taken.
        return not request.content.is_eof() and self._line is not None and self._line.is_reading()


class BodyLate(BeakerError, TimeoutError):
    """The body of a request has ceased to come; a timeout, as aiohttp then waits for no more of it."""


async def listen(
    listening: socket.socket, server: web.Server, connections: Connections, *, context: ssl.SSLContext | None, backlog: int
) -> asyncio.Server:
    """Answer at a socket that listens already.

    Args:
        server: of an application, by aiohttp's runner.
        context: encrypts; None: nothing is encrypted.
    """
    loop = asyncio.get_running_loop()
    listening.setblocking(False)

    def make() -> Connection:
        return Connection(connections, server, loop)

    handshake_s, goodbye_s = (connections.head_timeout_s, GOODBYE_S) if context is not None else (None, None)
    options: dict[str, Any] = {  # Any: of asyncio's, of which not every Python has all
        "sock": listening,
        "ssl": context,
        "backlog": backlog,
        "ssl_handshake_timeout": handshake_s,
        "ssl_shutdown_timeout": goodbye_s,
    }
    if listening.family != socket.AF_UNIX:
        return await loop.create_server(make, **options)
    if sys.version_info >= (3, 13):
        options["cleanup_socket"] = False  # the file is the guardian's: workers come and go, and clients find them by it
    return await loop.create_unix_server(make, **options)
