"""What the gateway says of itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.gateway import rates
from beaker.messages.figures import Figures, Sample
from tests.actors.gateway.desk import TOKEN, WITH_TOKEN, make_service, serving
from tests.actors.gateway.roles import Gateway, gateway


@pytest.fixture
async def here(short_folder: Path) -> AsyncIterator[Gateway]:
    async with gateway(short_folder) as made:
        yield made


async def test_the_status_adds_all_kernels_up(here: Gateway) -> None:
    for connections in (1, 2):
        here.hosts[0].stand(here.registry.add().kernel_id, connections=connections)
    conversations = Sample(name="beaker_conversations", value=2)
    here.registry.processes = [
        Figures(role="agent-host", number=1, started_at=0.0, samples=[]),
        Figures(role="agent-host", number=0, started_at=5.0, samples=[conversations]),
        Figures(role="agent-host", number=0, started_at=0.0, samples=[]),
    ]
    status = await (await here.client.get("/api/status", headers=WITH_TOKEN)).json()
    assert status["agent_hosts"] == [{"number": 0, "conversations": 2, "up": True}, {"number": 1, "conversations": 0, "up": False}]
    assert (status["kernels"], status["connections"]) == (2, 3)
    assert status["hosts"] == [{"number": 0, "kernels": 2, "connections": 3, "up": True}]
    assert status["started"].endswith("Z")
    assert status["last_activity"] >= status["started"]


async def test_the_status_says_when_nothing_is_written_down(here: Gateway) -> None:
    assert (await (await here.client.get("/api/status", headers=WITH_TOKEN)).json())["not_saving"] == ""
    assert "Not saving" not in await (await here.client.get("/", headers=WITH_TOKEN)).text()
    here.registry.not_saving = "the disk is <full>"
    assert "Not saving.</strong> the disk is &lt;full&gt;." in await (await here.client.get("/", headers=WITH_TOKEN)).text()
    assert (await (await here.client.get("/api/status", headers=WITH_TOKEN)).json())["not_saving"] == "the disk is <full>"


async def test_whoever_has_the_token_is_somebody(here: Gateway) -> None:
    me = await (await here.client.get("/api/me", headers=WITH_TOKEN)).json()
    assert me["identity"]["username"]
    assert me["permissions"] == {}


async def test_a_gateway_with_all_its_roles_is_ready_and_says_which_one_is_missing(here: Gateway) -> None:
    await here.client.get("/api/status", headers=WITH_TOKEN)
    answer = await here.client.get("/api/ready", headers=WITH_TOKEN)
    assert (answer.status, await answer.json()) == (200, {"status": "ready"})
    await here.lose("registry")
    while (answer := await here.client.get("/api/ready", headers=WITH_TOKEN)).status == 200:
        continue
    assert (answer.status, "the registry" in (await answer.json())["message"]) == (503, True)
    assert await (await here.client.get("/api/health", headers=WITH_TOKEN)).json() == {"status": "ok"}


async def test_the_numbers_are_what_prometheus_reads(here: Gateway) -> None:
    await here.client.get("/api", params={"token": TOKEN})
    await here.client.request("PROPFIND", "/api", headers=WITH_TOKEN)
    here.registry.processes = [here.service.figures()]
    answer = await here.client.get("/metrics", headers=WITH_TOKEN)
    lines = (await answer.text()).splitlines()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE beaker_requests_total counter" in lines
    assert 'beaker_requests_total{role="worker",number="0",method="GET",status="200"} 1' in lines
    assert 'beaker_requests_total{role="worker",number="0",method="other",status="405"} 1' in lines
    assert 'beaker_messages_total{role="worker",number="0",direction="in"} 0' in lines


async def test_a_scrape_shows_what_the_registry_has_gathered_of_all_processes(here: Gateway) -> None:
    sample = Sample(name="beaker_kernels", value=3)
    here.registry.processes = [Figures(role="registry", number=0, started_at=1.0, samples=[sample]), here.service.figures()]
    lines = (await (await here.client.get("/metrics", headers=WITH_TOKEN)).text()).splitlines()
    assert 'beaker_kernels{role="registry",number="0"} 3' in lines
    assert [line for line in lines if line.startswith("beaker_up")] == [
        'beaker_up{role="registry",number="0"} 1',
        'beaker_up{role="host",number="0"} 0',
        'beaker_up{role="worker",number="0"} 1',
    ]


async def test_a_worker_without_a_registry_shows_its_own_numbers_at_once(here: Gateway) -> None:
    await here.lose("registry")
    lines = (await (await here.client.get("/metrics", headers=WITH_TOKEN)).text()).splitlines()
    assert 'beaker_up{role="registry",number="0"} 0' in lines
    assert 'beaker_websockets{role="worker",number="0"} 0' in lines


async def test_wrong_tokens_without_end_are_slowed_down_and_right_ones_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "FAILURES_PER_S", 0.001)  # however long they take
    service = make_service()
    async with serving(service) as client:
        statuses = [(await client.get("/api/me", headers={"Authorization": "token wrong"})).status for _ in range(230)]
        assert (statuses[0], statuses[-1]) == (401, 429)
        assert (await client.get("/api/me", headers=WITH_TOKEN)).status == 200
        assert (await client.get("/api/me", params={"token": TOKEN})).status == 200
        value = service.sessions.begin(service.clock.wall())
        assert (await client.get("/api/me", cookies={service.cookie: value})).status == 200
