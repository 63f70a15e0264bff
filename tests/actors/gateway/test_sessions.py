"""`/api/sessions` against a Registry that the test plays."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from beaker.messages.registry import ChangeSession, OpenSession
from tests.actors.gateway.desk import WITH_TOKEN
from tests.actors.gateway.roles import Gateway, gateway

WANTED = {"path": "/a/b.ipynb", "name": "b", "type": "notebook", "kernel": {"name": "ir"}}


@pytest.fixture
async def here(short_folder: Path) -> AsyncIterator[Gateway]:
    async with gateway(short_folder) as made:
        yield made


async def _ask(here: Gateway, method: str, path: str, **how: Any) -> tuple[int, Any]:
    answer = await here.client.request(method, path, headers=WITH_TOKEN, **how)
    return answer.status, await answer.json() if answer.content_length else None


async def test_a_session_is_opened_with_a_kernel_of_its_own(here: Gateway) -> None:
    answer = await here.client.post("/api/sessions", headers=WITH_TOKEN, json=WANTED)
    model = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (201, f"/api/sessions/{model['id']}")
    (kernel,) = here.registry.kernels
    assert model == {
        "id": model["id"],
        "path": "a/b.ipynb",
        "name": "b",
        "type": "notebook",
        "kernel": {
            "id": kernel,
            "name": "ir",
            "last_activity": "1970-01-01T00:16:40.500000Z",
            "execution_state": "starting",
            "connections": 0,
        },
        "notebook": {"path": "a/b.ipynb", "name": "b"},
    }
    assert await _ask(here, "GET", "/api/sessions") == (200, [model])
    assert await _ask(here, "GET", f"/api/sessions/{model['id']}") == (200, model)


async def test_a_document_that_has_a_session_gets_that_one(here: Gateway) -> None:
    first = await _ask(here, "POST", "/api/sessions", json=WANTED)
    assert await _ask(here, "POST", "/api/sessions", json=WANTED) == first
    assert len(here.registry.kernels) == 1


async def test_a_session_is_opened_with_a_kernel_that_runs(here: Gateway) -> None:
    entry = here.registry.add()
    body = {"path": "x", "type": "console", "kernel": {"id": entry.kernel_id, "name": None}, "env": {"KERNEL_A": "1", "A": "2"}}
    status, model = await _ask(here, "POST", "/api/sessions", json=body)
    assert (status, model["kernel"]["id"], "notebook" in model) == (201, entry.kernel_id, False)
    (seen,) = [each for each in here.registry.seen if isinstance(each, OpenSession)]
    assert seen == OpenSession(path="x", kind="console", kernel_id=entry.kernel_id, environment={"KERNEL_A": "1"})


async def test_the_path_may_stand_where_older_clients_put_it(here: Gateway) -> None:
    status, model = await _ask(here, "POST", "/api/sessions", json={"notebook": {"path": "old.ipynb", "name": "old"}})
    assert (status, model["path"], model["name"]) == (201, "old.ipynb", "old")


async def test_a_session_without_a_path_is_refused(here: Gateway) -> None:
    status, said = await _ask(here, "POST", "/api/sessions", json={"kernel": {"name": "ir"}})
    assert (status, "'path'" in said["message"]) == (400, True)


async def test_what_is_not_named_stays_as_it_was(here: Gateway) -> None:
    _, model = await _ask(here, "POST", "/api/sessions", json=WANTED)
    status, changed = await _ask(here, "PATCH", f"/api/sessions/{model['id']}", json={"path": "c.ipynb", "kernel": {"name": "ir"}})
    assert (status, changed["path"], changed["name"]) == (200, "c.ipynb", "b")
    (seen,) = [each for each in here.registry.seen if isinstance(each, ChangeSession)]
    assert seen == ChangeSession(session_id=model["id"], path="c.ipynb", spec_name="ir")


async def test_a_session_is_closed_once(here: Gateway) -> None:
    _, model = await _ask(here, "POST", "/api/sessions", json=WANTED)
    assert await _ask(here, "DELETE", f"/api/sessions/{model['id']}") == (204, None)
    assert (await _ask(here, "DELETE", f"/api/sessions/{model['id']}"))[0] == 404
    assert (await _ask(here, "GET", f"/api/sessions/{model['id']}"))[0] == 404


@pytest.mark.parametrize("field", ["path", "name", "type"])
async def test_words_of_a_session_that_are_too_long_to_be_told_to_everybody_are_refused(here: Gateway, field: str) -> None:
    entry = here.registry.add()
    status, said = await _ask(here, "POST", "/api/sessions", json={"path": "a", "kernel": {"id": entry.kernel_id}, field: "é" * 2049})
    assert (status, field in said["message"]) == (400, True)
    status, said = await _ask(here, "PATCH", "/api/sessions/any", json={field: "é" * 2049})
    assert (status, field in said["message"]) == (400, True)
    assert here.registry.seen == []


async def test_variables_that_are_too_long_for_one_message_are_an_error_of_the_client(here: Gateway) -> None:
    variables = {f"KERNEL_{number}": "v" * 100_000 for number in range(11)}
    status, said = await _ask(here, "POST", "/api/sessions", json={"path": "a", "env": variables})
    assert (status, said["reason"]) == (413, "Content Too Large")


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/kernels"), ("POST", "/api/sessions"), ("PATCH", "/api/sessions/any")])
async def test_a_variable_that_no_program_can_be_started_with_is_named(here: Gateway, method: str, path: str) -> None:
    status, said = await _ask(here, method, path, json={"path": "a", "env": {"KERNEL_LONG": "v" * 140_000}})
    assert status == 413
    assert said["message"].startswith("The variable KERNEL_LONG has 140013 bytes with its name")
    assert here.registry.seen == []
