"""The process of a worker: `--role worker --number N --order-fd=F`, started by the gateway's guardian.

It answers at sockets that the guardian has opened, with as many others as there are, and holds nothing that another worker would
lack. On SIGTERM it takes no more connections, sends its websockets to the others and lets requests end; it leaves with the guardian.
"""

import asyncio
import logging
import socket
import ssl
from typing import Final

from aiohttp import web

from actors.gateway.app import make_app
from actors.gateway.connections import Connections, listen, stranger_limit
from actors.gateway.expecting import defer_expectations
from actors.gateway.service import Service
from actors.guardian.beginning import begin
from actors.guardian.order import GatewayOrder
from actors.runtime.birth import Birth
from actors.runtime.log import Log, SparseLog
from actors.runtime.loop import new_loop
from actors.runtime.malloc import return_large_buffers
from actors.runtime.node import Node
from beaker.gateway.access import BadOrigin
from beaker.messages.base import PROTOCOL
from beaker.settings.gateway import GatewaySettings

BACKLOG: Final = 1024
"""Connections that may wait to be accepted; the system may allow fewer."""

LINKED_LIMIT_S: Final = 5.0
"""How long a worker waits for the other roles before it says that it is ready: afterwards requests wait for them."""

ORPHANED_S: Final = 1.0
"""How long it takes leave when the guardian is gone."""

PROBLEM: Final = 1
"""Status of a worker that cannot serve."""


def main(argv: list[str]) -> int:
    """Serve until the guardian is gone, or wants this worker to end.

    Args:
        argv: the options behind `--role worker`.

    Returns:
        The exit status: 0, or 1 after a sentence to the guardian or on stderr.
    """
    begun = begin("worker", argv)
    if begun is None:
        return PROBLEM
    return_large_buffers()
    _hear_libraries(Log(role="worker"))
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(run_worker(begun.birth, begun.order, begun.descriptors))
    finally:
        begun.close_logs()


async def run_worker(birth: Birth, order: GatewayOrder, descriptors: int) -> int:
    """Serve.

    Args:
        descriptors: that this process may have open.

    Returns:
        The exit status.
    """
    leaving = birth.leaving()
    settings = order.settings
    node = Node("worker", protocol=PROTOCOL)
    try:
        context = tls_context(settings)
        service = Service(order, node)
        service.start(descriptors)
    except (OSError, BadOrigin) as error:
        birth.failed(f"worker {order.number} cannot serve: {error}")
        return PROBLEM
    runner = web.AppRunner(make_app(service), shutdown_timeout=settings.drain_s)
    await runner.setup()
    assert runner.server is not None
    defer_expectations(runner.server)
    await service.linked(LINKED_LIMIT_S)
    connections = Connections(settings, stranger_limit(descriptors), node.log)
    looking = asyncio.get_running_loop().create_task(connections.keep_looking(), name="connections")
    sockets = [socket.socket(fileno=descriptor) for descriptor in order.listening]
    servers = [await listen(each, runner.server, connections, context=context, backlog=BACKLOG) for each in sockets]
    birth.ready()
    node.log.info("worker.started", number=order.number)
    await leaving
    limit_s = ORPHANED_S if birth.orphaned else settings.drain_s
    node.log.info("worker.leaving", limit_s=limit_s, websockets=service.websockets)
    for server in servers:
        server.close()
    service.send_clients_away()
    try:
        async with asyncio.timeout(limit_s):
            await runner.cleanup()
    except TimeoutError:
        node.log.warning("worker.requests_cut_off")
    looking.cancel()
    await service.stop()
    await node.stop()
    return 0


def tls_context(settings: GatewaySettings) -> ssl.SSLContext | None:
    """What encrypts, from the files as they are now; None where nothing is to be encrypted.

    Raises:
        OSError: they cannot be used.
    """
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without a word for it OpenSSL would ask whoever sits at a terminal.
    context.load_cert_chain(settings.tls_cert, settings.tls_key or None, "")
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Ears(logging.Handler):
    """Hears what libraries complain about: what kind of thing it is, and never the words, in which a request may stand with its token."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._heard = SparseLog(log, "library.complains")

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        self._heard.warning(library=record.name, level_named=record.levelname.lower(), error=kind.__name__ if kind is not None else "")


def _hear_libraries(log: Log) -> None:
    """Let nothing that aiohttp says of strangers' requests go to stderr."""
    spoken = logging.getLogger("aiohttp")
    spoken.propagate = False
    spoken.addHandler(_Ears(log))
