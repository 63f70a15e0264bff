"""How long a connection may take, and how many strangers there may be: over real sockets, with the time told by the test."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from actors.gateway.app import make_app
from actors.gateway.connections import Connection, Connections, listen
from actors.gateway.expecting import defer_expectations
from actors.gateway.routes import Route, get, post
from actors.runtime.log import Log
from tests.actors.gateway.desk import TOKEN, make_order, make_service
from tests.actors.gateway.test_channels import until
from tests.actors.gateway.test_role import certify

LIMIT = 2
LARGE = 32 * 1024 * 1024
"""More than the system holds of a connection of which nobody reads."""


async def _say(_request: web.Request) -> web.Response:
    return web.Response(text="inside")


async def _say_much(_request: web.Request) -> web.Response:
    return web.Response(body=bytes(LARGE))


async def _tell_much(request: web.Request) -> web.StreamResponse:
    """As a websocket does: the answer is there, and more and more follows."""
    assert isinstance(request.protocol, Connection)
    request.protocol.becomes_websocket()
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(bytes(LARGE))
    return answer


async def _wait(request: web.Request) -> web.Response:
    await asyncio.get_running_loop().create_future()
    return web.Response()


def routes(pieces: asyncio.Queue[bytes]) -> tuple[Route, ...]:
    """Those of the tests; what comes of a body goes there."""

    async def take(request: web.Request) -> web.Response:
        while piece := await request.content.readany():
            pieces.put_nowait(piece)
        return web.Response(text="taken")

    plain = (get("open", _say, public=True), get("large", _say_much), get("told", _tell_much), get("wait", _wait))
    return *plain, get("thing", _say), post("thing", take), post("open", take, public=True), post("short", take, public=True, body_bytes=10)


HEAD = "{} HTTP/1.1\r\nHost: localhost\r\n"
KNOWN = f"Authorization: token {TOKEN}\r\n"


class Line:
    """A connection, as a client writes and reads it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, text: str) -> None:
        self.writer.write(text.encode())

    async def status(self) -> int:
        """Of the next answer, which is read to its end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self.reader.readexactly(int(lengths[0].partition(b":")[2]))
        return int(head.split()[1])

    async def is_ended(self) -> bool:
        """Waits for the end; nothing came before it."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


class Door:
    """Where clients come in."""

    def __init__(self, connections: Connections, port: int, pieces: asyncio.Queue[bytes]) -> None:
        self.connections = connections
        self.pieces = pieces
        self.port = port

    async def connect(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self.port))

    async def stranger(self) -> Line:
        """One that the worker has taken, and that has said nothing."""
        before = len(self.connections.strangers)
        line = await self.connect()
        await until(lambda: len(self.connections.strangers) > min(before, LIMIT - 1))
        return line

    def pass_s(self, seconds: float) -> None:
        """So much time has passed."""
        self.connections.look(asyncio.get_running_loop().time() + seconds)


@asynccontextmanager
async def opened(context: ssl.SSLContext | None = None) -> AsyncIterator[Door]:
    service, pieces = make_service(make_order(max_body_bytes=1_048_576)), asyncio.Queue[bytes]()
    runner = web.AppRunner(make_app(service, [routes(pieces)]), shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    defer_expectations(runner.server)
    connections = Connections(service.settings, LIMIT, Log(role="worker"))
    listening = socket.create_server(("127.0.0.1", 0))
    server = await listen(listening, runner.server, connections, context=context, backlog=10)
    yield Door(connections, listening.getsockname()[1], pieces)
    server.close()
    await runner.cleanup()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened() as made:
        yield made


@pytest.mark.parametrize("said", ["", "G", HEAD.format("GET /open"), HEAD.format("GET /thing") + KNOWN])
async def test_a_head_that_does_not_come_ends_its_connection(door: Door, said: str) -> None:
    line = await door.stranger()
    line.say(said)
    door.pass_s(5)
    door.pass_s(11)
    assert await line.is_ended()


async def test_the_next_head_on_a_connection_has_its_time_too(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("GET /thing") + KNOWN + "\r\n")
    assert await line.status() == 200
    door.pass_s(60)  # nothing is asked: it is kept
    line.say(HEAD.format("GET /thing") + KNOWN + "\r\n" + HEAD.format("GET /thing"))
    assert await line.status() == 200
    line.say("X: y\r\n")
    (connection,) = door.connections.all
    await until(lambda: connection.waits_for_head_since_s is not None)
    door.pass_s(11)
    assert await line.is_ended()


async def test_too_many_strangers_end_the_one_that_has_been_there_longest(door: Door) -> None:
    known = await door.connect()
    known.say(HEAD.format("GET /thing") + KNOWN + "\r\n")
    assert await known.status() == 200
    lines = [await door.stranger() for _ in range(LIMIT)]
    late = await door.connect()
    late.say(HEAD.format("GET /thing") + KNOWN + "\r\n")
    assert await late.status() == 200
    assert await lines[0].is_ended()
    # Who is known is not counted among them.
    for line in (known, late):
        line.say(HEAD.format("GET /thing") + KNOWN + "\r\n")
        assert await line.status() == 200


async def test_a_stranger_has_no_time_for_a_slow_body(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("POST /open") + "Content-Length: 1000\r\n\r\nx")
    assert await door.pieces.get() == b"x"
    door.pass_s(11)
    assert await line.is_ended()


async def test_a_wrong_token_makes_nobody_known(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("GET /thing") + "Authorization: token wrong\r\n\r\n")
    assert await line.status() == 401
    assert len(door.connections.strangers) == 1


async def test_an_upload_may_take_as_long_as_something_comes(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("POST /thing") + KNOWN + "Content-Length: 4\r\n\r\n")
    for piece in "abcd":
        line.say(piece)
        assert await door.pieces.get() == piece.encode()
        door.pass_s(40)
    assert await line.status() == 200


async def test_an_upload_of_which_nothing_comes_any_more_is_answered(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("POST /thing") + KNOWN + "Content-Length: 4\r\n\r\na")
    assert await door.pieces.get() == b"a"
    door.pass_s(61)
    assert await line.status() == 408
    assert await line.is_ended()


async def test_an_answer_to_somebody_known_may_take_its_time(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("GET /wait") + KNOWN + "\r\n")
    (connection,) = door.connections.all
    await until(lambda: connection not in door.connections.strangers)
    door.pass_s(3600)
    line.writer.close()
    await until(lambda: not door.connections.all)


async def test_a_large_answer_may_take_as_long_as_the_line_needs(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("GET /large") + KNOWN + "\r\n")
    head = await line.reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head
    door.pass_s(3600)
    assert len(await line.reader.readexactly(LARGE)) == LARGE


async def test_a_large_answer_goes_on_as_long_as_something_is_taken_of_it(door: Door) -> None:
    """In pieces so small that for most of them our own system asks the worker for nothing more."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        own.connect(("127.0.0.1", door.port))
        line = Line(*await asyncio.open_connection(sock=own))
        line.say(HEAD.format("GET /large") + KNOWN + "\r\n")
        await line.reader.readuntil(b"\r\n\r\n")
        for look in range(10):
            door.pass_s(look * 61)
            await line.reader.readexactly(512 * 1024)  # more than lies on this side
        line.writer.transport.abort()


async def test_a_large_answer_of_which_nothing_is_taken_any_more_is_given_up(door: Door) -> None:
    await _is_given_up(door, await door.stranger())


async def test_with_tls_too_where_loops_do_not_tell_what_waits(tmp_path: Path, need_tool: Callable[..., str]) -> None:
    cert, key = f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem"
    certify(need_tool("openssl"), cert, key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    async with opened(context) as door:
        streams = await asyncio.open_connection("127.0.0.1", door.port, ssl=ssl.create_default_context(cafile=cert))
        await _is_given_up(door, Line(*streams))


async def _is_given_up(door: Door, line: Line) -> None:
    line.say(HEAD.format("GET /large") + KNOWN + "\r\n")
    await line.reader.readuntil(b"\r\n\r\n")
    late_s = 0

    def is_given_up() -> bool:
        nonlocal late_s
        late_s += 61
        door.pass_s(late_s)
        return not door.connections.all

    await until(is_given_up)  # what the systems hold between them is taken first


async def test_a_websocket_of_which_nothing_is_taken_is_not_given_up_by_this(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("GET /told") + KNOWN + "\r\n")
    await line.reader.readuntil(b"\r\n\r\n")
    looks = 0

    def is_looked_at() -> bool:
        nonlocal looks
        looks += 1
        door.pass_s(looks * 61)
        return looks == 100

    await until(is_looked_at)
    assert len(door.connections.all) == 1
    line.writer.transport.abort()


JUNK = {
    "a header without a name": HEAD.format("GET /open") + "Thing : 1\r\n\r\n",
    "two lengths": HEAD.format("POST /open") + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": HEAD.format("POST /open") + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": HEAD.format("GET /open") + "Host: evil.test\r\n\r\n",
    "no host": "GET /open HTTP/1.1\r\n\r\n",
    "lines that end otherwise": "GET /open HTTP/1.1\nHost: localhost\n\n",
    "a zero": HEAD.format("GET /open") + "X: \0\r\n\r\n",
    "a long header": HEAD.format("GET /open") + f"X: {'x' * 100_000}\r\n\r\n",
}


@pytest.mark.parametrize("said", JUNK.values(), ids=JUNK)
async def test_what_is_no_request_is_refused_in_our_words_and_ends_the_connection(door: Door, said: str) -> None:
    line = await door.stranger()
    line.say(said)
    head, _, body = (await line.reader.read()).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].split(b" ")[1] == b"400"
    assert {b"Server: beaker", b"X-Content-Type-Options: nosniff", b"Content-Type: application/json"} <= set(head.split(b"\r\n"))
    assert body == b'{"message":"This is no request that can be read.","reason":"Bad Request"}'


async def test_a_packed_body_is_not_unpacked(door: Door) -> None:
    line = await door.stranger()
    line.say(HEAD.format("POST /open") + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n")
    assert await line.status() == 415


@pytest.mark.parametrize("address", ["POST /open", "POST /thing"])
@pytest.mark.parametrize("expected", ["miracles", "100-continue, miracles", "100-continue\r\nExpect: miracles"])
async def test_an_unknown_expectation_is_refused_in_our_words_too(door: Door, address: str, expected: str) -> None:
    line = await door.stranger()
    line.say(HEAD.format(address) + KNOWN + f"Expect: {expected}\r\nContent-Length: 1\r\n\r\nx")
    head, _, body = (await line.reader.read()).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].split(b" ")[1] == b"417"
    assert {b"Server: beaker", b"Content-Type: application/json"} <= set(head.split(b"\r\n"))
    assert body == b'{"message":"The header Expect takes 100-continue and nothing else.","reason":"Expectation Failed"}'


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("POST /thing", "Content-Length: 5\r\n", b"401"),
        ("POST /nowhere", "Content-Length: 5\r\n", b"401"),
        ("POST /nowhere", f"{KNOWN}Content-Length: 5\r\n", b"404"),
        ("POST /thing", f"{KNOWN}Content-Length: 5\r\nOrigin: https://evil.example\r\n", b"403"),
        ("POST /thing", f"{KNOWN}Content-Length: 2000000\r\n", b"413"),
        ("POST /short", "Content-Length: 11\r\n", b"413"),
    ],
)
async def test_who_expects_to_go_on_is_refused_first_and_the_connection_ends(door: Door, address: str, headers: str, status: bytes) -> None:
    line = await door.connect()
    line.say(HEAD.format(address) + headers + "Expect: 100-continue\r\n\r\n")
    head = await line.reader.readuntil(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert b"Connection: close" in head.split(b"\r\n")


@pytest.mark.parametrize(
    "expectation", ["100-continue", "100-Continue", "100-continue, 100-continue,", "100-continue\r\nExpect: 100-continue"]
)
async def test_who_is_let_in_is_told_to_go_on(door: Door, expectation: str) -> None:
    line = await door.connect()
    for _ in range(2):
        line.say(HEAD.format("POST /thing") + KNOWN + f"Content-Length: 5\r\nExpect: {expectation}\r\n\r\n")
        assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.say("hello")
        assert await line.status() == 200
        assert await door.pieces.get() == b"hello"


async def test_an_older_client_is_not_told_to_go_on(door: Door) -> None:
    line = await door.connect()
    line.say("POST /thing HTTP/1.0\r\nHost: localhost\r\n" + KNOWN + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
    assert await line.status() == 200


@pytest.mark.parametrize(("address", "length"), [("POST /thing", 1_048_577), ("POST /short", 11)])
async def test_a_body_that_says_to_be_too_large_is_refused_before_any_of_it_came(door: Door, address: str, length: int) -> None:
    line = await door.connect()
    line.say(HEAD.format(address) + KNOWN + f"Content-Length: {length}\r\n\r\n")
    head = await line.reader.readuntil(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"413"
    assert b"Connection: close" in head.split(b"\r\n")
    assert f"at most {10 if address.endswith('short') else 1_048_576} bytes".encode() in await line.reader.readuntil(b"}")


@pytest.mark.parametrize("address", ["POST /thing", "POST /short"])
async def test_the_largest_body_is_taken(door: Door, address: str) -> None:
    line = await door.connect()
    size = 10 if address.endswith("short") else 1_048_576
    line.say(HEAD.format(address) + KNOWN + f"Content-Length: {size}\r\n\r\n" + "x" * size)
    assert await line.status() == 200
