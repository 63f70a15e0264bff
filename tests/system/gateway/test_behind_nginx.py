"""The gateway behind a real nginx that speaks TLS, with the very lines that the documentation has: pages, sessions, websockets, uploads."""

import asyncio
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.actors.gateway.desk import BROWSER
from tests.actors.guardian.test_refusals import certificate
from tests.kit.ports import free_port
from tests.kit.running_gateway import CHECKOUT, PATIENCE_S, V1, Client, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

PAGE = CHECKOUT / "docs/gateway.md"
TOKEN = "behind-nginx-0123456789"
BIG = 3 * 1024 * 1024
"""More than nginx takes unless it is told to."""


def somebody_listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def configuration(folder: Path, *, port: int, upstream: int, cert: str, key: str) -> str:
    """That of the documentation, for this machine."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for said, meant in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server_name lab.example.org;", "server_name localhost;"),
        ("/etc/ssl/lab.example.org.pem", cert),
        ("/etc/ssl/lab.example.org.key", key),
        ("/var/log/nginx/beaker.log", f"{folder}/access.log"),
        ("http://127.0.0.1:8888;", f"http://127.0.0.1:{upstream};"),
        ("location / {", "location /lab/ {"),
    ):
        assert said in block, f"the documentation does not have {said!r} any more"
        block = block.replace(said, meant)
    temporary = [f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    process = ["daemon off;", "master_process off;", f"pid {folder}/pid;", f"error_log {folder}/error.log;", "events {}"]
    return "\n".join([*process, "http {", *temporary, block, "}"])


class Behind:
    """A gateway, and nginx in front of it."""

    def __init__(self, gateway: RunningGateway, origin: str, log: Path) -> None:
        self.gateway = gateway
        self.origin = origin
        self.log = log
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def browser(self, **options: Any) -> aiohttp.ClientSession:  # Any: aiohttp's
        return aiohttp.ClientSession(f"{self.origin}/lab/", connector=aiohttp.TCPConnector(ssl=self.context), **options)


@pytest.fixture
def behind(short_folder: Path, need_tool: Callable[..., str]) -> Iterator[Behind]:
    need_tool("openssl")
    nginx = need_tool("nginx")
    cert, key = certificate(short_folder, "c")
    port, upstream = free_port(), free_port()
    (short_folder / "nginx.conf").write_text(configuration(short_folder, port=port, upstream=upstream, cert=cert, key=key))
    options = ("--port", str(upstream), "--public-url", f"https://localhost:{port}/lab/")
    gateway = RunningGateway(short_folder, *options, BEAKER_GATEWAY_TOKEN=TOKEN)
    process = subprocess.Popen([nginx, "-p", str(short_folder), "-c", str(short_folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        gateway.start()
        wait_until(lambda: somebody_listens(port), timeout_s=PATIENCE_S, what="nginx")
        yield Behind(gateway, f"https://localhost:{port}", short_folder / "access.log")
    finally:
        gateway.close()
        process.terminate()
        process.wait()


async def test_a_browser_signs_in_through_nginx_and_runs_a_cell(behind: Behind) -> None:
    assert behind.gateway.url == f"{behind.origin}/lab"
    async with behind.browser(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get("", headers=BROWSER, params={"token": TOKEN}) as page:
            assert (page.status, str(page.url)) == (200, f"{behind.origin}/lab/")
            assert f"--gateway-url={behind.origin}/lab" in await page.text()
            cookies = page.history[0].cookies
        assert all(cookie["secure"] and cookie["path"] == "/lab/" for cookie in cookies.values())
        own = {"Origin": behind.origin, "X-XSRFToken": cookies["_xsrf"].value}
        async with browser.post("api/kernels", json={"name": "python3"}, headers=own) as made:
            assert made.status == 201, await made.text()
            kernel_id = (await made.json())["id"]
        async with browser.post("api/kernels", json={}, headers={**own, "Origin": "https://evil.test"}) as refused:
            assert refused.status == 403
        async with browser.ws_connect(f"api/kernels/{kernel_id}/channels", protocols=[V1], headers={"Origin": behind.origin}) as websocket:
            assert (await Client(websocket, "s", "v1").run("print(6 * 7)"))[1] == "42\n"
        text = {"type": "file", "format": "text", "content": "x" * BIG}
        async with browser.put("api/contents/big.txt", json=text, headers=own) as saved:
            assert saved.status == 201, await saved.text()
    assert (behind.gateway.root / "big.txt").stat().st_size == BIG
    # What nginx says of a request opens nothing, and the token stands in no log of it.
    async with behind.browser() as stranger, stranger.get("api/kernels", headers={"X-Forwarded-For": "127.0.0.1"}) as closed:
        assert closed.status == 401
    await asyncio.to_thread(wait_until, lambda: '"PUT /lab/api/contents/big.txt" 201' in behind.log.read_text(), what="its line")
    assert TOKEN not in behind.log.read_text()
