"""The description of the interface is true: it names every route and none that is not there, and is what the documentation has.

That answers are as described is looked at in every test of a worker, see `described.py`.
"""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from msgspec import inspect

from actors.gateway.app import make_app
from actors.gateway.door import ROUTES
from actors.gateway.kernels import KernelWanted
from actors.gateway.pages import LoginWanted
from actors.gateway.sessions import SessionWanted
from actors.gateway.spec import as_file, describe
from beaker.contents.models import Given
from tests.actors.gateway.conftest import Client
from tests.actors.gateway.described import complaints, path_of
from tests.actors.gateway.desk import make_service

FILE = Path(__file__).parents[3] / "docs/openapi.json"


def test_every_route_is_described_and_every_description_is_routed() -> None:
    app = make_app(make_service())
    routed = {(route.method.lower(), path_of(route)) for route in app[ROUTES].values()}
    described = {(method, path) for path, operations in describe()["paths"].items() for method in operations}
    assert described == routed


def test_what_is_for_everybody_is_described_so() -> None:
    public = {(route.method.lower(), path_of(route)) for route in make_app(make_service())[ROUTES].values() if route.public}
    described = {(method, path) for path, each in describe()["paths"].items() for method in each if each[method].get("security") == []}
    assert described == public


def test_the_documentation_has_it() -> None:
    """Write it anew by `python -c 'import beaker_kernel; from actors.gateway.spec import as_file; print(as_file().decode(), end="")'`."""
    assert FILE.read_bytes() == as_file()


def test_schemas_are_schemas_and_whatever_is_named_is_there() -> None:
    schemas = describe()["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = as_file().decode()
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= schemas.keys()


REQUESTS = {"KernelWanted": KernelWanted, "SessionWanted": SessionWanted, "LoginWanted": LoginWanted, "ContentWanted": Given}
"""What is read as a type; of the others each field is read by itself."""


def fields_of(kind: Any) -> dict[str, Any]:  # Any: a Struct's class, and what holds it in a union; nested
    """The fields of a Struct by name, and of each that may be a Struct its own fields."""
    found: dict[str, Any] = {}  # Any: as above
    struct = inspect.type_info(kind)
    assert isinstance(struct, inspect.StructType)
    for field in struct.fields:
        inner = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        found[field.encode_name] = next((fields_of(each.cls) for each in inner if isinstance(each, inspect.StructType)), {})
    return found


def described_fields(schema: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The same of a schema."""
    return {name: described_fields(inner) for name, inner in schema.get("properties", {}).items()}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_a_request_may_hold_is_described_and_nothing_else(name: str) -> None:
    assert described_fields(describe()["components"]["schemas"][name]) == fields_of(REQUESTS[name])


async def test_it_is_served_to_whoever_has_the_token(client: Client) -> None:
    async with client.get("/api/spec.json") as answer:
        assert await answer.json() == describe()
    async with client.get("/api/spec.json", headers={"Authorization": "token wrong"}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.json_response({"version": 1}), "is not of type 'string'"),
        (web.json_response({"version": "1", "more": 1}), "Additional properties"),
        (web.json_response({}), "required"),
        (web.Response(text="1"), "text/plain and not ['application/json']"),
        (web.Response(status=204), "a status that is not described"),
        (web.Response(content_type="application/json"), "no body where one is described"),
        (web.StreamResponse(headers={"Content-Type": "video/mp4"}), "video/mp4 and not ['application/json']"),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(answer: web.StreamResponse, words: str) -> None:
    (found,) = complaints("get", "/api", answer)
    assert words in found


def test_a_body_that_is_not_described_is_noticed() -> None:
    for answer in (web.json_response({}, status=204), web.StreamResponse(status=204)):
        assert complaints("delete", "/api/kernels/{kernel_id}", answer) == ["a body where none is described"]


def test_a_body_may_be_left_out_where_it_is_described_so() -> None:
    assert complaints("post", "/api/contents/{path}/trust", web.Response(status=201)) == []
