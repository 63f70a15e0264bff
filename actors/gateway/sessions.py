"""Sessions over HTTP: which document has which kernel.

Source: jupyter_server 2.21, "The REST API", section "sessions".
"""

from typing import Any, Final

import msgspec
from aiohttp import web

from actors.gateway.answers import Problem, empty_answer, json_answer, read_body
from actors.gateway.asking import ask_registry
from actors.gateway.kernels import END_LIMIT_S, START_LIMIT_S
from actors.gateway.models import SessionModel, kernel_variables, location, session_models
from actors.gateway.routes import Route, delete, get, patch, post
from actors.gateway.service import Service, service_of
from beaker.messages.registry import ChangeSession, CloseSession, ListSessions, OpenSession, SessionEntry

WORDS_BYTES: Final = 4096
"""The longest path, name or kind of a document: Linux takes no longer path."""


class _Kernel(msgspec.Struct):
    """Which kernel is wanted: one that runs, or a new one of a kernelspec."""

    id: str | None = None
    name: str | None = None


class _Notebook(msgspec.Struct):
    """How older clients name a document."""

    path: str | None = None
    name: str | None = None


class SessionWanted(msgspec.Struct):
    """The body of a POST or PATCH."""

    path: str | None = None
    name: str | None = None
    type: str | None = None
    kernel: _Kernel | None = None
    notebook: _Notebook | None = None
    env: dict[str, Any] | None = None  # Any: of what a client sends only strings are taken


async def list_all(request: web.Request) -> web.Response:
    """`GET /api/sessions`."""
    service = service_of(request)
    return json_answer(await session_models(service, await _sessions(service)))


async def open_one(request: web.Request) -> web.Response:
    """`POST /api/sessions`: the answer is the same whether the document had a session or not.

    Raises:
        Problem: 400, it names no document, or at too great a length.
    """
    service = service_of(request)
    wanted = _checked(_with_notebook(await read_body(request, SessionWanted)))
    kernel = wanted.kernel or _Kernel()
    if not wanted.path:
        raise Problem(400, "A session needs the field 'path': the document that it is for.")
    opened = await ask_registry(
        service,
        OpenSession(
            path=wanted.path.strip("/"),
            name=wanted.name or "",
            kind=wanted.type or "notebook",
            kernel_id=kernel.id or "",
            spec_name=kernel.name or "",
            environment=kernel_variables(wanted.env),
        ),
        timeout_s=START_LIMIT_S,
    )
    model = await _model(service, opened.session)
    return json_answer(model, status=201, headers=location(service, "sessions", model.id))


async def show(request: web.Request) -> web.Response:
    """`GET /api/sessions/<id>`.

    Raises:
        Problem: 404, it is not there.
    """
    service = service_of(request)
    wanted = request.match_info["session_id"]
    for session in await _sessions(service):
        if session.session_id == wanted:
            return json_answer(await _model(service, session))
    raise Problem(404, f"There is no session {wanted[:100]!r}; its kernel may have ended.")


async def change(request: web.Request) -> web.Response:
    """`PATCH /api/sessions/<id>`: what is not named stays as it was.

    Raises:
        Problem: 400, something of it is too long.
    """
    service = service_of(request)
    wanted = _checked(_with_notebook(await read_body(request, SessionWanted)))
    kernel = wanted.kernel or _Kernel()
    changed = await ask_registry(
        service,
        ChangeSession(
            session_id=request.match_info["session_id"],
            path=wanted.path.strip("/") if wanted.path else None,
            name=wanted.name,
            kind=wanted.type,
            kernel_id=kernel.id or None,
            spec_name=(kernel.name or None) if not kernel.id else None,
            environment=kernel_variables(wanted.env),
        ),
        timeout_s=START_LIMIT_S,
    )
    return json_answer(await _model(service, changed.session))


async def close(request: web.Request) -> web.Response:
    """`DELETE /api/sessions/<id>`."""
    await ask_registry(service_of(request), CloseSession(session_id=request.match_info["session_id"]), timeout_s=END_LIMIT_S)
    return empty_answer()


def _with_notebook(wanted: SessionWanted) -> SessionWanted:
    """What stands in `notebook` counts where the newer field is missing."""
    old = wanted.notebook or _Notebook()
    return msgspec.structs.replace(wanted, path=wanted.path or old.path, name=wanted.name if wanted.name is not None else old.name)


def _checked(wanted: SessionWanted) -> SessionWanted:
    """What a client wants, if the Registry can hold it for good and tell it to everybody who lists sessions."""
    for field, words in (("path", wanted.path), ("name", wanted.name), ("type", wanted.type)):
        if words is not None and (size := len(words.encode())) > WORDS_BYTES:
            raise Problem(400, f"The field {field!r} of a session has {size} bytes; at most {WORDS_BYTES} are taken.")
    return wanted


async def _sessions(service: Service) -> list[SessionEntry]:
    return (await ask_registry(service, ListSessions(), again=True)).sessions


async def _model(service: Service, session: SessionEntry) -> SessionModel:
    (model,) = await session_models(service, [session])
    return model


ROUTES: Final[tuple[Route, ...]] = (
    get("api/sessions", list_all),
    post("api/sessions", open_one),
    get("api/sessions/{session_id}", show),
    patch("api/sessions/{session_id}", change),
    delete("api/sessions/{session_id}", close),
)
