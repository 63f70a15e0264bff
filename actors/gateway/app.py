"""The web application of a worker, made from tables of routes.

Three layers around every handler, the outermost first: `account` counts and logs, `complaints` makes answers of what is raised,
`door` lets in. So a refusal is an answer like any other, and is in the log.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from actors.gateway import tables as all_tables
from actors.gateway.answers import Problem, leading_answer, problem_answer
from actors.gateway.asking import found_kernel
from actors.gateway.connections import BodyLate, Connection
from actors.gateway.contents_pool import open_contents
from actors.gateway.door import ROUTES, door, here, is_known, put_headers
from actors.gateway.expecting import TOO_LARGE, ends_after
from actors.gateway.routes import Handler, Route
from actors.gateway.service import SERVICE, Service, service_of
from actors.runtime.trace import current_trace, new_trace
from beaker.errors import BeakerError

_begun: ContextVar[web.StreamResponse | None] = ContextVar("begun", default=None)
"""The answer whose head has gone out while the handler still writes it; aiohttp answers each request in a task of its own."""

_SENTENCES: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take the method {method}.",
    413: TOO_LARGE,
}


def make_app(service: Service, tables: Iterable[Iterable[Route]] = all_tables.TABLES) -> web.Application:
    """Put an application together.

    Args:
        service: what its handlers are given.
        tables: the routes; a worker has `all_tables.TABLES`.
    """
    app = web.Application(middlewares=[account, complaints, door], client_max_size=service.settings.max_body_bytes)
    app[SERVICE] = service
    app[ROUTES] = routes = {}
    app.cleanup_ctx.append(open_contents)
    app.on_response_prepare.append(put_headers)
    app.on_response_prepare.append(_note_begun)
    for table in tables:
        for route in table:
            address = service.base_url + route.path
            routes[app.router.add_route(route.method, address, route.handler)] = route
            if route.method == hdrs.METH_GET:
                routes[app.router.add_route(hdrs.METH_HEAD, address, route.handler)] = route
    return app


@web.middleware
async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give a request its trace, and put it down when it is over."""
    service = service_of(request)
    current_trace.set(new_trace())
    _begun.set(None)
    begun = service.clock.monotonic()
    status = 0
    connection = request.protocol
    if isinstance(connection, Connection):
        connection.begin(request)
    try:
        response = await handler(request)
        if not response.prepared and isinstance(connection, Connection) and ends_after(connection):
            response.force_close()
        status = response.status
        return response
    finally:
        if isinstance(connection, Connection):
            connection.end()
        duration_s = service.clock.monotonic() - begun
        service.counts.request(request.method, status)
        # The path alone: what stands behind it may be a token.
        line = {"method": request.method, "path": request.path, "status": status, "duration_s": round(duration_s, 4)}
        if request.remote:  # at a unix socket there is no address
            line["remote"] = request.remote
        known = is_known(service)
        # `beaker-logs` puts lines together by this: an id that somebody invents would be one more kernel to choose from.
        if known and (kernel_id := found_kernel()):
            line["kernel"] = kernel_id
        if known:
            service.log.info("request", **line)
        elif 0 < status < HTTPStatus.BAD_REQUEST:
            service.visitors.info(**line, stranger=True)  # so `beaker-logs` knows
        else:
            service.strangers.warning(**line, stranger=True)


@web.middleware
async def complaints(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make an answer of whatever is raised."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 -- whatever a handler does wrong ends here, so that no traceback goes to a client
        begun = _begun.get()
        return _answer(request, error) if begun is None else _broken_off(request, begun, error)


async def _note_begun(_request: web.Request, response: web.StreamResponse) -> None:
    """Called with every answer before its head goes out."""
    _begun.set(response)


def _answer(request: web.Request, error: Exception) -> web.StreamResponse:
    """What a failure is answered with.

    Raises:
        HTTPException: that is no failure.
    """
    match error:
        case Problem():
            return problem_answer(error)
        case BodyLate():
            return problem_answer(Problem(HTTPStatus.REQUEST_TIMEOUT, str(error)))
        case web.HTTPException():
            if error.status < HTTPStatus.BAD_REQUEST:
                raise error
            if error.status == HTTPStatus.NOT_FOUND and (target := _without_slash(request)):
                return leading_answer(request, HTTPStatus.FOUND, target, "There is nothing at this address; it has a slash too many.")
            return problem_answer(_foreign(request, error))
        case ConnectionError() if request.transport is None:
            # Whoever asked has gone in the middle of it: no mistake of ours, and strangers could fill the log with tracebacks of it.
            return problem_answer(Problem(HTTPStatus.BAD_REQUEST, "The connection ended before the request did."))
        case _:
            service_of(request).log.exception("request.failed", method=request.method, path=request.path)
            words = f"Something went wrong in the gateway; its log says what, under the trace {current_trace.get()}."
            return problem_answer(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, words))


def _broken_off(request: web.Request, begun: web.StreamResponse, error: Exception) -> web.StreamResponse:
    """An answer that has begun cannot become another: whatever were written now its client would take for the rest of it.

    So the connection ends at once, and the client sees that something is missing.
    """
    transport, log = request.transport, service_of(request).log
    values = {"method": request.method, "path": request.path}
    is_gone = transport is None or transport.is_closing()
    if isinstance(error, BeakerError | OSError):
        if not (is_gone and isinstance(error, ConnectionError)):  # whoever does not wait for all of a film is no news
            log.warning("answer.broken_off", **values, reason=str(error))
    else:
        log.exception("answer.broken_off", **values)
    if transport is not None:
        transport.abort()
    begun.force_close()
    return begun


def _without_slash(request: web.Request) -> str:
    """Where an address leads that ends with a slash and that there is not, as behind Jupyter's own server; empty: nowhere."""
    path = request.rel_url.raw_path
    bare = path.rstrip("/")
    if bare == path or request.method not in {hdrs.METH_GET, hdrs.METH_HEAD} or not bare.startswith(service_of(request).base_url):
        return ""
    query = request.rel_url.raw_query_string
    return here(f"{bare}?{query}" if query else bare)


def _foreign(request: web.Request, error: web.HTTPException) -> Problem:
    """What aiohttp raises by itself, in our words."""
    limit = service_of(request).settings.max_body_bytes
    words = _SENTENCES.get(error.status, "The request cannot be met: {reason}.")
    allow: dict[str, str] | None = {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else None
    return Problem(error.status, words.format(method=request.method, limit=limit, reason=error.reason), headers=allow)
