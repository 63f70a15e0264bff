"""Kernelspecs over HTTP, with their logos.

Source: jupyter_server 2.21, "The REST API", section "kernelspecs".
"""

import asyncio
import os
from typing import Final

from aiohttp import web

from actors.gateway.answers import Problem, json_answer
from actors.gateway.contents import said
from actors.gateway.files import send_file
from actors.gateway.routes import ANY, Route, get
from actors.gateway.service import service_of
from beaker.contents.paths import Place
from beaker.gateway.downloads import type_of
from beaker.gateway.specs import NoSuchFile, SpecsModel, find_file, read_specs


async def list_all(request: web.Request) -> web.Response:
    """`GET /api/kernelspecs`."""
    return json_answer(await _specs(request))


async def show(request: web.Request) -> web.Response:
    """`GET /api/kernelspecs/<name>`.

    Raises:
        Problem: 404, it is not there or of no use.
    """
    name = request.match_info["name"]
    specs = (await _specs(request)).kernelspecs
    if name.lower() not in specs:
        raise Problem(404, f"There is no kernelspec {name[:100]!r}. There are: {', '.join(specs) or 'none'}.")
    return json_answer(specs[name.lower()])


@said
async def show_file(request: web.Request) -> web.StreamResponse:
    """`GET /kernelspecs/<name>/<file>`: a logo, as a rule.

    Raises:
        Problem: 404, it is not there, or not of this kernelspec; 416, it has no such part.
        BrokenOff: it was cut while it was sent.
    """
    name, file = request.match_info["name"], request.match_info["file"]
    kind = type_of(os.path.basename(file))
    try:
        return await send_file(request, lambda _contents: _place(name, file), {"Content-Type": kind})
    except NoSuchFile as error:
        raise Problem(404, str(error)) from None


def _place(name: str, file: str) -> Place:
    real = find_file(name, file, os.environ)
    return Place(file, real, os.path.dirname(real))


async def _specs(request: web.Request) -> SpecsModel:
    return await asyncio.to_thread(read_specs, os.environ, service_of(request).base_url)


ROUTES: Final[tuple[Route, ...]] = (
    get("api/kernelspecs", list_all),
    get("api/kernelspecs/{name}", show),
    get(f"kernelspecs/{{name}}/{{file:{ANY}+}}", show_file),
)
