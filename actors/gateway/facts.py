"""What the gateway says of itself: its version to everybody, how it is to those whom it knows."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec
from aiohttp import web

from actors.gateway.answers import Problem, json_answer, moment
from actors.gateway.asking import REGISTRY, ask_registry
from actors.gateway.models import kernel_models
from actors.gateway.routes import Route, get
from actors.gateway.service import service_of
from actors.runtime.failures import AskError
from beaker.gateway.figures import CONTENT_TYPE, CONVERSATIONS, page
from beaker.messages.figures import Figures, GatherFigures
from beaker.messages.registry import ListKernels

DISTRIBUTION: Final = "beaker-kernel"

GATHER_LIMIT_S: Final = 3.0
"""For the Registry, which waits a second for those who stand still."""


class _Version(msgspec.Struct, frozen=True):
    version: str


class _Host(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel host."""

    number: int
    kernels: int
    connections: int
    up: bool
    """It can be asked now; its kernels live on while it cannot."""


class _AgentHost(msgspec.Struct, frozen=True, kw_only=True):
    """One process that answers questions: there from the first question on, until nobody asks any more."""

    number: int
    conversations: int
    """Of kernels; 0 while it does not answer."""
    up: bool
    """It answers."""


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole gateway, whichever worker is asked."""

    started: datetime
    """The gateway; kernels may be older, and workers younger."""
    last_activity: datetime
    connections: int
    kernels: int
    not_saving: str
    """Why nothing is written down of kernels and sessions at the moment, as on a full disk; empty: all is."""
    hosts: list[_Host]
    agent_hosts: list[_AgentHost]


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
    listed = await ask_registry(service, ListKernels(), again=True)
    kernels, gathered = await asyncio.gather(
        kernel_models(service, listed.kernels), ask_registry(service, GatherFigures(), timeout_s=GATHER_LIMIT_S, again=True)
    )
    served: list[list[int]] = [[] for _ in service.hosts]
    for entry, model in zip(listed.kernels, kernels, strict=True):
        served[entry.host % len(served)].append(model.connections)
    started = moment(service.order.began_at or service.started_at)
    return json_answer(
        _Status(
            started=started,
            last_activity=max([started, *(model.last_activity for model in kernels)]),
            connections=sum(model.connections for model in kernels),
            kernels=len(kernels),
            not_saving=listed.not_saving,
            hosts=[
                _Host(number=number, kernels=len(connections), connections=sum(connections), up=service.hosts[number].role.is_up)
                for number, connections in enumerate(served)
            ],
            agent_hosts=_agent_hosts(gathered.processes),
        )
    )


def _agent_hosts(processes: Iterable[Figures]) -> list[_AgentHost]:
    """What they say; of two kernel hosts whose questions one answers, each has asked it."""
    found: dict[int, _AgentHost] = {}
    for told in sorted(processes, key=lambda each: (each.number, each.started_at)):
        if told.role == "agent-host":
            held = [sample.value for sample in told.samples if sample.name == CONVERSATIONS]
            found[told.number] = _AgentHost(number=told.number, conversations=int(sum(held)), up=bool(told.samples))
    return [*found.values()]


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
    """`GET /metrics`: the numbers of all processes, whichever worker is asked; of this one alone while there is no registry."""
    service = service_of(request)
    try:
        gathered = await service.registry.ask(REGISTRY, GatherFigures(), timeout_s=GATHER_LIMIT_S, patience_s=0)
        processes = gathered.processes
    except AskError as error:
        service.log.info("metrics.alone", reason=str(error))
        processes = [service.figures()]
    body = page(processes, workers=service.settings.workers)
    return web.Response(body=body.encode(), headers={"Content-Type": CONTENT_TYPE})


ROUTES: Final[tuple[Route, ...]] = (
    get("api", show_version, public=True),
    get("api/status", show_status),
    get("api/me", show_me),
    get("api/health", show_health),
    get("api/ready", show_readiness),
    get("metrics", show_metrics),
)
