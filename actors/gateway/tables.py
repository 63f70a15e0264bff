"""All tables of routes that a worker has."""

from typing import Final

from actors.gateway import channels, contents, facts, files, kernels, kernelspecs, pages, sessions, spec
from actors.gateway.routes import Route

TABLES: Final[tuple[tuple[Route, ...], ...]] = (
    facts.ROUTES,
    kernelspecs.ROUTES,
    kernels.ROUTES,
    channels.ROUTES,
    sessions.ROUTES,
    contents.ROUTES,
    files.ROUTES,
    pages.ROUTES,
    spec.ROUTES,
)
