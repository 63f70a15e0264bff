"""What the gateway says of itself: its version to everybody, how it is to those whom it knows."""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec
from aiohttp import web

from actors.gateway.answers import Problem, json_answer, moment
from actors.gateway.asking import ask_registry, list_kernels
from actors.gateway.counts import CONTENT_TYPE, Page
from actors.gateway.models import all_kernel_models
from actors.gateway.routes import Route, get
from actors.gateway.service import Service, service_of
from beaker.messages.registry import ListKernels

DISTRIBUTION: Final = "beaker-kernel"


class _Version(msgspec.Struct, frozen=True):
    version: str


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    started: datetime
    """This worker; kernels may be older."""
    last_activity: datetime
    connections: int
    kernels: int
    not_saving: str
    """Why nothing is written down of kernels and sessions at the moment, as on a full disk; empty: all is."""


class _Identity(msgspec.Struct, frozen=True):
    """Nobody in particular: whoever has the token is the one user of this gateway."""

    username: str = "beaker"
    name: str = "beaker"
    display_name: str = "beaker"
    initials: str = "b"
    avatar_url: str | None = None
    color: str | None = None


class _Me(msgspec.Struct, frozen=True):
    identity: _Identity
    permissions: dict[str, list[str]]


class _Health(msgspec.Struct, frozen=True):
    status: str


async def show_version(_request: web.Request) -> web.Response:
    """`GET /api`: clients look here whether there is a gateway at all, before they have a token."""
    try:
        return json_answer(_Version(version(DISTRIBUTION)))
    except PackageNotFoundError:
        return json_answer(_Version("0"))  # a checkout that was not installed


async def show_status(request: web.Request) -> web.Response:
    """`GET /api/status`."""
    service = service_of(request)
    kernels = await all_kernel_models(service)
    not_saving = (await ask_registry(service, ListKernels(), again=True)).not_saving
    started = moment(service.started_at)
    return json_answer(
        _Status(
            started=started,
            last_activity=max([started, *(model.last_activity for model in kernels)]),
            connections=sum(model.connections for model in kernels),
            kernels=len(kernels),
            not_saving=not_saving,
        )
    )


async def show_me(_request: web.Request) -> web.Response:
    """`GET /api/me`."""
    return json_answer(_Me(_Identity(), {}))


async def show_health(_request: web.Request) -> web.Response:
    """`GET /api/health`: this worker lives and answers."""
    return json_answer(_Health("ok"))


async def show_readiness(request: web.Request) -> web.Response:
    """`GET /api/ready`: all that requests need can be asked.

    Raises:
        Problem: 503, something is being replaced or started.
    """
    service = service_of(request)
    if service.missing:
        raise Problem(503, f"The gateway is not ready: {', '.join(service.missing)} cannot be asked yet.", reason="busy")
    return json_answer(_Health("ready"))


async def show_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: the numbers of this worker; each worker has its own."""
    service = service_of(request)
    return web.Response(body=(await _page(service)).text().encode(), headers={"Content-Type": CONTENT_TYPE})


async def _page(service: Service) -> Page:
    counts = service.counts
    page = Page({"worker": str(service.order.number)})
    try:
        page.add("beaker_kernels", "gauge", "Kernels of the gateway.", [({}, len(await list_kernels(service)))])
    except Problem:
        service.log.debug("metrics.without_kernels")  # the other numbers count most while something is amiss
    page.add("beaker_websockets", "gauge", "Websockets that are open.", [({}, service.websockets)])
    page.add("beaker_websockets_opened_total", "counter", "Websockets that were opened.", [({}, counts.websockets_opened)])
    page.add("beaker_websockets_too_slow_total", "counter", "Websockets closed as too slow.", [({}, counts.websockets_too_slow)])
    page.add("beaker_websockets_behind_total", "counter", "Times that a websocket fell behind.", [({}, counts.fell_behind)])
    page.add("beaker_messages_malformed_total", "counter", "Messages of clients that were dropped.", [({}, counts.malformed)])
    for name, words, counted in (
        ("beaker_messages_total", "Messages on websockets.", counts.messages),
        ("beaker_message_bytes_total", "Bytes of messages on websockets.", counts.message_bytes),
    ):
        page.add(name, "counter", words, [({"direction": direction}, counted[direction]) for direction in ("in", "out")])
    page.add(
        "beaker_requests_total",
        "counter",
        "HTTP requests that were answered.",
        [({"method": method, "status": str(status)}, number) for (method, status), number in sorted(counts.requests.items())],
    )
    return page


ROUTES: Final[tuple[Route, ...]] = (
    get("api", show_version, public=True),
    get("api/status", show_status),
    get("api/me", show_me),
    get("api/health", show_health),
    get("api/ready", show_readiness),
    get("metrics", show_metrics),
)
