"""The contents interface over HTTP: files and folders below the root, as JupyterLab and `@jupyterlab/services` ask for them.

Everything but the bytes of requests and answers is done in the pool's threads: the disk, JSON, notebooks. What is decided is
in `beaker/contents/`; here it gets its statuses and headers. A failure of the contents becomes an answer in one place, `said`.

Beyond Jupyter's own: `ETag` names what was seen, `If-Match` and `If-None-Match: *` make a save depend on it (412), and a
folder may be called `checkpoints`.
"""

from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from functools import wraps
from typing import Final
from urllib.parse import quote

from aiohttp import web

from actors.gateway.answers import JSON, Problem, empty_answer, json_answer
from actors.gateway.contents_pool import pool_of
from actors.gateway.routes import ANY, Handler, Route, delete, get, patch, post, put
from actors.gateway.service import service_of
from beaker.contents.checkpoints import delete_checkpoint, list_checkpoints, make_checkpoint, restore_checkpoint
from beaker.contents.failures import ContentsError
from beaker.contents.models import Model, written
from beaker.contents.paths import Place
from beaker.contents.store import Contents
from beaker.contents.wishes import Copy, read_condition, read_given, read_look, read_new, read_rename
from beaker.gateway.content_failures import sentence, status_of
from beaker.gateway.cookies import Sessions


def said(handler: Handler) -> Handler:
    """The handler, with failures of the contents as problems."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ContentsError as failure:
            status, reason = status_of(failure)
            raise Problem(status, sentence(failure), reason=reason) from None

    return answer


# Files and folders.


@said
async def show(request: web.Request) -> web.Response:
    """`GET`: what is there, with its content unless the query says otherwise."""
    return await _show(request, _path(request))


@said
async def save(request: web.Request) -> web.Response:
    """`PUT`: write what was sent; 201 if it was not there before."""
    path, sent = _path(request), await request.read()
    expected = read_condition(request.headers)
    # Not the address: that of one client may change, and by localhost there are two.
    who = f"{Sessions.name_of(service_of(request).session_of(request))} {request.headers.get('User-Agent', '')}"

    def call(contents: Contents) -> tuple[int, bytes, Model]:
        model, fresh = contents.save(path, read_given(sent, path), expected=expected, who=who)
        return (201 if fresh else 200), written(model), model

    return _made(request, *await pool_of(request).write(call, path))


@said
async def make(request: web.Request) -> web.Response:
    """`POST` to a folder: something new in it, or a copy."""
    return await _make(request, _path(request))


@said
async def rename(request: web.Request) -> web.Response:
    """`PATCH`: another path."""
    path, to = _path(request), read_rename(await request.read())

    def call(contents: Contents) -> tuple[int, bytes, Model]:
        model = contents.rename(path, to)
        return 200, written(model), model

    return _made(request, *await pool_of(request).write(call, path, to))


@said
async def remove(request: web.Request) -> web.Response:
    """`DELETE`: a file, or an empty folder."""
    return await _remove(request, _path(request))


@said
async def trust(request: web.Request) -> web.Response:
    """`POST .../trust`: the user says that a notebook's outputs are her own."""
    path = _path(request)
    if await _is_folder(request, path):
        return await _make(request, f"{path}/trust")
    await pool_of(request).read(lambda contents: contents.trust(path))
    return empty_answer(201)


# Checkpoints. A folder has none, so behind one `checkpoints` is a name like any other.


@said
async def show_checkpoints(request: web.Request) -> web.Response:
    """`GET .../checkpoints`: none or one."""
    path = _path(request)
    if await _is_folder(request, path):
        return await _show(request, f"{path}/checkpoints")
    return json_answer(await pool_of(request).read(lambda contents: list_checkpoints(contents.find(path))))


@said
async def keep(request: web.Request) -> web.Response:
    """`POST .../checkpoints`: keep the file as it is now."""
    path = _path(request)
    if await _is_folder(request, path):
        return await _make(request, f"{path}/checkpoints")
    made = await pool_of(request).write(lambda contents: make_checkpoint(contents.find(path)), path)
    return json_answer(made, status=201, headers={"Location": f"{_address(request, path)}/checkpoints/{made.id}"})


@said
async def put_back(request: web.Request) -> web.Response:
    """`POST .../checkpoints/<id>`: put the file back as it was kept."""
    return await _of_checkpoint(request, restore_checkpoint, _make)


@said
async def forget(request: web.Request) -> web.Response:
    """`DELETE .../checkpoints/<id>`."""
    return await _of_checkpoint(request, delete_checkpoint, _remove)


async def _of_checkpoint(
    request: web.Request, do: Callable[[Place, str], None], otherwise: Callable[[web.Request, str], Awaitable[web.Response]]
) -> web.Response:
    """Do something with a checkpoint of a file, or with what has such a name in a folder."""
    path, checkpoint = _path(request), request.match_info["checkpoint"]
    if await _is_folder(request, path):
        return await otherwise(request, f"{path}/checkpoints/{checkpoint}")
    await pool_of(request).write(lambda contents: do(contents.find(path), checkpoint), path)
    return empty_answer()


def _path(request: web.Request) -> str:
    return request.match_info.get("path", "")


async def _is_folder(request: web.Request, path: str) -> bool:
    return await pool_of(request).read(lambda contents: contents.is_folder(path))


async def _show(request: web.Request, path: str) -> web.Response:
    look = read_look(request.query)

    def call(contents: Contents) -> tuple[bytes, Model]:
        model = contents.get(path, kind=look.kind, form=look.form, content=look.content, hashed=look.hashed)
        return written(model), model

    body, model = await pool_of(request).read(call)
    return web.Response(body=body, content_type=JSON, headers=_headers(model))


async def _make(request: web.Request, folder: str) -> web.Response:
    sent = await request.read()

    def call(contents: Contents) -> tuple[int, bytes, Model]:
        match read_new(sent):
            case Copy(source=source):
                model = contents.copy(source, folder)
            case wish:
                model = contents.new(folder, kind=wish.kind, extension=wish.extension)
        return 201, written(model), model

    # Of the whole folder: who looks for a free name in it waits for others who do.
    return _made(request, *await pool_of(request).write(call, f"{folder}/*"))


async def _remove(request: web.Request, path: str) -> web.Response:
    await pool_of(request).write(lambda contents: contents.delete(path), path)
    return empty_answer()


def _made(request: web.Request, status: int, body: bytes, model: Model) -> web.Response:
    headers = _headers(model) | {"Location": _address(request, model.path)}
    return web.Response(status=status, body=body, content_type=JSON, headers=headers)


def _headers(model: Model) -> dict[str, str]:
    headers = {"Last-Modified": format_datetime(model.last_modified.replace(microsecond=0), usegmt=True)}
    return headers | ({"ETag": f'"{model.hash}"'} if model.hash else {})


def _address(request: web.Request, path: str) -> str:
    return f"{service_of(request).base_url}api/contents/{quote(path.strip('/'))}"


_CHECKPOINTS: Final = f"api/contents/{{path:{ANY}+}}/checkpoints"
_CHECKPOINT: Final = _CHECKPOINTS + "/{checkpoint:[^/]+}"
_TRUST: Final = f"api/contents/{{path:{ANY}+}}/trust"

ROUTES: Final[tuple[Route, ...]] = (
    # The more particular first.
    get(_CHECKPOINTS, show_checkpoints),
    post(_CHECKPOINTS, keep),
    post(_CHECKPOINT, put_back),
    delete(_CHECKPOINT, forget),
    post(_TRUST, trust),
    *(
        route
        for path in ("api/contents", f"api/contents/{{path:{ANY}*}}")
        for route in (get(path, show), put(path, save), post(path, make), patch(path, rename), delete(path, remove))
    ),
)
"""The contents interface."""
