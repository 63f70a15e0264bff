"""What a client waits for before it sends the body of a request: `Expect: 100-continue`, and that the body is not too large.

aiohttp answers the expectation as soon as it has read a head, before any layer of the application is asked, so that a stranger would be
told to go on with what is refused then. So it is taken out of the head and kept by the connection, until the door has let the request in.
An answer to one that was not told to go on ends the connection: whether its body still comes nobody knows, and it must not pass for the
next request.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDictProxy

from actors.gateway.answers import Problem
from actors.gateway.connections import Connection

CONTINUE: Final = "100-continue"
"""The one expectation that there is."""
TOO_LARGE: Final = "The body of the request is too large: at most {limit} bytes are taken."


def defer_expectations(server: web.Server) -> None:
    """Have the connections of a server keep what their requests expect until `take_on`."""
    make: Callable[..., web.BaseRequest] = server.request_factory

    def deferring(message: RawRequestMessage, payload: StreamReader, protocol: web.RequestHandler, *others: object) -> web.BaseRequest:
        expected = ""
        # What is no request has no headers, not even such as could be asked for all of a name.
        if hdrs.EXPECT in message.headers:
            expected = _all_expected(message.headers)
            headers = message.headers.copy()
            del headers[hdrs.EXPECT]
            message = message._replace(headers=CIMultiDictProxy(headers))
        if isinstance(protocol, Connection):
            # Of an older client it means nothing.
            protocol.expected = expected if message.version >= HttpVersion11 else ""
            protocol.refuses_body = False
        return make(message, payload, protocol, *others)

    server.request_factory = deferring


async def take_on(request: web.Request, limit: int) -> None:
    """The request was let in: have its body come, or say why not, from its head alone.

    Args:
        limit: bytes that the body may have.

    Raises:
        Problem: 413, it says to be larger; 417, it expects what there is not.
    """
    connection = request.protocol if isinstance(request.protocol, Connection) else None
    if (request.content_length or 0) > limit:
        if connection is not None:
            connection.refuses_body = True
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE.format(limit=limit))
    if connection is None or not connection.expected:
        return
    if connection.expected != CONTINUE:
        raise Problem(HTTPStatus.EXPECTATION_FAILED, f"The header Expect takes {CONTINUE} and nothing else.")
    connection.expected = ""
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await request.writer.drain()
    request.writer.output_size = 0  # of the answer nothing has gone


def _all_expected(headers: CIMultiDictProxy[str]) -> str:
    """Everything that a head expects, each once: a list that may be spread over several headers."""
    words = (word.strip().lower() for value in headers.getall(hdrs.EXPECT) for word in value.split(","))
    return ", ".join(dict.fromkeys(word for word in words if word))


def ends_after(connection: Connection) -> bool:
    """Whether nobody takes the body of the request that is being answered, so that nothing can follow it."""
    return connection.refuses_body or bool(connection.expected)
