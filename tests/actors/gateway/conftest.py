"""A folder that is served over HTTP by a worker."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actors.gateway import app, standings
from tests.actors.gateway.described import checking
from tests.actors.gateway.desk import WITH_TOKEN, make_order, make_service

Client = TestClient[web.Request, web.Application]


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every answer in these tests is as the description of the interface says."""
    wrong: list[str] = []
    monkeypatch.setattr(app, "put_headers", checking(wrong))
    yield
    assert wrong == []


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is there is waited for, however long the machine stands still."""
    monkeypatch.setattr(standings, "LIMIT_S", 60.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is served; beside it lie a secret and a folder whose name begins alike."""
    served = tmp_path / "test"
    served.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "testtest").mkdir()
    (tmp_path / "testtest/secret.txt").write_text("secret")
    return served


@pytest.fixture
async def client(folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """Speaks to it, with the token."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(own_home))  # which notebooks are trusted is written down there
    service = make_service(make_order(str(own_home), root_dir=str(folder)))
    async with TestClient(TestServer(app.make_app(service)), headers=WITH_TOKEN) as made:
        yield made
