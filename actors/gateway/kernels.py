"""Kernels over HTTP: `/api/kernels` and what lies below it, but for the websocket.

Source: jupyter_server 2.21, "The REST API", section "kernels".
"""

from typing import Any, Final

import msgspec
from aiohttp import web

from actors.gateway.answers import empty_answer, json_answer, read_body
from actors.gateway.asking import ask_host, ask_registry, find_kernel, note_kernel
from actors.gateway.models import all_kernel_models, chosen_id, kernel_model, kernel_variables, location, new_kernel_model
from actors.gateway.routes import Route, delete, get, post
from actors.gateway.service import service_of
from beaker.messages.host import InterruptKernel, RestartKernel
from beaker.messages.registry import EndKernel, StartKernel

START_LIMIT_S: Final = 60.0
"""Until a subkernel is launched: most take a tenth of a second, a provisioner may queue for a machine."""
INTERRUPT_LIMIT_S: Final = 10.0
"""Until an interrupt was sent."""
RESTART_LIMIT_S: Final = 120.0
"""Until a fresh session answers: two minutes for the slowest languages."""
END_LIMIT_S: Final = 60.0
"""Until no process is left: a polite request, then force, of seconds each."""


class KernelWanted(msgspec.Struct):
    """The body of a POST."""

    name: str | None = None
    path: str | None = None
    kernel_id: str | None = None
    env: dict[str, Any] | None = None  # Any: of what a client sends only strings are taken


async def list_all(request: web.Request) -> web.Response:
    """`GET /api/kernels`."""
    return json_answer(await all_kernel_models(service_of(request)))


async def start(request: web.Request) -> web.Response:
    """`POST /api/kernels`."""
    service = service_of(request)
    wanted = await read_body(request, KernelWanted)
    started = await ask_registry(
        service,
        StartKernel(
            spec_name=wanted.name or "",
            kernel_id=chosen_id(wanted.kernel_id) if wanted.kernel_id else "",
            path=(wanted.path or "").strip("/"),
            environment=kernel_variables(wanted.env),
        ),
        timeout_s=START_LIMIT_S,
    )
    model = new_kernel_model(started.kernel)
    return json_answer(model, status=201, headers=location(service, "kernels", model.id))


async def show(request: web.Request) -> web.Response:
    """`GET /api/kernels/<id>`."""
    service = service_of(request)
    return json_answer(await kernel_model(service, await find_kernel(service, request.match_info["kernel_id"])))


async def end(request: web.Request) -> web.Response:
    """`DELETE /api/kernels/<id>`."""
    kernel_id = request.match_info["kernel_id"]
    await ask_registry(service_of(request), EndKernel(kernel_id=kernel_id), timeout_s=END_LIMIT_S)
    note_kernel(kernel_id)
    return empty_answer()


async def interrupt(request: web.Request) -> web.Response:
    """`POST /api/kernels/<id>/interrupt`."""
    kernel_id = request.match_info["kernel_id"]
    await ask_host(service_of(request), kernel_id, InterruptKernel(kernel_id=kernel_id), timeout_s=INTERRUPT_LIMIT_S)
    return empty_answer()


async def restart(request: web.Request) -> web.Response:
    """`POST /api/kernels/<id>/restart`: answered once the kernel is there again, under the same id."""
    service = service_of(request)
    kernel_id = request.match_info["kernel_id"]
    await ask_host(service, kernel_id, RestartKernel(kernel_id=kernel_id), timeout_s=RESTART_LIMIT_S)
    return json_answer(await kernel_model(service, await find_kernel(service, kernel_id)))


ROUTES: Final[tuple[Route, ...]] = (
    get("api/kernels", list_all),
    post("api/kernels", start),
    get("api/kernels/{kernel_id}", show),
    delete("api/kernels/{kernel_id}", end),
    post("api/kernels/{kernel_id}/interrupt", interrupt),
    post("api/kernels/{kernel_id}/restart", restart),
)
