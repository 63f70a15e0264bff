"""What goes wrong is an answer in JSON with a sentence, and every request is put down without its secrets."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, UnixConnector, web
from yarl import URL

from actors.gateway.answers import Problem, json_answer, moment, read_body
from actors.gateway.app import make_app
from actors.gateway.asking import note_kernel
from actors.gateway.routes import get, post
from actors.gateway.service import Service
from actors.runtime.log import FIRST
from tests.actors.gateway.desk import TOKEN, WITH_TOKEN, Lines, make_order, make_service, serving

MIB = 1024 * 1024


class _Wanted(msgspec.Struct):
    number: int = 0


async def _echo(request: web.Request) -> web.Response:
    return json_answer(await read_body(request, _Wanted))


async def _home(_request: web.Request) -> web.Response:
    return json_answer({})


async def _fail(_request: web.Request) -> web.Response:
    raise ZeroDivisionError(f"with {TOKEN} in it")


OWN = (post("api/echo", _echo), get("api/fail", _fail), get("api/{name}/part", _echo))


@pytest.fixture
def service() -> Service:
    return make_service(make_order(max_body_bytes=MIB))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("DELETE", "/api/echo", b"", 405),
        ("POST", "/api/echo", b"{", 400),
        ("POST", "/api/echo", b'{"number": "one"}', 400),
        ("POST", "/api/echo", b'{"\xff": 1}', 400),
        ("POST", "/api/echo", b"[" * 100_000, 400),
        ("POST", "/api/echo", b" " * (MIB + 1), 413),
        ("GET", "/api/fail", b"", 500),
    ],
)
async def test_what_goes_wrong_is_said_in_a_sentence(service: Service, method: str, path: str, body: bytes, status: int) -> None:
    async with serving(service, [OWN]) as client:
        answer = await client.request(method, path, data=body or None, headers=WITH_TOKEN)
        said = await answer.json()
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert set(said) == {"message", "reason"}
    assert said["message"].endswith(".")
    assert "Traceback" not in said["message"]
    assert TOKEN not in said["message"]


async def test_an_empty_body_and_unknown_keys_are_taken(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        assert await (await client.post("/api/echo", headers=WITH_TOKEN)).json() == {"number": 0}
        assert await (await client.post("/api/echo", headers=WITH_TOKEN, json={"number": 2, "more": []})).json() == {"number": 2}


SLASHES = [
    ("GET", "/lab/api/", 302, "/lab/api"),
    ("GET", "/lab/api/kernels//?a=b%20c", 302, "/lab/api/kernels?a=b%20c"),
    ("HEAD", "/lab/api/sessions/", 302, "/lab/api/sessions"),
    ("GET", "/lab/nothing/", 302, "/lab/nothing"),
    ("GET", "/lab/nothing", 404, None),
    ("GET", "/lab/", 200, None),
    ("POST", "/lab/api/kernels/", 404, None),
    ("GET", "/", 404, None),
]


@pytest.mark.parametrize(("method", "path", "status", "target"), SLASHES)
async def test_a_slash_too_many_leads_to_the_address_without(method: str, path: str, status: int, target: str | None) -> None:
    own = [get("", _home), get("api", _home)]
    async with serving(make_service(make_order(base_url="/lab/")), [own]) as client:
        answer = await client.request(method, URL(path, encoded=True), headers=WITH_TOKEN, allow_redirects=False)
        assert (answer.status, answer.headers.get("Location")) == (status, target)


async def test_a_slash_too_many_leads_to_no_other_host(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET //evil.example/ HTTP/1.0\r\nHost: localhost\r\nAuthorization: token {TOKEN}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        writer.close()
    assert "Location: /evil.example" in head


async def test_a_base_url_stands_before_every_address() -> None:
    async with serving(make_service(make_order(base_url="/a/b/")), [OWN]) as client:
        assert (await client.post("/a/b/api/echo", headers=WITH_TOKEN)).status == 200
        assert (await client.post("/api/echo", headers=WITH_TOKEN)).status == 404
        refused = await client.post("/a/b/api/echo")
        assert "sign in at the page /a/b/login. " in (await refused.json())["message"]


async def test_every_request_leaves_a_line_without_what_stands_behind_the_path(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        answer = await client.get("/api/x/part", params={"token": TOKEN})
    assert isinstance(service.log, Lines)
    ((event, values),) = service.log.events
    assert (event, values["method"], values["path"], values["status"]) == ("request", "GET", "/api/x/part", 200)
    assert values["remote"] == "127.0.0.1"
    assert len(answer.headers["X-Request-ID"]) == 16


async def test_at_a_unix_socket_nobody_has_an_address(service: Service, short_folder: Path) -> None:
    path = str(short_folder / "s")
    runner = web.AppRunner(make_app(service, [OWN]))
    await runner.setup()
    try:
        await web.UnixSite(runner, path).start()
        async with ClientSession(connector=UnixConnector(path)) as client, client.get("http://localhost/api/x/part") as answer:
            assert answer.status == 401
    finally:
        await runner.cleanup()
    assert isinstance(service.log, Lines)
    ((_, values),) = service.log.events
    assert "remote" not in values


KERNEL_ID = "40fc0abc-59d0-46db-a2bc-ca5f080b61fc"


async def _about(request: web.Request) -> web.Response:
    """As one that has looked for the kernel, and there is the one."""
    if request.match_info["kernel_id"] == KERNEL_ID:
        note_kernel(KERNEL_ID)
    return web.Response()


ABOUT = (get("api/about/{kernel_id}", _about),)


@pytest.mark.parametrize(
    ("kernel_id", "headers", "named"),
    [
        (KERNEL_ID, WITH_TOKEN, KERNEL_ID),
        (KERNEL_ID, {}, None),
        (KERNEL_ID, {**WITH_TOKEN, "Origin": "https://evil.example"}, None),
        (KERNEL_ID.replace("4", "5"), WITH_TOKEN, None),
        ("%1b%5b31mRED%0aFAKE", WITH_TOKEN, None),
    ],
    ids=["user", "stranger", "page", "invented", "escape"],
)
async def test_the_line_of_a_request_names_a_kernel_only_where_its_user_has_asked(
    service: Service, kernel_id: str, headers: dict[str, str], named: str | None
) -> None:
    async with serving(service, [ABOUT]) as client:
        await client.get(URL(f"/api/about/{kernel_id}", encoded=True), headers=headers)
    assert isinstance(service.log, Lines)
    assert service.log.events[-1][1].get("kernel") == named


async def test_who_goes_in_the_middle_of_a_request_leaves_no_traceback(service: Service, short_folder: Path) -> None:
    begun, heard = asyncio.Event(), asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        begun.set()
        try:
            return web.Response(body=await request.read())
        finally:
            heard.set()

    # As a worker serves: it lets a handler whose client has gone come to its end.
    runner = web.AppRunner(make_app(service, [(post("api/take", take, public=True),)]))
    await runner.setup()
    try:
        await web.UnixSite(runner, path := str(short_folder / "s")).start()
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /api/take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
        await begun.wait()
        writer.transport.abort()
        await heard.wait()
    finally:
        await runner.cleanup()
    assert isinstance(service.log, Lines)
    ((event, values),) = service.log.events
    assert (event, values["status"]) == ("request", 400)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), Problem(503, "Not now."), web.HTTPNotFound()], ids=["mistake", "problem", "foreign"]
)
async def test_what_goes_wrong_in_the_middle_of_an_answer_breaks_it_off_in_one_line(service: Service, error: Exception) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = 10_000
        await answer.prepare(request)
        await answer.write(b"the beginning")
        raise error

    async with serving(service, [(get("api/half", fail),)]) as client, client.get("/api/half", headers=WITH_TOKEN) as answer:
        assert answer.status == 200
        with pytest.raises((ClientPayloadError, ClientConnectionError)):
            await answer.read()
    assert isinstance(service.log, Lines)
    assert [event for event, _ in service.log.events] == ["answer.broken_off", "request"]


async def test_requests_of_strangers_without_end_do_not_fill_the_log(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        for _ in range(2 * FIRST):
            assert (await client.get("/api/x/part")).status == 401
        await client.get("/api/x/part", headers=WITH_TOKEN)
    assert isinstance(service.log, Lines)
    said = [(values["status"], values.get("stranger", False)) for _, values in service.log.events]
    assert said == [(401, True)] * FIRST + [(200, False)]


async def test_health_checks_without_a_token_are_no_warnings_and_hide_none(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(service.log, Lines)
    warned: list[object] = []
    monkeypatch.setattr(service.log, "warning", lambda _event, **values: warned.append(values["status"]))
    async with serving(service) as client:
        for _ in range(2 * FIRST):
            assert (await client.get("/api")).status == 200
        assert warned == []
        assert (await client.get("/api/kernels")).status == 401
    assert warned == [401]
    assert [values["status"] for _, values in service.log.events] == [200] * FIRST


async def test_the_version_is_for_everybody(service: Service) -> None:
    async with serving(service) as client:
        assert set(await (await client.get("/api")).json()) == {"version"}
        assert (await client.head("/api")).status == 200


def test_a_moment_is_written_with_its_zone() -> None:
    assert json_answer(moment(0.5)).body == b'"1970-01-01T00:00:00.500000Z"'
