"""FAULTS 32, of a gateway: its token and the model's key are in no log, file, argument, environment, answer or address.

And no process of it listens to anybody but this machine.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.actors.gateway.desk import BROWSER
from tests.kit.processes import words_of
from tests.kit.running_gateway import RunningGateway, environ_of
from tests.scripted.replies import Reply, Speak, failure
from tests.scripted.threaded import ThreadedEndpoint, serving

pytestmark = pytest.mark.slow

Start = Callable[..., RunningGateway]

TOKEN = "token-canary-" + os.urandom(8).hex()
KEY = "sk-canary-" + os.urandom(8).hex()


@pytest.fixture
def endpoint() -> Iterator[ThreadedEndpoint]:
    """Answers a question, and quotes the key in the error of the next one."""
    script: list[Reply] = [Speak(text="hello"), failure(401, f"Incorrect API key provided: {KEY}")]
    with serving(script) as served:
        yield served


async def test_what_was_shown_to_it_in_every_way_there_is_stands_nowhere(start_gateway: Start, endpoint: ThreadedEndpoint) -> None:
    model = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": endpoint.endpoint.base_url, "BEAKER_MODEL": "scripted-1"}
    gateway = start_gateway("--port", "0", BEAKER_GATEWAY_TOKEN=TOKEN, BEAKER_LOGS_LEVEL="debug", **model)
    gateway.token = TOKEN
    kernel_id = await gateway.start_kernel()
    seen: list[str] = [gateway.printed]
    async with gateway.connect(kernel_id) as client:
        subkernel = psutil.Process(int((await client.run("import os\nprint(os.getpid())"))[1]))
        for code in ("print(sorted(os.environ.items()))", "%%ai hello", "%%ai again", "%beaker config", "%beaker status", "1/0"):
            await client.run(code)
        seen += map(str, client.heard)
    async with gateway.http() as http:
        for method, address in [
            ("GET", f"/?token={TOKEN}"),
            ("GET", f"/login?token={TOKEN}"),
            ("GET", f"/api/me?token={TOKEN}"),
            ("GET", f"/nowhere/{TOKEN}?token={TOKEN}"),
            ("DELETE", f"/api?token={TOKEN}"),
            ("GET", f"/api/contents/{TOKEN}/a?type={TOKEN}"),
            ("GET", f"/api/kernels/{kernel_id}/channels?token={TOKEN}"),
            ("POST", f"/api/sessions?token={TOKEN}"),
        ]:
            headers = {"Referer": f"{gateway.url}/?token={TOKEN}", "Cookie": f"beaker-session-{gateway.port}={TOKEN}", **BROWSER}
            async with http.request(method, address, headers=headers, allow_redirects=False) as answer:
                # What somebody has written into a path or a query of her own may be quoted to her, but never with more.
                is_hers = TOKEN in address.partition("?")[0] or f"type={TOKEN}" in address
                seen += [str(answer.headers), "" if is_hers else await answer.text()]
        async with http.post("/login", json={"token": TOKEN}, allow_redirects=False) as answer:
            seen += [str(answer.headers), await answer.text()]
    guardian = psutil.Process(gateway.pid)
    for process in {guardian, *guardian.children(recursive=True), subkernel}:
        with suppress(psutil.NoSuchProcess):  # one that ends at this moment listens no more
            listening = [each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
            assert {*listening} <= {"127.0.0.1"}, "it listens on this machine alone"
        seen.append(words_of(process))
        if process != guardian:  # who was given both
            seen.append(environ_of(process).decode(errors="replace"))
    assert any("hello" in text for text in seen)
    assert any("refused the key" in text for text in seen)
    bodies = [str(recorded.body) for recorded in endpoint.endpoint.requests]
    assert len(bodies) == 2
    assert gateway.end() == 0
    places: list[Path] = [path for path in gateway.folder.rglob("*") if path.is_file()]
    logged = {path.name.partition("-")[0].partition("_")[0] for path in places if path.suffix == ".jsonl"}
    assert {"worker", "host", "registry", "guardian", "agent"} <= logged
    for canary in (TOKEN, KEY):
        assert [text[:300] for text in [*seen, *bodies] if canary in text] == []
        assert [path for path in places if canary.encode() in path.read_bytes()] == []
