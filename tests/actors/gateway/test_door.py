"""Who comes in, over real HTTP: every route that there is, and every way to ask."""

import json
from html import escape
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from actors.gateway.app import make_app
from actors.gateway.door import ROUTES
from actors.gateway.routes import Route, get, post
from actors.gateway.service import Service
from beaker.gateway.cookies import XSRF_HEADER
from tests.actors.gateway.desk import BROWSER, TOKEN, WITH_TOKEN, make_order, make_service, serving

PUBLIC = {"api", "login", "logout", "static/{name}"}
"""All that may be asked for without a token. Whoever adds to it opens the gateway a little."""


async def _say(_request: web.Request) -> web.Response:
    return web.Response(text="inside")


OWN = (
    get("page", _say, page=True),
    get("api/thing", _say),
    post("api/thing", _say),
    get("open", _say, public=True),
)
"""A page, an answer for programs, something that changes, and something for everybody."""


def _all_routes() -> list[tuple[str, Route]]:
    """Every method and address that an application of a worker has, from its router itself."""
    app = make_app(make_service())
    known = app[ROUTES]
    found = []
    for each in app.router.routes():
        assert each in known, f"{each} is not from a table"
        found.append((each.method, known[each]))
    return found


ALL = _all_routes()


def address(route: Route) -> str:
    """An address of this route, with something in each of its blanks."""
    return "/" + "".join("x" if part.endswith("}") else part for part in route.path.replace("{", "\0{").replace("}", "}\0").split("\0"))


@pytest.fixture
def service() -> Service:
    return make_service()


def _session(service: Service) -> dict[str, str]:
    value = service.sessions.begin(service.clock.wall())
    return {service.cookie: value, "_xsrf": service.sessions.xsrf(value)}


def test_only_these_routes_are_for_everybody() -> None:
    assert {route.path for _, route in ALL if route.public} <= PUBLIC


STRANGERS: dict[str, dict[str, Any]] = {
    "no token": {},
    "a wrong token": {"headers": {"Authorization": "token wrong"}},
    "a wrong bearer": {"headers": {"Authorization": "Bearer wrong"}},
    "a wrong token in the address": {"params": {"token": "wrong"}},
    "a made-up cookie": {"cookies": {"beaker-session-8888": f"{'0' * 32}.99999999999.{'0' * 64}"}},
    "the token as a cookie": {"cookies": {"beaker-session-8888": TOKEN}},
    "the token as a password": {"headers": {"Authorization": f"Basic {TOKEN}"}},
}


@pytest.mark.parametrize("how", STRANGERS)
async def test_every_route_refuses_a_stranger(service: Service, how: str) -> None:
    wrong = []
    async with serving(service) as client:
        for method, route in ALL:
            answer = await client.request(method, address(route), allow_redirects=False, **STRANGERS[how])
            if not route.public and (answer.status != 401 or not await _says_why(answer)):
                wrong.append((method, route.path, answer.status))
    assert wrong == []


async def _says_why(answer: ClientResponse) -> bool:
    """Whether a refusal has a sentence: for programs in JSON, for people with the way on."""
    text = await answer.text()
    if answer.method == "HEAD":
        return True
    if answer.status == 302:
        return answer.content_type == "text/html" and f'<a href="{escape(answer.headers["Location"])}">' in text
    return {*json.loads(text)} == {"message", "reason"} and json.loads(text)["message"].endswith(".")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json, text/plain, */*", ""])
async def test_a_program_that_asks_for_a_page_is_refused_as_a_program(service: Service, accept: str) -> None:
    async with serving(service) as client:
        for path in ("/", "/logout", "/page"):
            answer = await client.get(path, headers={"Accept": accept}, allow_redirects=False)
            assert (answer.status, await _says_why(answer)) == (401, True)


async def test_a_browser_that_opens_a_page_is_led_to_the_login(service: Service) -> None:
    async with serving(service) as client:
        for path, status in (("/", 302), ("/logout", 302), ("/page", 401)):
            answer = await client.get(path, headers=BROWSER, allow_redirects=False)
            assert (answer.status, await _says_why(answer)) == (status, True), "what there is not is no page"


FORGERIES: dict[str, dict[str, str]] = {
    "a foreign origin": {"Origin": "https://evil.test"},
    "one that begins like ours": {"Origin": "http://127.0.0.1.evil.test"},
    "none at all": {"Origin": "null"},
    "a foreign host": {"Host": "evil.test"},
}


@pytest.mark.parametrize("how", FORGERIES)
async def test_every_route_refuses_the_right_token_with(service: Service, how: str) -> None:
    wrong = []
    async with serving(service) as client:
        for method, route in ALL:
            answer = await client.request(method, address(route), headers={**WITH_TOKEN, **FORGERIES[how]}, allow_redirects=False)
            if answer.status != 403:
                wrong.append((method, route.path, answer.status))
    assert wrong == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_every_route_that_changes_something_refuses_a_forged_form(service: Service, kind: str) -> None:
    cookies = _session(service)
    wrong = []
    async with serving(service) as client:
        for method, route in ALL:
            if method in {"GET", "HEAD"} or route.public:
                continue
            for headers in ({}, {XSRF_HEADER: cookies["_xsrf"]}):
                sent = {"Content-Type": kind, **headers}
                answer = await client.request(method, address(route), data=b"{}", headers=sent, cookies=cookies)
                if answer.status != 403:
                    wrong.append((method, route.path, answer.status))
    assert wrong == []


@pytest.mark.parametrize(
    "how",
    [
        {"headers": WITH_TOKEN},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"params": {"token": TOKEN}},
    ],
    ids=["token", "bearer", "address"],
)
async def test_the_token_opens(service: Service, how: dict[str, Any]) -> None:
    async with serving(service, [OWN]) as client:
        answer = await client.get("/api/thing", **how)
        assert (answer.status, await answer.text()) == (200, "inside")
        assert "Set-Cookie" not in answer.headers


async def test_a_session_reads_and_with_its_word_writes(service: Service) -> None:
    cookies = _session(service)
    async with serving(service, [OWN]) as client:
        assert (await client.get("/api/thing", cookies=cookies)).status == 200
        assert (await client.post("/api/thing", cookies=cookies, json={})).status == 403
        assert (await client.post("/api/thing", cookies=cookies, json={}, headers={XSRF_HEADER: cookies["_xsrf"]})).status == 200


async def test_a_token_in_the_address_of_a_page_becomes_a_session(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        first = await client.get("/page", headers=BROWSER, params={"token": TOKEN, "more": "a b"}, allow_redirects=False)
        assert (first.status, first.headers["Location"]) == (302, "/page?more=a+b")
        session, own_word, xsrf = first.headers.getall("Set-Cookie")
        assert own_word.startswith("beaker-xsrf-8888=")
        assert session.startswith("beaker-session-8888=")
        assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= {part.strip() for part in session.split(";")}
        assert xsrf.startswith("_xsrf=")
        assert "HttpOnly" not in xsrf
        assert own_word.partition("=")[2] == xsrf.partition("=")[2]
        assert TOKEN not in session + xsrf
        assert (await client.get(first.headers["Location"])).status == 200


async def test_a_page_that_a_stranger_opens_leads_to_the_login(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        answer = await client.get("/page", headers=BROWSER, params={"token": "wrong", "a": "1"}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (302, "/login?next=%2Fpage%3Fa%3D1")


async def test_cookies_are_for_the_base_url_and_under_tls_for_tls_alone() -> None:
    service = make_service(make_order(base_url="/lab/", tls_cert="cert.pem"))
    async with serving(service, [OWN]) as client:
        answer = await client.get("/lab/page", headers=BROWSER, params={"token": TOKEN}, allow_redirects=False)
        for cookie in answer.headers.getall("Set-Cookie"):
            assert {"Path=/lab/", "Secure"} <= {part.strip() for part in cookie.split(";")}


PUBLIC_URL = "https://lab.example.org/lab/"
BY_PROXY = {"Host": "lab.example.org"}


async def test_behind_a_proxy_that_speaks_tls_cookies_are_for_tls_alone_and_its_origin_is_ours() -> None:
    service = make_service(make_order(public_url=PUBLIC_URL, base_url="/lab/"))
    async with serving(service, [OWN]) as client:
        first = await client.get("/lab/page", params={"token": TOKEN}, headers={**BROWSER, **BY_PROXY}, allow_redirects=False)
        cookies = first.headers.getall("Set-Cookie")
        assert first.headers["Location"] == "/lab/page"
        assert all({"Path=/lab/", "Secure"} <= {part.strip() for part in cookie.split(";")} for cookie in cookies)
        session = _session(service)
        sent = {XSRF_HEADER: session["_xsrf"], "Origin": "https://lab.example.org"}
        # By a proxy that passes the name on that it was called by, and by one that does not.
        for host in (BY_PROXY, {"Host": "127.0.0.1:8888"}):
            assert (await client.post("/lab/api/thing", json={}, headers={**sent, **host}, cookies=session)).status == 200
            for origin in ("http://lab.example.org", "https://lab.example.org:8443", "https://other.example.org"):
                answer = await client.post("/lab/api/thing", json={}, headers={**sent, **host, "Origin": origin}, cookies=session)
                assert answer.status == 403


FORWARDED = {
    "Forwarded": "for=127.0.0.1;host=lab.example.org;proto=https",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "lab.example.org",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/lab",
    "X-Real-IP": "127.0.0.1",
    "X-Original-URL": "/open",
    "X-HTTP-Method-Override": "GET",
}
"""What proxies say of a request, and what everybody can."""


async def test_what_headers_say_of_where_a_request_comes_from_counts_for_nothing(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        assert (await client.get("/api/thing", headers=FORWARDED)).status == 401
        # Neither the Host nor the scheme is what they say.
        assert (await client.get("/open", headers={**FORWARDED, "Host": "evil.test"})).status == 403
        assert (await client.get("/open", headers={**FORWARDED, "Origin": "https://lab.example.org"})).status == 403
        first = await client.get("/page", params={"token": TOKEN}, headers={**BROWSER, **FORWARDED}, allow_redirects=False)
        assert "Secure" not in first.headers["Set-Cookie"]
        assert first.headers["Location"] == "/page"


async def test_an_address_that_there_is_not_is_refused_before_it_is_looked_for(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        assert (await client.get("/nowhere")).status == 401
        assert (await client.get("/nowhere", headers=WITH_TOKEN)).status == 404
        assert (await client.delete("/open")).status == 401


async def _ask(client: TestClient[Any, Any], method: str, path: str, origin: str, **headers: str) -> tuple[int, str]:
    answer = await client.request(method, path, headers={"Origin": origin, **headers})
    return answer.status, answer.headers.get("Access-Control-Allow-Origin", "")


async def test_pages_of_an_allowed_origin_may_read_the_answers_and_no_others() -> None:
    lab, evil = "https://lab.example.org", "https://lab.example.org.evil.test"
    service = make_service(make_order(allow_origin=[lab]))
    async with serving(service, [OWN]) as client:
        assert await _ask(client, "GET", "/api/thing", lab, **WITH_TOKEN) == (200, lab)
        assert await _ask(client, "GET", "/api/thing", lab) == (401, "")
        assert await _ask(client, "OPTIONS", "/api/thing", lab) == (204, lab)
        assert await _ask(client, "GET", "/api/thing", evil, **WITH_TOKEN) == (403, "")
        assert await _ask(client, "OPTIONS", "/api/thing", evil) == (403, "")


async def test_only_an_allowed_page_may_take_in_what_is_sent() -> None:
    lab = "https://lab.example.org"
    async with serving(make_service(make_order(allow_origin=[lab])), [OWN]) as client:
        for origin, policy in ((lab, "cross-origin"), ("https://evil.test", "same-origin")):
            answer = await client.get("/api/thing", headers={"Origin": origin, **WITH_TOKEN})
            assert answer.headers["Cross-Origin-Resource-Policy"] == policy


async def test_another_token_signs_everybody_out(service: Service) -> None:
    cookies = _session(service)
    order = make_order()
    for token, status in ((order.token, 200), ("another", 401)):
        async with serving(make_service(msgspec.structs.replace(order, token=token)), [OWN]) as client:
            assert (await client.get("/api/thing", cookies=cookies)).status == status


async def test_every_answer_says_that_it_is_no_page_of_others_and_is_not_kept(service: Service) -> None:
    async with serving(service, [OWN]) as client:
        for answer in (await client.get("/api/thing", headers=WITH_TOKEN), await client.get("/api/thing"), await client.get("/nowhere")):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Server"] == "beaker"
