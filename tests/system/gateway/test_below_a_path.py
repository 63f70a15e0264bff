"""Options by which a gateway looks and lasts differently, all of one that runs: `--base-url`, `--ui`, `--log-level`, `--orphan-timeout`."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from tests.actors.gateway.desk import BROWSER
from tests.kit.processes import lives
from tests.kit.running_gateway import PATIENCE_S, V1, Client, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway below a path")]

BASE = "/team/lab/"


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", "0", "--base-url", BASE, "--ui", "--log-level", "debug", "--orphan-timeout", "1").start()
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


def visitor(gateway: RunningGateway, **headers: str) -> aiohttp.ClientSession:
    """Somebody who asks with these headers, and keeps cookies."""
    origin = urlsplit(gateway.url)
    return aiohttp.ClientSession(
        f"{origin.scheme}://{origin.netloc}",
        headers=headers,
        timeout=aiohttp.ClientTimeout(PATIENCE_S),
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # as this host has no name
    )


async def test_a_browser_is_led_to_the_login_below_the_path_and_in_by_cookies_of_it(gateway: RunningGateway) -> None:
    assert urlsplit(gateway.url).path == BASE.rstrip("/")
    async with visitor(gateway, **BROWSER) as browser:
        async with browser.get(BASE, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, f"{BASE}login?next=%2Fteam%2Flab%2F")
        async with browser.get(f"{BASE}login") as answer:
            text = await answer.text()
            assert (answer.status, f'action="{BASE}login"' in text, f'href="{BASE}static/page.css"' in text) == (200, True, True)
        async with browser.post(f"{BASE}login", data={"token": gateway.token}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, BASE)
            cookies = answer.headers.getall("Set-Cookie")
        assert len(cookies) == 3
        assert all(f"Path={BASE}" in [part.strip() for part in cookie.split(";")] for cookie in cookies)
        async with browser.get(BASE) as answer:
            text = await answer.text()
            assert (answer.status, "The web notebook is not part of this version" in text) == (200, True)
            assert f"--gateway-url={gateway.url}<" in text


async def test_programs_are_told_the_way_call_all_of_it_there_and_its_kernels_end_soon_after_it(
    gateway: RunningGateway,
) -> None:
    async with visitor(gateway) as stranger, stranger.get(f"{BASE}api/kernels") as answer:
        assert (answer.status, f"sign in at the page {BASE}login." in (await answer.json())["message"]) == (401, True)
    async with visitor(gateway, Authorization=f"token {gateway.token}") as program:
        async with program.post(f"{BASE}api/kernels", json={"name": "python3"}) as answer:
            kernel_id = (await answer.json())["id"]
            assert (answer.status, answer.headers["Location"]) == (201, f"{BASE}api/kernels/{kernel_id}")
        async with program.ws_connect(f"{BASE}api/kernels/{kernel_id}/channels?session_id=one", protocols=[V1], compress=0) as socket:
            subkernel = psutil.Process(int((await Client(socket, "one", "v1").run("import os\nprint(os.getpid())"))[1]))
        for path in ("/", "/login", "/api", "/api/kernels", f"{BASE}nothing"):
            async with program.get(path) as answer:
                assert answer.status == 404, path
    assert lives(subkernel)
    lines = [json.loads(line) for line in gateway.logs.splitlines()]
    assert {line["role"] for line in lines if line["level"] == "debug"} >= {"kernel", "worker"}
    everybody = psutil.Process(gateway.pid).children()
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.end(signal.SIGKILL)
    # Without the option it would be a quarter of an hour.
    wait_until(lambda: not any(map(lives, [*everybody, subkernel])), timeout_s=PATIENCE_S, what="the end of its kernel")
