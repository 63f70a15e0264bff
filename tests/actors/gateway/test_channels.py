"""The websocket of a kernel, over real HTTP and real unix sockets, with a host that the test plays."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType, WSServerHandshakeError

from actors.runtime.kit import ManualClock
from beaker.gateway.stream import Hold, Over, Release
from beaker.wire.websocket import V1, decode_legacy, decode_v1, encode_legacy, encode_v1
from tests.actors.gateway.desk import TOKEN, WITH_TOKEN, make_order, make_service, serving
from tests.actors.gateway.journal_host import JournalHost
from tests.actors.gateway.roles import Gateway, gateway

PATIENCE_S = 60


@pytest.fixture
async def here(short_folder: Path) -> AsyncIterator[Gateway]:
    async with gateway(short_folder) as made:
        made.registry.add(KERNEL)
        yield made


KERNEL = "3f6f0c4e-5b0e-4a52-8d5b-5a5b6f0a6a11"


def parts(text: str, *buffers: bytes) -> list[bytes]:
    """A message whose content is a text."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "stream"}
    return [json.dumps(header).encode(), b"{}", b"{}", json.dumps({"text": text}).encode(), *buffers]


def text_of(message: Any) -> str:
    """The text in what a client got."""
    if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
        raise AssertionError(f"closed: {message!r}")
    data = message.data
    found = decode_v1(data) if isinstance(data, bytes) and data[:4] != b"\0\0\0\x02" else decode_legacy(data)
    text: str = json.loads(found.parts[3])["text"]
    return text


async def opened(here: Gateway, session: str = "s", *, v1: bool = True, **more: Any) -> ClientWebSocketResponse[Any]:
    """A websocket that the host knows and tells everything."""
    socket: ClientWebSocketResponse[Any] = await here.client.ws_connect(
        f"/api/kernels/{KERNEL}/channels",
        params={"session_id": session},
        headers=WITH_TOKEN,
        protocols=(V1,) if v1 else (),
        max_msg_size=0,
        **more,
    )
    await until(lambda: session in here.journals[0].live)
    return socket


async def until(condition: Callable[[], bool]) -> None:
    """Let everything happen until this is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 -- what is waited for happens in many places, on this very loop
            await asyncio.sleep(0.001)


async def texts(socket: ClientWebSocketResponse[Any], count: int) -> list[str]:
    """The next messages."""
    async with asyncio.timeout(PATIENCE_S):
        return [text_of(await socket.receive()) for _ in range(count)]


async def close_code(socket: ClientWebSocketResponse[Any]) -> int | None:
    """How the other side has closed; messages before that are left out."""
    async with asyncio.timeout(PATIENCE_S):
        while (await socket.receive()).type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            continue
    return socket.close_code


def host(here: Gateway) -> JournalHost:
    return here.journals[0]


@pytest.mark.parametrize("buffers", [[], [b"one", b"", b"three"]])
async def test_messages_pass_both_ways_in_the_binary_framing(here: Gateway, buffers: list[bytes]) -> None:
    socket = await opened(here)
    assert socket.protocol == V1
    sent, told = parts("to", *buffers), parts("from", *buffers)
    await socket.send_bytes(encode_v1("shell", sent))
    await until(lambda: bool(host(here).said))
    assert host(here).said == [("s", "shell", sent)]
    host(here).tell(told)
    assert decode_v1((await socket.receive()).data) == ("iopub", told)


@pytest.mark.parametrize("buffers", [[], [b"one", b"", b"three"]])
async def test_messages_pass_both_ways_in_the_older_framing(here: Gateway, buffers: list[bytes]) -> None:
    socket = await opened(here, v1=False)
    assert socket.protocol is None
    sent, told = parts("to", *buffers), parts("from", *buffers)
    encoded = encode_legacy("control", sent)
    await (socket.send_str(encoded) if isinstance(encoded, str) else socket.send_bytes(encoded))
    await until(lambda: bool(host(here).said))
    assert host(here).said == [("s", "control", sent)]
    host(here).tell(told, session="s", channel="control")
    got = (await socket.receive()).data
    assert decode_legacy(got) == ("control", told)
    assert isinstance(got, bytes) == bool(buffers)


async def test_nothing_is_compressed_also_for_a_client_that_could(here: Gateway) -> None:
    socket = await opened(here, compress=15)
    assert socket.compress == 0
    assert "Sec-WebSocket-Extensions" not in socket._response.headers


async def test_a_client_that_offers_other_protocols_speaks_the_older_framing(here: Gateway) -> None:
    socket = await here.client.ws_connect(f"/api/kernels/{KERNEL}/channels", headers=WITH_TOKEN, protocols=("v9.example.org",))
    assert socket.protocol is None


async def test_fifty_clients_in_both_framings_are_told_what_the_host_said_once(here: Gateway) -> None:
    sockets = [await opened(here, f"s{number}", v1=number % 2 == 0) for number in range(50)]
    for number in range(20):
        host(here).tell(parts(f"all {number}"))
        host(here).tell(parts(f"one {number}"), session="s7", channel="shell")
    for number, one in enumerate(sockets):
        wanted = [f"{kind} {each}" for each in range(20) for kind in (["all", "one"] if number == 7 else ["all"])]
        assert await texts(one, len(wanted)) == wanted


async def test_what_has_left_for_a_client_stands_in_its_slot(here: Gateway) -> None:
    socket = await opened(here)
    numbers = [host(here).tell(parts(str(each))) for each in range(3)]
    await texts(socket, 3)
    owner = host(here).owners["s"]
    await until(lambda: host(here).taken(owner) == numbers[-1])


async def test_what_lay_in_the_systems_buffer_when_a_connection_broke_is_told_again(here: Gateway) -> None:
    loop = asyncio.get_running_loop()
    address = here.client.make_url(f"/api/kernels/{KERNEL}/channels").with_query(session_id="s")
    asked = {"Host": address.authority, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", **WITH_TOKEN}
    asked |= {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Protocol": V1}
    with socket.socket() as unread:
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        unread.connect((str(address.host), int(address.port or 0)))
        unread.setblocking(False)
        head = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
        await loop.sock_sendall(unread, f"GET {address.raw_path_qs} HTTP/1.1\r\n{head}\r\n".encode())
        await until(lambda: "s" in host(here).live)
        other = await opened(here, "other")
        numbers = [host(here).tell(parts(f"{each}", b"x" * 10_000)) for each in range(200)]
        await texts(other, 200)
        left = host(here).left(host(here).owners["s"])
        assert numbers[3] < left < numbers[30], "a worker that is killed can lose all of that, so it is little"
    await until(lambda: host(here).closed == ["s"])
    again = await opened(here)
    host(here).tell(parts("last"))
    assert (await texts(again, 200))[-2:] == ["198", "199"]
    assert await texts(again, 1) == ["last"]


async def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_twice(here: Gateway) -> None:
    first = await opened(here)
    host(here).tell(parts("seen"))
    assert await texts(first, 1) == ["seen"]
    await first.close()
    await until(lambda: host(here).closed == ["s"])
    for number in range(3):
        host(here).tell(parts(f"missed {number}"))
    host(here).tell(parts("reply"), session="s", channel="shell")
    host(here).tell(parts("of another"), session="t")
    again = await opened(here)
    host(here).tell(parts("new"))
    assert await texts(again, 5) == ["missed 0", "missed 1", "missed 2", "reply", "new"]


async def test_a_second_websocket_of_a_session_replaces_the_first(here: Gateway) -> None:
    first = await opened(here)
    second = await here.client.ws_connect(f"/api/kernels/{KERNEL}/channels?session_id=s", headers=WITH_TOKEN, protocols=(V1,))
    assert await close_code(first) == 1000
    await until(lambda: len(host(here).opens) == 2 and "s" in host(here).live)
    host(here).tell(parts("for the second"))
    assert await texts(second, 1) == ["for the second"]


async def test_a_session_that_is_taken_up_at_another_worker_ends_here(short_folder: Path) -> None:
    async with gateway(short_folder) as here:
        here.registry.add(KERNEL)
        socket = await opened(here)
        owner = host(here).owners.pop("s")
        from beaker.gateway.stream import Superseded, encode_head

        owner.link.send_bytes(owner.stream, [encode_head(Superseded(session="s"))])
        assert await close_code(socket) == 1000


async def test_a_client_without_a_session_gets_one_of_its_own(here: Gateway) -> None:
    for _ in range(2):
        await here.client.ws_connect(f"/api/kernels/{KERNEL}/channels", headers=WITH_TOKEN)
    await until(lambda: len(host(here).opens) == 2)
    one, other = (each.session for each in host(here).opens)
    assert one
    assert one != other


@pytest.mark.parametrize(
    "junk",
    [b"\xff" * 8, b"", b"\0" * 8, b"x" * 1000, encode_v1("shell", parts("x"))[:-40], (2**40).to_bytes(8, "little") * 9],
    ids=["a giant count", "nothing", "no parts", "letters", "a message that is cut", "giant places"],
)
async def test_junk_is_dropped_and_what_comes_behind_it_is_taken(here: Gateway, junk: bytes) -> None:
    for v1 in (True, False):
        socket = await opened(here, f"v1 {v1}", v1=v1)
        await socket.send_bytes(junk)
        await socket.send_str("[" * 10_000)
        good = parts("good")
        await socket.send_bytes(encode_v1("shell", good) if v1 else encode_legacy("shell", [*good, b"b"]))  # type: ignore[arg-type]  # bytes with a buffer
        await until(lambda: bool(host(here).said))
        assert host(here).said.pop()[2][3] == good[3]
        assert host(here).said == []
    assert here.service.counts.malformed == 4


async def test_a_message_that_is_too_large_closes_its_socket_alone(short_folder: Path) -> None:
    async with gateway(short_folder, max_body_bytes=1024 * 1024) as here:
        here.registry.add(KERNEL)
        large, other = await opened(here, "large"), await opened(here, "other")
        await large.send_bytes(b"x" * (1024 * 1024 + 1))
        assert await close_code(large) == 1009
        host(here).tell(parts("on"))
        assert await texts(other, 1) == ["on"]


async def test_thirty_megabytes_pass_both_ways(here: Gateway) -> None:
    socket = await opened(here)
    large = parts("large", bytes(range(256)) * (30 * 4096))
    await socket.send_bytes(encode_v1("shell", large))
    await until(lambda: bool(host(here).said))
    assert host(here).said[0][2] == large
    host(here).tell(large)
    assert decode_v1((await socket.receive()).data).parts == large


async def test_a_client_is_not_read_while_the_host_holds_it(here: Gateway) -> None:
    socket, other = await opened(here), await opened(here, "other")
    host(here).say(Hold(session="s"), "s")
    host(here).tell(parts("held by now"))
    await texts(socket, 1)
    await socket.send_bytes(encode_v1("shell", parts("held")))
    await other.send_bytes(encode_v1("shell", parts("free")))
    await until(lambda: bool(host(here).said))
    await socket.ping()
    assert [said[0] for said in host(here).said] == ["other"]
    host(here).say(Release(session="s"), "s")
    await until(lambda: [said[0] for said in host(here).said] == ["other", "s"])


async def test_the_end_of_a_kernel_closes_its_websockets_for_good(here: Gateway) -> None:
    socket = await opened(here)
    here.registry.kernels.clear()
    host(here).say(Over(reason="the kernel has ended"), "s")
    assert await close_code(socket) == 1000


async def test_a_kernel_that_leaves_the_list_a_moment_after_its_end_is_not_opened_again(here: Gateway) -> None:
    socket = await opened(here)
    looked = len(here.registry.seen)
    host(here).say(Over(reason="the kernel has ended"), "s")
    await until(lambda: len(here.registry.seen) > looked)
    here.registry.kernels.clear()
    assert await close_code(socket) == 1000
    assert len(host(here).opens) == 1


async def test_a_host_that_does_not_have_its_kernel_yet_is_asked_again(here: Gateway) -> None:
    host(here).is_absent = True
    socket = await here.client.ws_connect(f"/api/kernels/{KERNEL}/channels?session_id=s", headers=WITH_TOKEN, protocols=(V1,))
    await until(lambda: len(host(here).opens) >= 2)
    host(here).is_absent = False
    await until(lambda: "s" in host(here).live)
    host(here).tell(parts("there"))
    assert await texts(socket, 1) == ["there"]


async def test_websockets_outlive_their_host_and_miss_nothing_of_what_the_next_one_says(here: Gateway) -> None:
    sockets = [await opened(here, name) for name in ("a", "b")]
    last = host(here).tell(parts("before"))
    for one in sockets:
        await texts(one, 1)
    await here.lose("host 0")
    await sockets[0].send_bytes(encode_v1("shell", parts("said meanwhile")))
    here.journals[0] = JournalHost(here.order.folder, first=last + 1000)
    host(here).tell(parts("before anybody was back"))
    await here.play_host(0)
    await until(lambda: host(here).live == {"a", "b"})
    host(here).tell(parts("after"))
    for one in sockets:
        assert await texts(one, 2) == ["before anybody was back", "after"]
    assert {fetch.after for fetch in host(here).fetches} == {last}
    await until(lambda: [said[0] for said in host(here).said] == ["a"])


async def test_a_client_that_never_reads_costs_no_memory_and_the_others_nothing(short_folder: Path) -> None:
    async with gateway(short_folder, stopped_s=600.0) as here:  # how slow it is matters to another test
        here.registry.add(KERNEL)
        still, other = await opened(here, "still"), await opened(here, "other")
        stop_reading(still)
        (client,) = [each for each in here.service.clients if each.session == "still"]
        for number in range(100):
            host(here).tell(parts(str(number), b"x" * 1_000_000))
            assert await texts(other, 1) == [str(number)]
        assert client.delivery.waiting_bytes <= 6_000_000
        assert client.delivery.missed_bytes >= 80_000_000
        assert here.service.counts.fell_behind == 1
        read_on(still)
        assert await texts(still, 100) == [str(number) for number in range(100)]
        host(here).tell(parts("live again"))
        assert await texts(still, 1) == ["live again"]


async def test_a_client_that_takes_nothing_while_too_much_waits_is_closed_as_too_slow(short_folder: Path) -> None:
    async with gateway(short_folder, lag_bytes=8 * 1024 * 1024, stopped_s=0.2) as here:
        here.registry.add(KERNEL)
        still, other = await opened(here, "still"), await opened(here, "other")
        stop_reading(still)
        for number in range(20):
            host(here).tell(parts(str(number), b"x" * 1_000_000))
            assert await texts(other, 1) == [str(number)]
        await until(lambda: here.service.counts.websockets_too_slow == 1)
        read_on(still)
        got = 0
        async with asyncio.timeout(PATIENCE_S):
            while (message := await still.receive()).type is WSMsgType.BINARY:
                assert text_of(message) == str(got)
                got += 1
        assert still.close_code == 1013
        await until(lambda: "still" in host(here).closed)
        again = await here.client.ws_connect(PATH, params={"session_id": "still"}, headers=WITH_TOKEN, protocols=(V1,))
        assert await texts(again, 20 - got) == [str(number) for number in range(got, 20)]


async def test_a_client_that_does_not_answer_is_given_up_and_one_that_does_is_kept(short_folder: Path) -> None:
    clock = ManualClock()
    async with gateway(short_folder, clock=clock, ping_s=10.0) as here:
        here.registry.add(KERNEL)
        silent = await opened(here, "silent", autoping=False)
        there = await opened(here, "there")
        reading = asyncio.create_task(there.receive())
        for _ in range(30):
            await clock.advance(1.0)
            await asyncio.sleep(0.005)  # of which ten lie between a ping and its answer: turns of the loop, which is both sides
        await until(lambda: "silent" in host(here).closed)
        host(here).tell(parts("still there"))
        assert text_of(await reading) == "still there"
        await silent.close()


async def test_clients_are_sent_to_another_worker(here: Gateway) -> None:
    socket = await opened(here)
    number = host(here).tell(parts("last"))
    await until(lambda: host(here).taken(host(here).owners["s"]) == number)
    here.service.send_clients_away()
    assert await texts(socket, 1) == ["last"]
    assert await close_code(socket) == 1012
    await until(lambda: host(here).got == {"s": number})


async def test_what_a_client_said_before_it_was_sent_away_reaches_the_kernel(here: Gateway) -> None:
    socket = await opened(here)
    host(here).say(Hold(session="s"), "s")
    host(here).tell(parts("held by now"))
    await texts(socket, 1)
    for number in range(3):
        await socket.send_bytes(encode_v1("shell", parts(f"waits {number}")))
    here.service.send_clients_away()
    stop_reading(socket)  # so it does not know yet
    (client,) = here.service.clients
    await until(lambda: client.is_ending)
    await socket.send_bytes(encode_v1("shell", parts("on its way")))
    host(here).say(Release(session="s"), "s")
    read_on(socket)
    assert await close_code(socket) == 1012
    await until(lambda: host(here).closed == ["s"])
    said = [json.loads(message[3])["text"] for _, _, message in host(here).said]
    assert said == ["waits 0", "waits 1", "waits 2", "on its way"]


async def test_what_is_said_by_a_browser_that_is_signed_out_reaches_no_kernel(here: Gateway) -> None:
    socket = await opened(here)
    (client,) = here.service.clients
    client.end(1008, "signed out", is_heard_out=False)
    await socket.send_bytes(encode_v1("shell", parts("too late")))
    assert await close_code(socket) == 1008
    await until(lambda: host(here).closed == ["s"])
    assert host(here).said == []


async def _refused(here: Gateway, path: str, **how: Any) -> int:
    with pytest.raises(WSServerHandshakeError) as refused:
        await here.client.ws_connect(path, **how)
    return refused.value.status


PATH = f"/api/kernels/{KERNEL}/channels"


@pytest.mark.parametrize(
    ("path", "how", "status"),
    [
        (PATH, {}, 401),
        (PATH, {"headers": {"Authorization": "token wrong"}}, 401),
        (PATH, {"params": {"token": "wrong"}}, 401),
        (PATH, {"protocols": (V1, f"v1.token.websocket.jupyter.org.{TOKEN}")}, 401),
        (PATH, {"headers": {**WITH_TOKEN, "Origin": "https://evil.test"}}, 403),
        (PATH, {"headers": {**WITH_TOKEN, "Host": "evil.test"}}, 403),
        ("/api/kernels/none/channels", {"headers": WITH_TOKEN}, 404),
        (PATH, {"headers": WITH_TOKEN, "params": {"session_id": "s" * 201}}, 400),
    ],
)
async def test_what_can_be_refused_is_refused_before_the_upgrade(here: Gateway, path: str, how: dict[str, Any], status: int) -> None:
    assert await _refused(here, path, **how) == status


async def test_a_cookie_alone_opens_a_websocket_of_our_own_pages_only(here: Gateway) -> None:
    value = here.service.sessions.begin(here.service.clock.wall())
    cookie = {"Cookie": f"{here.service.cookie}={value}"}
    assert await _refused(here, PATH, headers=cookie) == 403
    assert await _refused(here, PATH, headers={**cookie, "Origin": "https://evil.test"}) == 403
    own = str(here.client.make_url("/").origin())
    async with here.client.ws_connect(PATH, headers={**cookie, "Origin": own}) as socket:
        assert not socket.closed
    async with here.client.ws_connect(PATH, params={"token": TOKEN}) as socket:
        assert not socket.closed


async def test_what_is_no_websocket_is_answered_in_words(here: Gateway) -> None:
    answer = await here.client.get(PATH, headers=WITH_TOKEN)
    assert (answer.status, "websocket" in (await answer.json())["message"]) == (400, True)


async def test_no_more_websockets_are_opened_than_may_be_and_one_that_is_gone_makes_room(short_folder: Path) -> None:
    async with gateway(short_folder, max_websockets=2) as here:
        here.registry.add(KERNEL)
        first, _ = await opened(here, "1"), await opened(here, "2")
        assert await _refused(here, PATH, headers=WITH_TOKEN) == 503
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
        answer = await here.client.get(PATH, headers={**WITH_TOKEN, **upgrade})
        assert "BEAKER_GATEWAY_MAX_WEBSOCKETS" in (await answer.json())["message"], "it names what there is to set"
        await first.close()
        await until(lambda: here.service.websockets == 1)
        third = await _in_time(lambda: here.client.ws_connect(PATH, headers=WITH_TOKEN))
        assert not third.closed


async def _in_time(connect: Callable[[], Awaitable[ClientWebSocketResponse[Any]]]) -> ClientWebSocketResponse[Any]:
    """A slot is left alone for a moment after its websocket has gone."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await connect()
            except WSServerHandshakeError:
                await asyncio.sleep(0.05)


def stop_reading(socket: ClientWebSocketResponse[Any]) -> None:
    """Take nothing more from the network."""
    transport = socket._conn.transport  # type: ignore[union-attr]  # it is open
    transport.pause_reading()  # type: ignore[union-attr]  # as above


def read_on(socket: ClientWebSocketResponse[Any]) -> None:
    """Take something again."""
    socket._conn.transport.resume_reading()  # type: ignore[union-attr]  # it is open


async def test_a_websocket_ends_with_the_session_that_opened_it_and_one_by_token_does_not(here: Gateway) -> None:
    session = here.service.sessions.begin(here.service.clock.wall())
    cookies = {here.service.cookie: session}
    origin = str(here.client.make_url("")).rstrip("/")
    path = f"/api/kernels/{KERNEL}/channels"
    async with ClientSession(cookies=cookies, cookie_jar=CookieJar(unsafe=True)) as browser:
        theirs = await browser.ws_connect(here.client.make_url(f"{path}?session_id=a"), headers={"Origin": origin})
        ours = await here.client.ws_connect(f"{path}?session_id=b", headers=WITH_TOKEN)
        await until(lambda: {"a", "b"} <= here.journals[0].live)
        here.service.signed_out.add(session)
        assert await close_code(theirs) == 1008
        here.journals[0].tell(parts("hello"))
        assert len(await texts(ours, 1)) == 1


async def test_a_worker_that_can_note_nothing_of_websockets_says_why_and_begins_when_it_can(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.gateway.service.ROOM_AGAIN_S", 0.01)
    service = make_service(make_order(str(short_folder / "later")))
    service.start()
    async with serving(service) as client:
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("/api/kernels/x/channels", headers=WITH_TOKEN)
        assert refused.value.status == 507
        (short_folder / "later").mkdir()
        await until(lambda: service.slots is not None)
    await service.stop()
