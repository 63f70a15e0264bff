"""The door of a worker: every request passes it before any route, one that does not exist too.

Who may come in is `beaker.gateway.access`; here its decision is carried out. A token in the address of a page becomes a session
cookie and leaves the address by a redirect, so that it stays in no history and no link. For anything else a token in the
address just works, as clients without headers need it, and gives no cookie.
"""

from contextvars import ContextVar
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web

from actors.gateway.answers import COMMON_HEADERS, RESOURCE_POLICY, TRACE_HEADER, Problem, empty_answer, is_of_browser, leading_answer
from actors.gateway.connections import Connection
from actors.gateway.expecting import take_on
from actors.gateway.rates import count_failure
from actors.gateway.routes import Handler, Route
from actors.gateway.service import Service, service_of
from actors.runtime.trace import current_trace
from beaker.gateway.access import Admitted, Refused, Visit, decide
from beaker.gateway.cookies import LIFE_S, XSRF_COOKIE, XSRF_HEADER

QUERY_TOKEN: Final = "token"

METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_PREFLIGHT: Final[dict[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: f"Authorization, Content-Type, If-Match, If-None-Match, Range, {XSRF_HEADER}",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}
"""What the pages of an allowed origin may send; ten minutes as browsers keep it, so that a change of ours is not kept for long."""

ROUTES: web.AppKey[dict[object, Route]] = web.AppKey("routes", dict)
"""The routes of an application, by what aiohttp's router calls them."""

_admission: ContextVar[Admitted | None] = ContextVar("admission", default=None)
"""How the request that is being answered has come in; aiohttp answers each in a task of its own."""


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request in, or not.

    Raises:
        Problem: not.
    """
    service = service_of(request)
    route = request.app[ROUTES].get(request.match_info.route)
    token = request.query.get(QUERY_TOKEN, "")
    shown = bool(token or hdrs.AUTHORIZATION in request.headers)
    decision = _decision(service, request, token, public=route is not None and route.public)
    if isinstance(decision, Refused):
        if decision.status == 401 and shown:
            count_failure(service.failures, request.remote or "")
        if decision.status == 401 and _is_opened(request, route):
            return leading_answer(request, HTTPStatus.FOUND, _login(service, request), "This page is for whoever has the token.")
        challenge: dict[str, str] | None = {hdrs.WWW_AUTHENTICATE: "Bearer"} if decision.status == 401 else None
        raise Problem(decision.status, decision.message, headers=challenge)
    if _is_of_someone(decision, service) and isinstance(request.protocol, Connection):
        request.protocol.know()
    if (packed := request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()) not in {"", "identity"}:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must not be packed, and is by {packed[:50]!r}.")
    _admission.set(decision)
    if request.method == hdrs.METH_OPTIONS:
        allow: dict[str, str] = {hdrs.ALLOW: METHODS}
        return empty_answer(headers=_PREFLIGHT if decision.origin else allow)
    if decision.by == "token" and token and _is_opened(request, route):
        answer = leading_answer(request, HTTPStatus.FOUND, _without_token(request), "You are signed in.")
        begin_session(request, answer)
        return answer
    if route is not None:
        await take_on(request, route.body_bytes or service.settings.max_body_bytes)
    return await handler(request)


def admitted_by() -> str:
    """How the request that is being answered has come in: by `token`, `session` or `nothing`."""
    admitted = _admission.get()
    return admitted.by if admitted is not None else "nothing"


def is_known(service: Service) -> bool:
    """Whether the request that is being answered has come in as whoever may use the gateway, and not as a stranger."""
    admitted = _admission.get()
    return admitted is not None and _is_of_someone(admitted, service)


def _is_of_someone(admitted: Admitted, service: Service) -> bool:
    return admitted.by != "nothing" or service.rules.token is None


async def put_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Called with every answer before it goes out."""
    for name, value in COMMON_HEADERS.items():
        if name == hdrs.SERVER or name not in response.headers:
            response.headers[name] = value
    response.headers[TRACE_HEADER] = current_trace.get()
    admitted = _admission.get()
    if admitted is not None and admitted.origin:
        response.headers[RESOURCE_POLICY] = "cross-origin"
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = admitted.origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Location, ETag"
    response.headers[hdrs.VARY] = hdrs.ORIGIN


def begin_session(request: web.Request, response: web.StreamResponse) -> None:
    """Give a browser that has shown the token a session, and the word that goes with it."""
    service = service_of(request)
    value = service.sessions.begin(service.clock.wall())
    secure = service.rules.secure_cookies
    path = service.base_url
    response.set_cookie(service.cookie, value, max_age=LIFE_S, path=path, httponly=True, samesite="Strict", secure=secure)
    for name in (service.xsrf_cookie, XSRF_COOKIE):
        response.set_cookie(name, service.sessions.xsrf(value), max_age=LIFE_S, path=path, samesite="Strict", secure=secure)


def renew_word(request: web.Request, response: web.StreamResponse) -> None:
    """Give a browser its word again, where another gateway on this host has put its own in the place of the name that both have."""
    service = service_of(request)
    session = service.session_of(request)
    if session and request.cookies.get(XSRF_COOKIE) != (word := service.sessions.xsrf(session)):
        path, secure = service.base_url, service.rules.secure_cookies
        response.set_cookie(XSRF_COOKIE, word, max_age=LIFE_S, path=path, samesite="Strict", secure=secure)


def end_session(request: web.Request) -> None:
    """End a browser's session: nobody comes in with it who has kept its cookie.

    Raises:
        OSError: that could not be written down, so that other workers still take it.
    """
    service = service_of(request)
    if session := service.session_of(request):
        service.signed_out.add(session)


def take_session(request: web.Request, response: web.StreamResponse) -> None:
    """Have a browser forget its session."""
    service = service_of(request)
    for name in (service.cookie, service.xsrf_cookie, XSRF_COOKIE):
        response.del_cookie(name, path=service.base_url, samesite="Strict", secure=service.rules.secure_cookies)


def _decision(service: Service, request: web.Request, token: str, *, public: bool) -> Admitted | Refused:
    visit = Visit(
        method=request.method,
        headers=request.headers,
        query_token=token,
        cookie=service.session_of(request),
        websocket=request.headers.get(hdrs.UPGRADE, "").strip().lower() == "websocket",
    )
    rules = service.rules
    # The address that this connection was made to: whoever calls us by a number was not led here by somebody's name.
    own = request.transport.get_extra_info("sockname") if request.transport is not None else None
    if isinstance(own, tuple) and own[0] not in rules.hosts:
        rules = msgspec.structs.replace(rules, hosts=rules.hosts | {str(own[0])})
    return decide(visit, rules, service.sessions, public=public, now_s=service.clock.wall())


def _is_opened(request: web.Request, route: Route | None) -> bool:
    """Whether a person opens a page, and no program fetches something."""
    return route is not None and route.page and request.method in {hdrs.METH_GET, hdrs.METH_HEAD} and is_of_browser(request)


def _without_token(request: web.Request) -> str:
    query = request.rel_url.query.copy()
    query.popall(QUERY_TOKEN, None)
    return here(str(request.rel_url.with_query(query)))


def _login(service: Service, request: web.Request) -> str:
    return f"{service.base_url}login?next={quote(_without_token(request), safe='')}"


def here(target: str) -> str:
    """An address of ours, also where a path begins with two slashes, which browsers take for a host."""
    return "/" + target.lstrip("/\\")
