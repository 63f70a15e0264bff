"""FAULTS 27, 28, 30: strangers, forgers and curl before a running gateway, at every address that it has."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from beaker.gateway.cookies import XSRF_HEADER
from tests.actors.gateway.desk import BROWSER
from tests.actors.gateway.test_door import ALL, address
from tests.actors.gateway.test_traversal import ADDRESSES
from tests.kit.running_gateway import CHECKOUT, PATIENCE_S, V1, RunningGateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("closed gateway"),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this machine has one local address, and wrong tokens are counted by it"),
]

FRIEND = "https://good.test"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}

_addresses = count(2)
"""Wrong tokens are counted by the address that they come from: each test has one of its own."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", "0", "--allow-origin", FRIEND).start()
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def stranger(gateway: RunningGateway) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody without a token, from an address of this machine's."""
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{next(_addresses)}", 0))
    async with aiohttp.ClientSession(gateway.url, connector=connector, timeout=aiohttp.ClientTimeout(PATIENCE_S)) as session:
        yield session


async def statuses(http: aiohttp.ClientSession, how: dict[str, Any], *, public: bool) -> dict[int, list[str]]:
    """Asks for every route of the router like this, and once more for a websocket; gives who answered what."""
    found: dict[int, list[str]] = {}
    for method, route in ALL:
        if route.public and not public:
            continue
        for upgrade in ({}, UPGRADE) if method == "GET" else ({},):
            asked = {**how, "headers": {**upgrade, **how.get("headers", {})}}
            async with http.request(method, address(route), allow_redirects=False, **asked) as answer:
                found.setdefault(answer.status, []).append(f"{method} {route.path}")
    return found


def strangers(gateway: RunningGateway) -> dict[str, dict[str, Any]]:
    token, port = gateway.token, gateway.port
    return {
        "no token": {},
        "a wrong token": {"headers": {"Authorization": f"token {token[:-1]}"}},
        "a wrong bearer": {"headers": {"Authorization": f"Bearer {token}x"}},
        "a wrong token in the address": {"params": {"token": "wrong"}},
        "the token as a cookie": {"headers": {"Cookie": f"beaker-session-{port}={token}"}},
        "a made-up session": {"headers": {"Cookie": f"beaker-session-{port}={'0' * 32}.99999999999.{'0' * 64}"}},
        "the token as a password": {"headers": {"Authorization": f"Basic {token}"}},
        "the token as a subprotocol": {"headers": {"Sec-WebSocket-Protocol": f"{V1}, v1.token.websocket.jupyter.org.{token}"}},
        "a wrong token with one as a subprotocol": {"headers": {"Authorization": "token x", "Sec-WebSocket-Protocol": token}},
    }


@pytest.mark.parametrize("how", range(9))
async def test_nobody_gets_in_with(how: int, gateway: RunningGateway) -> None:
    name, asked = list(strangers(gateway).items())[how]
    async with stranger(gateway) as http:
        found = await statuses(http, asked, public=False)
    assert set(found) == {401}, f"{name}: {found}"


FORGERIES: dict[str, dict[str, str]] = {
    "a foreign origin": {"Origin": "https://evil.test"},
    "one that begins like an allowed one": {"Origin": f"{FRIEND}.evil.test"},
    "one that ends like an allowed one": {"Origin": "https://evil.good.test"},
    "an allowed one without its TLS": {"Origin": "http://good.test"},
    "none at all": {"Origin": "null"},
    "a name that was pointed here": {"Host": "evil.test"},
    "a name that begins like an allowed one": {"Host": "good.test.evil.test"},
    "an address in a name": {"Host": "127.0.0.1.evil.test"},
}


@pytest.mark.parametrize("how", FORGERIES)
async def test_even_with_the_token_nothing_is_answered_to(how: str, gateway: RunningGateway) -> None:
    async with stranger(gateway) as http:
        found = await statuses(http, {"headers": {"Authorization": f"token {gateway.token}", **FORGERIES[how]}}, public=True)
    assert set(found) == {403}


async def test_pages_of_the_allowed_origin_and_name_are_answered(gateway: RunningGateway) -> None:
    async with gateway.http() as http:
        for headers in ({"Origin": FRIEND}, {"Host": "good.test"}, {}):
            assert (await http.get("/api/kernels", headers=headers)).status == 200


async def test_no_form_of_a_foreign_page_changes_anything_in_a_browser_that_is_signed_in(gateway: RunningGateway) -> None:
    async with stranger(gateway) as http:
        async with http.get("/", headers=BROWSER, params={"token": gateway.token}, allow_redirects=False) as answer:
            assert (answer.status, gateway.token in answer.headers["Location"]) == (302, False)
            cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
        assert (await http.get("/api/kernels", cookies=cookies)).status == 200, "the session is one"
        wrong = []
        for method, route in ALL:
            if method in {"GET", "HEAD"} or route.public:
                continue
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json"):
                for word in ({XSRF_HEADER: cookies["_xsrf"]}, {}):
                    if word and kind == "application/json":
                        continue  # our own pages
                    sent = {"Content-Type": kind, **word}
                    async with http.request(method, address(route), data=b"{}", headers=sent, cookies=cookies) as answer:
                        if answer.status != 403:
                            wrong.append((method, route.path, kind, answer.status))
    assert wrong == []
    assert (await gateway.call("GET", "/kernels"), await gateway.call("GET", "/sessions")) == ([], [])
    assert not any(gateway.root.iterdir())


def test_curl_without_a_token_gets_the_version_the_login_and_else_a_sentence(
    gateway: RunningGateway, need_tool: Callable[..., str]
) -> None:
    described = json.loads((CHECKOUT / "docs/openapi.json").read_text())["paths"]
    asked = [(method.upper(), path) for path, methods in described.items() for method in methods if method != "parameters"]
    answers = gateway.folder / "answers"
    answers.mkdir()
    config = []
    for number, (method, path) in enumerate(asked):
        url = gateway.url + path.replace("{", "").replace("}", "")
        config += [
            f'url = "{url}"',
            f'request = "{method}"',
            f'output = "{answers / str(number)}"',
            r'write-out = "%{http_code}\n"',
            "next",
        ]
    words = [need_tool("curl"), "--silent", "--config", "-"]
    codes = subprocess.run(
        words, input="\n".join(config[:-1]), capture_output=True, text=True, check=True, timeout=PATIENCE_S
    ).stdout.split()
    assert len(codes) == len(asked)
    for number, ((method, path), code) in enumerate(zip(asked, codes, strict=True)):
        text = (answers / str(number)).read_text() if (answers / str(number)).exists() else ""
        match method, path:
            case "GET", "/api":
                assert list(json.loads(text)) == ["version"]
            case "GET", "/login":
                assert (code, "<form" in text, "<script" in text) == ("200", True, False)
            case "POST", "/logout":
                assert (code, json.loads(text)["message"]) == ("303", "You are signed out.")  # nobody to sign out
            case _:
                answer = json.loads(text)
                assert (set(answer), answer["message"][-1:]) == ({"message", "reason"}, "."), (method, path, text)
                assert code == {"/login": "411", "/static/{name}": "404"}.get(path, "401"), (method, path, text)


async def test_no_address_leads_out_of_the_root(gateway: RunningGateway) -> None:
    (gateway.folder / "secret.txt").write_text("secret\n")
    sibling = gateway.folder / "filesfiles"
    sibling.mkdir()
    (sibling / "secret.txt").write_text("secret\n")
    (gateway.root / "link").symlink_to("..")
    wrong = []
    try:
        for path in ("../filesfiles/secret.txt", "..%2ffilesfiles%2fsecret.txt", *ADDRESSES):
            for place in ("api/contents", "files"):
                line = f"GET /{place}/{path.format(outside=gateway.folder)} HTTP/1.1"
                answer = await _raw(gateway, line)
                status = int(answer.split()[1])
                if status in {200, 206} or status >= 500 or b"secret\n" in answer or b"root:x:" in answer:
                    wrong.append((line[:100], answer[:300]))
    finally:
        (gateway.root / "link").unlink()
    assert wrong == []


async def _raw(gateway: RunningGateway, line: str) -> bytes:
    """Sends an address as it is; clients would tidy it up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"{line}\r\nHost: localhost\r\nConnection: close\r\nAuthorization: token {gateway.token}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer
