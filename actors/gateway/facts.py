"""What the gateway says of itself: its version to everybody, who they are to those whom it knows."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec
from aiohttp import web

from actors.gateway.answers import json_answer
from actors.gateway.routes import Route, get

DISTRIBUTION: Final = "beaker-kernel"


class _Version(msgspec.Struct, frozen=True):
    version: str


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


async def show_version(_request: web.Request) -> web.Response:
    """`GET /api`: clients look here whether there is a gateway at all, before they have a token."""
    try:
        return json_answer(_Version(version(DISTRIBUTION)))
    except PackageNotFoundError:
        return json_answer(_Version("0"))  # a checkout that was not installed


async def show_me(_request: web.Request) -> web.Response:
    """`GET /api/me`."""
    return json_answer(_Me(_Identity(), {}))


ROUTES: Final[tuple[Route, ...]] = (get("api", show_version, public=True), get("api/me", show_me))
