"""What a route of the gateway is. Tables of them stand beside their handlers; `app` puts them together.

Every route is closed unless it says that it is public, and a test walks all of them.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

ANY: Final = r"[\s\S]"
"""A character of a file's path, in a blank of an address; a dot is none that ends a line, which names of files may hold."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address."""

    method: str
    """GET answers HEAD too."""
    path: str
    """Below the gateway's base URL, without the slash in front; `{name}` as aiohttp's router has it."""
    handler: Handler
    """What answers."""
    public: bool = False
    """For everybody, without a token."""
    page: bool = False
    """HTML that a person opens: a token in its address becomes a session, and without one she is asked for it."""
    body_bytes: int = 0
    """That a request may have in its body; 0: as many as the gateway takes of any."""


def get(path: str, handler: Handler, *, public: bool = False, page: bool = False) -> Route:
    """A route that reads."""
    return Route(method="GET", path=path, handler=handler, public=public, page=page)


def post(path: str, handler: Handler, *, public: bool = False, body_bytes: int = 0) -> Route:
    """A route that makes something or sets it going."""
    return Route(method="POST", path=path, handler=handler, public=public, body_bytes=body_bytes)


def put(path: str, handler: Handler) -> Route:
    """A route that writes."""
    return Route(method="PUT", path=path, handler=handler)


def patch(path: str, handler: Handler) -> Route:
    """A route that changes."""
    return Route(method="PATCH", path=path, handler=handler)


def delete(path: str, handler: Handler) -> Route:
    """A route that ends or removes."""
    return Route(method="DELETE", path=path, handler=handler)
