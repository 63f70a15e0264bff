"""Kernels and sessions as Jupyter's clients see them, and what of their requests is read."""

import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from actors.gateway.answers import Problem, moment
from actors.gateway.asking import list_kernels
from actors.gateway.service import Service
from actors.gateway.standings import fresh
from actors.runtime.frames import MESSAGE_LIMIT
from beaker.gateway.environment import may_be_requested, room_bytes, why_too_large
from beaker.messages.host import KernelStanding
from beaker.messages.registry import KernelEntry, SessionEntry


class KernelModel(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel."""

    id: str
    name: str
    last_activity: datetime
    execution_state: str
    connections: int


class SessionModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session."""

    id: str
    path: str
    name: str
    type: str
    kernel: KernelModel
    notebook: dict[str, str] = {}
    """As older clients want it."""


async def kernel_models(service: Service, kernels: Sequence[KernelEntry]) -> list[KernelModel]:
    """These kernels with what their hosts say of them."""
    return [_model(entry, standing) for entry, standing in zip(kernels, await service.standings.look(kernels), strict=True)]


async def all_kernel_models(service: Service) -> list[KernelModel]:
    """All kernels of the gateway.

    Raises:
        Problem: the Registry does not answer.
    """
    kernels = await list_kernels(service)
    models = await kernel_models(service, kernels)
    service.standings.forget_others(kernels)
    return models


async def kernel_model(service: Service, entry: KernelEntry) -> KernelModel:
    """One kernel with what its host says of it."""
    (model,) = await kernel_models(service, [entry])
    return model


def new_kernel_model(entry: KernelEntry) -> KernelModel:
    """One that was started just now: nobody but its host knows it yet, so that nothing can be asked of it."""
    return _model(entry, fresh(entry))


async def session_models(service: Service, sessions: Sequence[SessionEntry]) -> list[SessionModel]:
    """These sessions with their kernels."""
    kernels = {session.kernel.kernel_id: session.kernel for session in sessions}
    models = {model.id: model for model in await kernel_models(service, list(kernels.values()))}
    return [
        SessionModel(
            id=session.session_id,
            path=session.path,
            name=session.name,
            type=session.kind,
            kernel=models[session.kernel.kernel_id],
            notebook={"path": session.path, "name": session.name} if session.kind == "notebook" else {},
        )
        for session in sessions
    ]


def kernel_variables(environment: Mapping[str, object] | None) -> dict[str, str]:
    """Of the variables that a client sends those that are its to set.

    Raises:
        Problem: 413, no program could be started with them, or no message holds them.
    """
    given = environment or {}
    taken = {name: value for name, value in given.items() if isinstance(value, str) and may_be_requested(name) and "\0" not in value}
    if taken:
        room = room_bytes(os.environ, os.sysconf("SC_ARG_MAX"), message_bytes=MESSAGE_LIMIT)
        if (why := why_too_large(taken, room)) is not None:
            raise Problem(413, why)
    return taken


def is_kernel_id(given: str) -> bool:
    """Whether a kernel can have this id: a UUID as they are written.

    >>> is_kernel_id("40fc0abc-59d0-46db-a2bc-ca5f080b61fc"), is_kernel_id("{40FC0ABC-59D0-46DB-A2BC-CA5F080B61FC}"), is_kernel_id("k")
    (True, False, False)
    """
    try:
        return str(uuid.UUID(given)) == given
    except ValueError:
        return False


def chosen_id(given: str) -> str:
    """A kernel's id that a client has chosen.

    Raises:
        Problem: 400, it is no UUID as they are written.
    """
    if not is_kernel_id(given):
        raise Problem(400, f"{given[:100]!r} cannot be a kernel's id: write a UUID in lower case, with its four hyphens.")
    return given


def location(service: Service, kind: str, name: str) -> dict[str, str]:
    """The header that says where something new is found."""
    return {"Location": f"{service.base_url}api/{kind}/{quote(name, safe='')}"}


def _model(entry: KernelEntry, standing: KernelStanding) -> KernelModel:
    return KernelModel(
        id=entry.kernel_id,
        name=entry.spec_name,
        last_activity=moment(standing.last_activity),
        execution_state=standing.execution_state,
        connections=standing.connections,
    )
