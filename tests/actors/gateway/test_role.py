"""A worker as a process of its own, at sockets that it inherits, with the other roles played by the test."""

import asyncio
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from actors.guardian.order import OPTION, GatewayOrder, seal_order
from actors.runtime import process
from actors.runtime.node import Node
from beaker.messages.host import HostRequest
from beaker.messages.registry import RegistryRequest
from beaker.wire.websocket import V1
from tests.actors.gateway.desk import TOKEN, WITH_TOKEN, make_order
from tests.actors.gateway.journal_host import JournalHost
from tests.actors.gateway.roles import ScriptedHost, ScriptedRegistry, play
from tests.actors.gateway.test_channels import KERNEL, PATIENCE_S, close_code, parts, read_on, stop_reading, text_of, texts, until

PATH = f"/api/kernels/{KERNEL}/channels"


class Place:
    """A listening socket, and the roles that workers find."""

    def __init__(self, order: GatewayOrder, listening: socket.socket) -> None:
        self.order = order
        self.listening = listening
        self.registry = ScriptedRegistry()
        self.host = ScriptedHost()
        self.journal = JournalHost(order.folder)
        self.nodes: list[Node] = []
        self.workers: list[process.Child] = []

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"http://127.0.0.1:{self.order.port}"

    async def start_worker(self) -> process.Child:
        """A worker that is ready."""
        order = seal_order(self.order)
        try:
            worker = process.start(
                [sys.executable, "-P", "-m", "beaker_kernel", "--role", "worker", "--number", "0", f"{OPTION}{order}"],
                role="worker",
                secret=b"link secret",
                inherit=[order, self.listening.fileno()],
            )
        finally:
            os.close(order)
        self.workers.append(worker)
        await worker.ready(60)
        return worker


@asynccontextmanager
async def place(folder: Path, listening: socket.socket, **settings: Any) -> AsyncIterator[Place]:
    """All but the workers, which are ended with it."""
    port = listening.getsockname()[1] if listening.family != socket.AF_UNIX else 0
    order = msgspec.structs.replace(make_order(str(folder), **settings), listening=(listening.fileno(),), port=port)
    made = Place(order, listening)
    made.registry.add(KERNEL)
    made.nodes = [
        await play(order, "registry", "registry", lambda: made.registry, RegistryRequest, lambda _: None),
        await play(order, "host-0", "host", lambda: made.host, HostRequest, made.journal.add),
    ]
    try:
        yield made
    finally:
        for worker in made.workers:
            await worker.end(0)
        for node in made.nodes:
            await node.stop()
        listening.close()


def listen() -> socket.socket:
    """A socket as the guardian opens it."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture
async def here(short_folder: Path) -> AsyncIterator[Place]:
    async with place(short_folder, listen()) as made:
        yield made


@pytest.fixture
async def web(here: Place) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(here.url, headers=WITH_TOKEN) as session:
        yield session


async def test_a_worker_serves_and_on_sigterm_sends_its_websockets_away(here: Place, web: aiohttp.ClientSession) -> None:
    worker = await here.start_worker()
    answer = await web.get("/api/kernels")
    assert [model["id"] for model in await answer.json()] == [KERNEL]
    connected = await web.ws_connect(f"{PATH}?session_id=s", protocols=(V1,))
    await until(lambda: "s" in here.journal.live)
    here.journal.tell(parts("hello"))
    assert await texts(connected, 1) == ["hello"]
    worker.send_signal(signal.SIGTERM)
    assert await close_code(connected) == 1012
    assert (await worker.exited).status == 0
    assert [name for name in os.listdir(here.order.folder) if name.startswith("seen-")] == []


async def test_what_a_killed_worker_has_not_sent_its_client_gets_at_the_next_one_and_nothing_twice_but_what_was_at_hand(
    here: Place, web: aiohttp.ClientSession
) -> None:
    first, _ = await here.start_worker(), await here.start_worker()
    connected = await web.ws_connect(f"{PATH}?session_id=s", protocols=(V1,))
    await until(lambda: "s" in here.journal.live)
    killed = here.journal.owners["s"].link.peer.pid
    got: list[str] = []

    async def read(connection: Any) -> None:
        while (message := await connection.receive()).type is aiohttp.WSMsgType.BINARY:
            got.append(text_of(message))

    reading = asyncio.create_task(read(connected))
    for number in range(500):
        here.journal.tell(parts(str(number), b"x" * 1000))
        if number % 10 == 0:
            await asyncio.sleep(0)
        if number == 250:
            os.kill(killed, signal.SIGKILL)
    await reading
    assert first.pid == killed or len(here.workers) == 2
    await until(lambda: "s" not in here.journal.owners)  # the host hears of the loss before a client that takes a second to come back
    again = await web.ws_connect(f"{PATH}?session_id=s", protocols=(V1,))
    more = asyncio.create_task(read(again))
    await until(lambda: got[-1:] == ["499"])
    assert list(dict.fromkeys(got)) == [str(number) for number in range(500)]
    assert len(got) <= 501  # the one that had been sent, and not noted yet
    more.cancel()


async def test_a_request_that_runs_is_answered_before_the_worker_leaves(here: Place, web: aiohttp.ClientSession) -> None:
    worker = await here.start_worker()
    here.registry.is_mute = True
    asked = asyncio.create_task(web.get("/api/kernels"))
    await until(lambda: bool(here.registry.owed))
    worker.send_signal(signal.SIGTERM)
    here.registry.answer_owed()
    assert (await asked).status == 200
    assert (await worker.exited).status == 0


async def test_a_request_that_does_not_end_is_cut_off(short_folder: Path) -> None:
    async with place(short_folder, listen(), drain_s=0.3) as here, aiohttp.ClientSession(here.url, headers=WITH_TOKEN) as web:
        worker = await here.start_worker()
        here.registry.is_mute = True
        asked = asyncio.create_task(web.post("/api/kernels"))  # a GET would be asked again, of nobody
        await until(lambda: bool(here.registry.owed))
        worker.send_signal(signal.SIGTERM)
        assert (await worker.exited).status == 0
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(outcome, aiohttp.ClientError) or (isinstance(outcome, aiohttp.ClientResponse) and outcome.status == 503)


async def test_a_worker_leaves_when_its_parent_is_gone(here: Place) -> None:
    worker = await here.start_worker()
    worker._channel.close()  # what the kernel does with it when we die
    assert (await worker.exited).status == 0


async def test_a_worker_answers_at_a_unix_socket(short_folder: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{short_folder}/http.sock")
    listening.listen()
    async with (
        place(short_folder, listening) as here,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(f"{short_folder}/http.sock"), headers=WITH_TOKEN) as web,
    ):
        await here.start_worker()
        assert (await web.get("http://localhost/api/kernels")).status == 200
        await web.ws_connect(f"http://localhost{PATH}")


async def test_a_worker_that_leaves_does_not_take_the_unix_socket_with_it(short_folder: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{short_folder}/http.sock")
    listening.listen()
    async with place(short_folder, listening) as here:
        worker = await here.start_worker()
        worker.send_signal(signal.SIGTERM)
        assert (await worker.exited).status == 0
        assert (short_folder / "http.sock").is_socket()


@pytest.fixture
def certificate(tmp_path: Path, need_tool: Callable[..., str]) -> tuple[str, str]:
    """Of this machine: its file, and its key's."""
    cert, key = f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem"
    certify(need_tool("openssl"), cert, key)
    return cert, key


def certify(openssl: str, cert: str, key: str) -> None:
    """Makes a new one."""
    words = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=beaker", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]
    subprocess.run(words, check=True, capture_output=True)


async def test_a_worker_speaks_tls(short_folder: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=cert))
    async with (
        place(short_folder, listen(), tls_cert=cert, tls_key=key) as here,
        aiohttp.ClientSession(connector=trusting, headers=WITH_TOKEN) as web,
    ):
        await here.start_worker()
        url = f"https://127.0.0.1:{here.order.port}"
        assert (await web.get(f"{url}/api/kernels", headers={"Origin": url})).status == 200
        connected = await web.ws_connect(f"{url}{PATH}?session_id=s", protocols=(V1,))
        await until(lambda: "s" in here.journal.live)
        large = parts("large", b"x" * 3_000_000)
        number = here.journal.tell(large)
        assert await texts(connected, 1) == ["large"]
        await until(lambda: here.journal.taken(here.journal.owners["s"]) == number)


async def test_the_worker_that_follows_another_serves_the_certificate_that_is_there_now(
    short_folder: Path, certificate: tuple[str, str], need_tool: Callable[..., str]
) -> None:
    """As after a SIGHUP, on which the guardian replaces workers one by one."""
    cert, key = certificate
    async with place(short_folder, listen(), tls_cert=cert, tls_key=key) as here:

        async def is_served() -> bool:
            """Whether who trusts nothing but the file as it is now comes in."""
            trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=cert))
            async with aiohttp.ClientSession(connector=trusting, headers=WITH_TOKEN) as web:
                try:
                    return (await web.get(f"https://127.0.0.1:{here.order.port}/api/kernels")).status == 200
                except aiohttp.ClientConnectorCertificateError:
                    return False

        first = await here.start_worker()
        certify(need_tool("openssl"), cert, key)
        assert not await is_served()
        await here.start_worker()
        first.send_signal(signal.SIGTERM)
        assert (await first.exited).status == 0
        assert await is_served()


async def test_a_client_that_never_reads_costs_a_worker_a_few_megabytes(here: Place, web: aiohttp.ClientSession) -> None:
    worker = await here.start_worker()
    still = await web.ws_connect(f"{PATH}?session_id=still", protocols=(V1,), max_msg_size=0)
    other = await web.ws_connect(f"{PATH}?session_id=other", protocols=(V1,), max_msg_size=0)
    await until(lambda: here.journal.live == {"still", "other"})
    stop_reading(still)
    large = parts("large", b"x" * 1_000_000)
    for number in range(110):
        if number == 10:  # by now it has fallen behind, and has all that may wait for it
            before = _resident_bytes(worker.pid)
        here.journal.tell(large)
        here.journal.kept.clear()
        assert await texts(other, 1) == ["large"]
    assert _resident_bytes(worker.pid) - before <= 32_000_000


def _resident_bytes(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


async def test_small_messages_are_not_held_back_by_the_network(here: Place, web: aiohttp.ClientSession) -> None:
    """With Nagle's algorithm the second of two would wait until the client's system has acknowledged the first."""
    await here.start_worker()
    connected = await web.ws_connect(f"{PATH}?session_id=s", protocols=(V1,))
    await until(lambda: "s" in here.journal.live)
    own = connected.get_extra_info("socket")

    async def two_come_before_a_word_goes_back() -> bool:
        stop_reading(connected)  # what is read is acknowledged soon
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)  # else some things are at once
        sent, came = _segments(own)
        here.journal.tell(parts("a"))
        here.journal.tell(parts("b"))
        await until(lambda: _segments(own)[1] >= came + 2)
        unanswered = _segments(own)[0] == sent
        read_on(connected)
        assert await texts(connected, 2) == ["a", "b"]
        return unanswered

    async with asyncio.timeout(PATIENCE_S):
        while not await two_come_before_a_word_goes_back():
            continue  # one was acknowledged for its age: the machine is busy


def _segments(own: socket.socket) -> tuple[int, int]:
    """How many this side has sent, and how many with something in them have come (Linux `struct tcp_info`, since 4.6)."""
    sent, came = struct.unpack("=136xI12xI", own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 156))
    return sent, came


async def test_no_log_line_and_no_word_holds_the_token(here: Place, web: aiohttp.ClientSession, capfd: pytest.CaptureFixture[str]) -> None:
    worker = await here.start_worker()
    for path in (f"/api/me?token={TOKEN}", f"/nowhere/{TOKEN}?token={TOKEN}"):
        await web.get(path)
    reader, writer = await asyncio.open_connection("127.0.0.1", here.order.port)
    writer.write(f"BREW /api?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b" 400 " in await reader.read()
    writer.close()
    assert (await web.get("/api/me")).status == 200
    worker.send_signal(signal.SIGTERM)
    await worker.exited
    lines = _logged()
    assert '"event":"request"' in lines
    assert TOKEN not in lines
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err


def _logged() -> str:
    return "".join(file.read_text() for file in Path(os.environ["XDG_STATE_HOME"]).rglob("*.jsonl"))
