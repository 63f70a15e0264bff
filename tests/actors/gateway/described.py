"""Holds every answer that a test of a worker gets against the description of the interface."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

from actors.gateway import tables
from actors.gateway.answers import TRACE_HEADER
from actors.gateway.door import ROUTES, put_headers
from actors.gateway.routes import Route
from actors.gateway.spec import MAY_BE_EMPTY, describe

Hook = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def path_of(route: Route) -> str:
    """The path of a route as OpenAPI writes it."""
    return "/" + re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)


def checking(wrong: list[str]) -> Hook:
    """What an application calls with each answer, in the place of `put_headers`: whatever is not as described is noted."""

    async def check(request: web.Request, response: web.StreamResponse) -> None:
        await put_headers(request, response)
        if not response.headers.get(TRACE_HEADER):
            wrong.append(f"{request.method} {request.path} {response.status}: no {TRACE_HEADER}")
        route = request.app[ROUTES].get(request.match_info.route)
        if route is not None and any(route in table for table in tables.TABLES) and request.method != "OPTIONS":
            method = "get" if request.method == "HEAD" else request.method.lower()
            wrong.extend(f"{method} {path_of(route)} {response.status}: {words}" for words in complaints(method, path_of(route), response))

    return check


def complaints(method: str, path: str, response: web.StreamResponse) -> list[str]:
    """Where an answer is not as described."""
    answers = describe()["paths"][path][method]["responses"]
    if str(response.status) not in answers and response.status < 400:
        return ["a status that is not described"]
    answer = answers.get(str(response.status), answers["default"])
    content = answer.get("content", {})
    if not _has_body(response):
        return ["no body where one is described"] if content and not answer.get(MAY_BE_EMPTY) else []
    if not content:
        return ["a body where none is described"]
    if not {response.content_type, "*/*"} & {*content}:
        return [f"{response.content_type} and not {[*content]}"]
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or response.content_type != "application/json" or "application/json" not in content:
        return []
    validator = _validator(json.dumps(content["application/json"]["schema"]))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(json.loads(body))]


def _has_body(response: web.StreamResponse) -> bool:
    """Whether it has one, if only of no bytes; to a HEAD none is sent, though it is there."""
    if isinstance(response, web.Response):
        return bool(response.body)
    return not isinstance(response, web.WebSocketResponse)


@cache
def _validator(schema: str) -> Any:  # Any: jsonschema is untyped
    whole = {**json.loads(schema), "components": describe()["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
