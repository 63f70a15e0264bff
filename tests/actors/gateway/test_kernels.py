"""`/api/kernels` against a Registry and hosts that the test plays."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.gateway import asking, lasting_link
from beaker.messages.host import InterruptKernel, RestartKernel
from beaker.messages.registry import RegistryFailure, StartKernel
from tests.actors.gateway.desk import WITH_TOKEN, Lines
from tests.actors.gateway.roles import Gateway, gateway


@pytest.fixture
async def here(short_folder: Path) -> AsyncIterator[Gateway]:
    async with gateway(short_folder, workers=2) as made:
        yield made


async def _ask(here: Gateway, method: str, path: str, **how: Any) -> tuple[int, Any]:
    answer = await here.client.request(method, path, headers=WITH_TOKEN, **how)
    return answer.status, await answer.json() if answer.content_length else None


async def test_kernels_are_listed_with_what_their_hosts_say(here: Gateway) -> None:
    one = here.registry.add()
    here.registry.host = 1
    other = here.registry.add(spec_name="ir")
    here.hosts[0].stand(one.kernel_id, "busy", connections=2)
    here.hosts[1].stand(other.kernel_id)
    assert await _ask(here, "GET", "/api/kernels") == (
        200,
        [
            {
                "id": one.kernel_id,
                "name": "beaker",
                "last_activity": "1970-01-01T00:33:20.250000Z",
                "execution_state": "busy",
                "connections": 2,
            },
            {
                "id": other.kernel_id,
                "name": "ir",
                "last_activity": "1970-01-01T00:33:20.250000Z",
                "execution_state": "idle",
                "connections": 0,
            },
        ],
    )


async def test_a_kernel_of_a_host_that_is_being_replaced_stays_in_the_list_as_it_was(here: Gateway) -> None:
    entry = here.registry.add()
    here.hosts[0].stand(entry.kernel_id, "busy")
    _, before = await _ask(here, "GET", "/api/kernels")
    await here.lose("host 0")
    assert await _ask(here, "GET", "/api/kernels") == (200, before)


async def test_a_kernel_that_no_host_has_spoken_of_is_starting(here: Gateway) -> None:
    here.registry.add()
    _, (model,) = await _ask(here, "GET", "/api/kernels")
    assert (model["execution_state"], model["last_activity"]) == ("starting", "1970-01-01T00:16:40.500000Z")


async def test_only_the_host_of_a_kernel_is_asked_how_it_is_and_none_when_it_was_started(here: Gateway) -> None:
    _, model = await _ask(here, "POST", "/api/kernels")
    assert [host.looks for host in here.hosts] == [0, 0]
    assert (await _ask(here, "GET", f"/api/kernels/{model['id']}"))[0] == 200
    assert [host.looks for host in here.hosts] == [1, 0]


async def test_a_kernel_is_started_with_what_the_client_may_choose(here: Gateway) -> None:
    chosen = str(uuid.uuid4())
    body = {
        "name": "ir",
        "path": "/a/b.ipynb",
        "kernel_id": chosen,
        "env": {
            "KERNEL_ID": "7",
            "JPY_SESSION_NAME": "a",
            "KERNEL_N": 7,
            "PATH": "/evil",
            "KERNEL_X": "a\0b",
            "kernel_y": "1",
            "KERNEL_=": "1",
        },
        "unknown": [1],
    }
    answer = await here.client.post("/api/kernels", headers=WITH_TOKEN, json=body)
    model = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (201, f"/api/kernels/{chosen}")
    assert (model["id"], model["name"]) == (chosen, "ir")
    (seen,) = [each for each in here.registry.seen if isinstance(each, StartKernel)]
    assert seen == StartKernel(spec_name="ir", kernel_id=chosen, path="a/b.ipynb", environment={"KERNEL_ID": "7", "JPY_SESSION_NAME": "a"})


async def test_a_kernel_is_started_by_an_empty_body(here: Gateway) -> None:
    status, model = await _ask(here, "POST", "/api/kernels")
    assert (status, model["name"]) == (201, "beaker")
    assert await _ask(here, "GET", f"/api/kernels/{model['id']}") == (200, model)


@pytest.mark.parametrize(
    "kernel_id", ["x", "../../etc", "A" * 36, "{0b0f9a4e-8f8e-4a52-8d5b-5a5b6f0a6a11}", "0b0f9a4e8f8e4a528d5b5a5b6f0a6a11"]
)
async def test_an_id_that_is_no_uuid_is_refused(here: Gateway, kernel_id: str) -> None:
    status, said = await _ask(here, "POST", "/api/kernels", json={"kernel_id": kernel_id})
    assert status == 400
    assert "UUID" in said["message"]


async def test_a_kernel_is_ended_once(here: Gateway) -> None:
    entry = here.registry.add()
    assert await _ask(here, "DELETE", f"/api/kernels/{entry.kernel_id}") == (204, None)
    status, said = await _ask(here, "DELETE", f"/api/kernels/{entry.kernel_id}")
    assert (status, said["reason"]) == (404, "unknown_kernel")


async def test_a_kernel_that_is_not_there_gets_into_no_log_as_one(here: Gateway) -> None:
    entry = here.registry.add()
    invented = str(uuid.uuid4())
    for method, kernel_id, more in (
        ("GET", entry.kernel_id, ""),
        ("GET", invented, ""),
        ("GET", invented, "/channels"),  # no websocket: 400
        ("GET", invented, f"/channels?session_id={'x' * 201}"),
        ("PUT", invented, ""),
        ("OPTIONS", invented, ""),
        ("POST", invented, "/interrupt"),
        ("DELETE", invented, ""),
        ("DELETE", entry.kernel_id, ""),
    ):
        await _ask(here, method, f"/api/kernels/{kernel_id}{more}")
    assert isinstance(here.service.log, Lines)
    asked = [values for event, values in here.service.log.events if event == "request"]
    assert [values.get("kernel") for values in asked] == [entry.kernel_id, *[None] * 7, entry.kernel_id]


@pytest.mark.parametrize("what", ["", "/interrupt", "/restart"])
async def test_a_kernel_that_there_is_not_is_said_so(here: Gateway, what: str) -> None:
    status, said = await _ask(here, "POST" if what else "GET", f"/api/kernels/a%2Fb%20c{what}")
    assert status == 404
    assert "'a/b c'" in said["message"]


async def test_a_kernel_is_interrupted_and_restarted_by_its_host(here: Gateway) -> None:
    here.registry.host = 1
    entry = here.registry.add()
    assert await _ask(here, "POST", f"/api/kernels/{entry.kernel_id}/interrupt") == (204, None)
    status, model = await _ask(here, "POST", f"/api/kernels/{entry.kernel_id}/restart")
    assert (status, model["id"]) == (200, entry.kernel_id)
    assert here.hosts[1].seen == [InterruptKernel(kernel_id=entry.kernel_id), RestartKernel(kernel_id=entry.kernel_id)]


async def test_a_host_that_is_being_given_its_kernels_is_asked_again(here: Gateway) -> None:
    entry = here.registry.add()
    here.hosts[0].unknown = 3
    assert await _ask(here, "POST", f"/api/kernels/{entry.kernel_id}/interrupt") == (204, None)
    assert len(here.hosts[0].seen) == 4


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("unknown_kernel", 404),
        ("unknown_spec", 400),
        ("bad_path", 400),
        ("bad_id", 400),
        ("taken", 409),
        ("limit", 429),
        ("not_started", 503),
        ("busy", 503),
    ],
)
async def test_what_the_registry_refuses_is_answered_with_its_reason(here: Gateway, kind: Any, status: int) -> None:
    here.registry.failure = RegistryFailure(kind=kind, reason="It is as it is.")
    assert await _ask(here, "POST", "/api/kernels") == (status, {"message": "It is as it is.", "reason": kind})


async def test_whoever_starts_kernels_too_often_is_told_when_there_is_room_again(here: Gateway) -> None:
    here.registry.failure = RegistryFailure(kind="limit", reason="Too many.", retry_after_s=1.2)
    answer = await here.client.post("/api/kernels", headers=WITH_TOKEN)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    here.registry.failure = RegistryFailure(kind="limit", reason="As many run as may: nobody knows when one ends.")
    assert "Retry-After" not in (await here.client.post("/api/kernels", headers=WITH_TOKEN)).headers


async def test_requests_wait_for_a_registry_that_is_being_replaced(here: Gateway) -> None:
    here.registry.add()
    await here.lose("registry")
    waiting = asyncio.create_task(_ask(here, "GET", "/api/kernels"))
    await here.play_registry()
    status, kernels = await waiting
    assert (status, len(kernels)) == (200, 1)


async def test_a_role_that_does_not_come_back_is_answered_for(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting_link.LastingLink.ask, "__kwdefaults__", {"patience_s": 0.05, "again": False})
    await here.lose("registry")
    status, said = await _ask(here, "GET", "/api/kernels")
    assert (status, said["reason"]) == (503, "busy")


async def test_no_answer_in_time_is_answered_for(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.ask_registry, "__kwdefaults__", {"timeout_s": 0.05, "again": False})
    here.registry.is_mute = True
    status, said = await _ask(here, "GET", "/api/kernels")
    assert status == 504
    assert "look again" in said["message"]
