"""What the tests of a worker share: an order, and a worker's application behind real HTTP."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from actors.gateway import tables as all_tables
from actors.gateway.app import make_app
from actors.gateway.routes import Route
from actors.gateway.service import Service
from actors.guardian.order import GatewayOrder
from actors.runtime.log import Log
from actors.runtime.node import Node
from beaker.messages.base import PROTOCOL
from beaker.settings.gateway import GatewaySettings
from beaker.settings.schema import LogSettings

TOKEN = "right-token"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
"""As a page is opened and a form is sent."""
WITH_TOKEN = {"Authorization": f"token {TOKEN}"}


def make_order(folder: str = "/nowhere", **settings: Any) -> GatewayOrder:  # Any: as the settings have it
    """What a guardian would hand down."""
    return GatewayOrder(
        number=0,
        folder=folder,
        state=folder,
        settings=msgspec.convert({"port": 0, **settings}, GatewaySettings),
        logs=LogSettings(),
        link_secret=b"link secret",
        kernel_secret=b"kernel secret",
        token=TOKEN,
        cookie_secret=b"cookie secret",
        port=8888,
    )


class Lines(Log):
    """A log that a test can read."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **values: object) -> None:
        self.events.append((event, values))

    warning = error = exception = info


def make_service(order: GatewayOrder | None = None) -> Service:
    """A worker without a registry and hosts."""
    return Service(order or make_order(), Node("worker", protocol=PROTOCOL), log=Lines())


@asynccontextmanager
async def serving(service: Service, tables: Iterable[Iterable[Route]] = all_tables.TABLES) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of an application that serves these tables; it keeps no cookies by itself."""
    async with TestClient(TestServer(make_app(service, tables)), cookie_jar=CookieJar(unsafe=True)) as client:
        yield client
