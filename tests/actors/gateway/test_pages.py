"""The gateway's own pages: the login and what it gives, the way out, and nothing in them that could act."""

import errno
import os
import re
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from actors.gateway import pages
from actors.gateway.answers import Problem
from actors.gateway.app import make_app
from actors.gateway.models import KernelModel
from actors.gateway.routes import get
from actors.gateway.service import Service
from actors.guardian.signed_out import forget_run_out
from beaker.gateway.cookies import LIFE_S
from beaker.gateway.pages import safe_next
from tests.actors.gateway.desk import BROWSER, TOKEN, make_order, make_service, serving

Browser = TestClient[Any, Any]  # Any: as aiohttp has it


@pytest.fixture
def service(short_folder: Path) -> Service:
    return make_service(make_order(str(short_folder)))


@pytest.fixture
async def browser(service: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    """Follows no redirects by itself, and keeps no cookies."""

    async def kernels(_service: Service) -> list[KernelModel]:
        moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
        return [KernelModel(id="x", name="<b>k</b>", last_activity=moment, execution_state="idle", connections=1)]

    async def trouble(_service: Service) -> str:
        return ""

    monkeypatch.setattr(pages, "all_kernel_models", kernels)
    monkeypatch.setattr(pages, "not_saving", trouble)
    async with TestClient(TestServer(make_app(service)), cookie_jar=DummyCookieJar(), headers=BROWSER) as made:
        yield made


async def _say(_request: web.Request) -> web.Response:
    return web.Response()


OWN = (get("thing", _say), *pages.ROUTES)


def _session(service: Service) -> dict[str, str]:
    return {service.cookie: service.sessions.begin(service.clock.wall())}


async def test_a_stranger_finds_the_login(browser: Browser) -> None:
    async with browser.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/login?next=%2F")
    async with browser.get("/login?next=/%22%3E%3Cb%3E") as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert '<label for="token">' in text
        assert "<b>" not in text


FORM = {"token": f" {TOKEN}\n", "next": "/logout"}


@pytest.mark.parametrize("how", [{"json": FORM}, {"data": FORM}], ids=["json", "form"])
async def test_the_token_becomes_a_session_and_leads_on(browser: Browser, how: dict[str, Any]) -> None:  # Any: as aiohttp has it
    async with browser.post("/login", allow_redirects=False, **how) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/logout")
        cookies = {cookie.key: cookie.value for cookie in answer.cookies.values()}
    assert TOKEN not in str(cookies)
    async with browser.get("/", cookies=cookies) as answer:
        text = await answer.text()
        assert "One kernel runs" in text
        assert "&lt;b&gt;k&lt;/b&gt;" in text
        assert "Sign out" in text
        assert TOKEN not in text
    async with browser.get("/login?next=/logout", cookies=cookies, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/logout")


async def test_a_wrong_token_is_said_and_where(browser: Browser) -> None:
    async with browser.post("/login", data={"token": "wrong", "next": "/x"}) as answer:
        text = await answer.text()
        assert answer.status == 401
        assert 'role="alert"' in text
        assert 'name="next" value="/x"' in text
        assert "wrong</" not in text
        assert "Set-Cookie" not in answer.headers


async def test_a_program_gets_the_same_in_json(service: Service) -> None:
    async with serving(service) as program:
        said = {}
        for path, body in (("/login", {"token": "wrong"}), ("/login", FORM), ("/logout", {})):
            async with program.post(path, json=body, allow_redirects=False) as answer:
                said[(path, answer.status)] = await answer.json()
                program.session.cookie_jar.clear()
    assert said == {
        ("/login", 401): {"message": "That is not the token of this gateway.", "reason": "Unauthorized"},
        ("/login", 303): {"message": "You are signed in.", "reason": "See Other"},
        ("/logout", 303): {"message": "You are signed out.", "reason": "See Other"},
    }


async def test_the_login_cannot_be_sent_by_a_foreign_page(browser: Browser) -> None:
    for path in ("/login", "/logout"):
        async with browser.post(path, data={"token": TOKEN}, headers={"Origin": "https://evil.test"}) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("kind", "sent", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b'{"token": 1}', 400),
        ("multipart/form-data", b"", 415),
        ("text/plain", b"token=right-token", 415),
        ("application/x-www-form-urlencoded", b"x" * 20_000, 413),
        ("application/x-www-form-urlencoded", b"", 401),
    ],
)
async def test_what_is_no_login_is_refused(browser: Browser, kind: str, sent: bytes, status: int) -> None:
    async with browser.post("/login", data=sent, headers={"Content-Type": kind}) as answer:
        assert answer.status == status


async def test_guessing_is_slowed_down_and_the_token_is_not(browser: Browser, service: Service) -> None:
    for _ in range(250):
        service.failures.add("127.0.0.1")
    async with browser.post("/login", data={"token": "wrong"}) as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (429, True)
    async with browser.post("/login", data={"token": TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded; charset=nope", "application/json; charset=nope"])
async def test_a_form_in_letters_that_there_are_not_is_refused(browser: Browser, kind: str) -> None:
    async with browser.post("/login", data=b"token=%ff", headers={"Content-Type": kind}) as answer:
        assert answer.status == 400


async def test_whoever_signs_out_is_out(browser: Browser, service: Service) -> None:
    cookies = _session(service)
    async with browser.get("/logout", cookies=cookies) as answer:
        assert '<form class="card" method="post" action="/logout">' in await answer.text()
    async with browser.post("/logout", cookies=cookies, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
        assert all(cookie["max-age"] == "0" for cookie in answer.cookies.values())
        assert set(answer.cookies) == {service.cookie, service.xsrf_cookie, "_xsrf"}


async def test_whoever_has_kept_the_cookie_of_a_session_that_was_signed_out_does_not_come_in_at_any_worker(short_folder: Path) -> None:
    order = make_order(str(short_folder))
    workers = [make_service(order), make_service(order)]
    cookies, others = _session(workers[0]), _session(workers[0])
    async with serving(workers[0], [OWN]) as first, serving(workers[1], [OWN]) as second:
        for browser in (first, second):
            assert (await browser.get("/thing", cookies=cookies)).status == 200
        await first.post("/logout", cookies=cookies, allow_redirects=False)
        for browser in (first, second):
            browser.session.cookie_jar.clear()  # what the test sends is sent, and nothing else
            assert (await browser.get("/thing", cookies=cookies)).status == 401
            assert (await browser.get("/thing", cookies=others)).status == 200
    written = short_folder / "signed-out"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    value = cookies[workers[0].cookie]
    assert written.read_text().split() == [value.rpartition(".")[0]]
    # Gone with the time at which it would have run out.
    forget_run_out(short_folder, workers[0].clock.wall())
    assert written.read_text() != ""
    forget_run_out(short_folder, workers[0].clock.wall() + LIFE_S)
    assert written.read_text() == ""


async def test_whoever_signs_out_on_a_full_disk_is_out_where_she_asked_and_reads_that_it_is_not_written_down(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order(str(short_folder))
    service = make_service(order)
    cookies = _session(service)
    room = [7, 0]
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if not (left := room.pop(0) if room else 0):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:left])

    async with serving(service, [OWN]) as browser:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            answer = await browser.post("/logout", headers=BROWSER, cookies=cookies, allow_redirects=False)
            assert (answer.status, answer.content_type) == (507, "text/html")
            assert "could not be written down (No space left on device)" in await answer.text()
            assert all(cookie["max-age"] == "0" for cookie in answer.cookies.values())
            browser.session.cookie_jar.clear()
            assert (await browser.get("/thing", cookies=cookies)).status == 401
            assert (service.is_over(cookies[service.cookie]), room) == (True, [])
        browser.session.cookie_jar.clear()
        assert (await browser.get("/thing", cookies=cookies)).status == 401
    assert make_service(order).is_over(cookies[service.cookie]), "it was not written down when there was room"


async def test_whoever_signs_out_where_that_cannot_be_written_for_another_reason_reads_it_too(short_folder: Path) -> None:
    service = make_service(make_order(str(short_folder)))
    (short_folder / "signed-out").mkdir()
    async with serving(service, [OWN]) as browser:
        for headers, kind in ((BROWSER, "text/html"), ({}, "application/json")):
            answer = await browser.post("/logout", headers=headers, cookies=_session(service), allow_redirects=False)
            assert (answer.status, answer.content_type, "Is a directory" in await answer.text()) == (500, kind, True)


async def test_a_word_that_another_gateway_of_this_host_has_overwritten_is_given_again(browser: Browser, service: Service) -> None:
    cookies = _session(service)
    own = service.sessions.xsrf(cookies[service.cookie])
    async with browser.get("/", cookies={**cookies, "_xsrf": own}) as answer:
        assert "_xsrf" not in answer.cookies
    async with browser.get("/", cookies={**cookies, "_xsrf": "another"}) as answer:
        assert answer.cookies["_xsrf"].value == own


class _Reader(HTMLParser):
    """Notes what a page takes in, and what could act in it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.taken += [given[name] or "" for name in ("src", "href", "action") if name in given]
        self.acting += [tag] if tag in {"script", "iframe", "object", "embed", "style", "base"} else []
        self.acting += [name for name in given if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("path", ["/", "/login", "/logout"])
async def test_no_page_has_a_script_or_anything_from_elsewhere(browser: Browser, service: Service, path: str) -> None:
    async with browser.get(path, cookies={} if path == "/login" else _session(service)) as answer:
        reader = _Reader()
        reader.feed(await answer.text())
        policy = answer.headers["Content-Security-Policy"]
    assert reader.acting == []
    assert reader.taken
    assert all(address.startswith("/") and not address.startswith("//") for address in reader.taken)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    for address in set(reader.taken):
        async with browser.get(address, cookies=_session(service), allow_redirects=False) as answer:
            assert answer.status in {200, 302} or address == "/api/spec.json"


async def test_only_two_files_are_handed_out(browser: Browser) -> None:
    for name, status in {"page.css": 200, "icon.svg": 200, "login.html": 404, "..%2fpages.py": 404}.items():
        async with browser.get(f"/static/{name}", allow_redirects=False) as answer:
            assert answer.status in {status, 401}  # an address that there is not is closed, too
    async with browser.get("/static/page.css") as answer:
        assert not re.search(r"url\(|@import|https?:", await answer.text())


async def test_with_ui_it_is_said_that_there_is_none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_service: Service) -> list[KernelModel]:
        raise Problem(503, "The registry is being replaced.")

    monkeypatch.setattr(pages, "all_kernel_models", gone)
    service = make_service(make_order(ui=True, base_url="/lab/"))
    async with TestClient(TestServer(make_app(service))) as browser, browser.get("/lab/", cookies=_session(service)) as answer:
        text = await answer.text()
    assert "is not part of this version" in text
    assert "being replaced" in text
    assert 'href="/lab/static/page.css"' in text


@pytest.mark.parametrize(
    ("public_url", "said"), [("", "curl --unix-socket &#x27;/run/a b.sock&#x27; -H"), ("https://lab.example.org/", "curl -H")]
)
async def test_at_a_unix_socket_nobody_is_sent_to_an_address_where_nothing_listens(public_url: str, said: str, short_folder: Path) -> None:
    service = make_service(make_order(str(short_folder), unix_socket="/run/a b.sock", public_url=public_url))
    host = {"Host": "lab.example.org"} if public_url else {}
    async with TestClient(TestServer(make_app(service)), headers=host) as browser, browser.get("/", cookies=_session(service)) as answer:
        text = await answer.text()
    assert said in text
    assert ("--gateway-url=https://lab.example.org<" in text) == bool(public_url)
    assert ("--gateway-url" in text) == bool(public_url)


ELSEWHERE = [
    "",
    "x",
    "https://evil.test/",
    "//evil.test/",
    "/\\evil.test",
    "\\\\evil.test",
    "/%5cevil.test",
    "javascript:alert(1)",
    "/\t/evil.test",
]
ELSEWHERE += ["/lab", "/other", "/lab/../other", "/lab/%2e%2e/other", "http:/lab/", "/lab/\r\nSet-Cookie: a", "//[", "/lab/é"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_login_leads_nowhere_else(target: str) -> None:
    assert safe_next(target, "/lab/") == "/lab/"


def test_the_login_leads_to_what_was_asked_for() -> None:
    for target in ("/lab/", "/lab/files/a%20b.txt?download=1", "/lab/x?next=//y"):
        assert safe_next(target, "/lab/") == target
