"""The description of the interface by itself: OpenAPI 3.1, at `/api/spec.json`, and as a file of the documentation."""

import re
from functools import cache
from typing import Any, Final

import msgspec
from aiohttp import web

from actors.gateway.answers import json_answer, phrase_of
from actors.gateway.routes import Route, get
from actors.gateway.service import service_of
from actors.gateway.spec_operations import HTML, JSON, OPERATIONS, Operation
from actors.gateway.spec_schemas import TEXT, Schema, ref, schemas

MAY_BE_EMPTY: Final = "x-may-be-empty"
"""Of an answer that has a body in one case and none in another, which OpenAPI cannot say."""

_WORDS: Final = """Kernels for notebooks, with an LLM in those that are called `beaker`: the REST interface of Jupyter Server, and more.

Kernels speak on websockets at `/api/kernels/<id>/channels?session_id=...`, in both of Jupyter's framings. Every error is JSON
with a sentence. A page of another origin is refused unless the gateway was told to allow it."""


async def show_spec(request: web.Request) -> web.Response:
    """`GET /api/spec.json`."""
    return json_answer(describe(service_of(request).base_url))


@cache
def describe(base_url: str = "/") -> Schema:
    """The whole description.

    Args:
        base_url: where the gateway is, below its host; ends with a slash.
    """
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "beaker gateway", "version": "1", "description": _WORDS, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": base_url.rstrip("/") or "/"}],
        "security": [{"header": []}, {"query": []}, {"session": [], "xsrf": []}],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": _SECURITY},
    }


def as_file() -> bytes:
    """As it stands in the documentation."""
    return msgspec.json.format(msgspec.json.encode(describe()), indent=1) + b"\n"


def _operation(operation: Operation) -> Schema:
    described: Schema = {"summary": operation.summary, "responses": _responses(operation)}
    if parameters := [*_blanks(operation.path), *_parameters("query", operation.query), *_parameters("header", operation.headers)]:
        described["parameters"] = parameters
    if operation.wants:
        described["requestBody"] = {"content": {JSON: {"schema": ref(operation.wants)}}}
    if operation.public:
        described["security"] = []
    return described


def _responses(operation: Operation) -> Schema:
    answers: Schema = {}
    for status, schema in operation.answers.items():
        answer: Schema = {"description": phrase_of(status)}
        answers[str(status)] = answer
        if schema is not None:
            answer["content"] = {operation.kind: {"schema": schema} if schema else {}}
        if status in operation.or_nothing:
            answer["description"] += f"; without a body {operation.or_nothing[status]}"
            answer[MAY_BE_EMPTY] = True
    if operation.kind == HTML:
        for status in {302, *operation.answers} - {200}:
            # For browsers, and for programs.
            content = {HTML: {"schema": TEXT}, JSON: {"schema": ref("Error")}}
            answers[str(status)] = {"description": phrase_of(status), "content": content}
    for status in sorted({*operation.refuses, 403, *(() if operation.public else (401,))}):
        answers[str(status)] = {"description": phrase_of(status), "content": {JSON: {"schema": ref("Error")}}}
    return answers | {"default": {"description": "Anything else that goes wrong.", "content": {JSON: {"schema": ref("Error")}}}}


def _blanks(path: str) -> list[Schema]:
    return [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in re.findall(r"{(\w+)}", path)]


def _parameters(place: str, named: dict[str, str]) -> list[Schema]:
    return [{"name": name, "in": place, "description": words, "schema": TEXT} for name, words in named.items()]


_SECURITY: Final[dict[str, Any]] = {  # Any: JSON
    "header": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`token <token>` or `Bearer <token>`"},
    "query": {"type": "apiKey", "in": "query", "name": "token", "description": "For clients that can send no headers."},
    "session": {"type": "apiKey", "in": "cookie", "name": "beaker-session-<port>", "description": "What the login gives a browser."},
    "xsrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-XSRFToken",
        "description": "What a session sends when it changes something: the value of the cookie `_xsrf`; and only JSON.",
    },
}

ROUTES: Final[tuple[Route, ...]] = (get("api/spec.json", show_spec),)
"""The description."""
