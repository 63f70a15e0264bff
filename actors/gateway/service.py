"""What the handlers of a worker are given: the order, the rules of its door, and whom they ask."""

import asyncio
import socket
from typing import Final

from aiohttp import web

from actors.gateway.counts import Counts
from actors.gateway.lasting_link import LastingLink
from actors.gateway.rates import STARTS_PER_S, Bucket, Failures
from actors.gateway.standings import LastStandings
from actors.guardian.order import GatewayOrder
from actors.runtime.codec import Codec
from actors.runtime.log import Log
from actors.runtime.node import Node
from beaker.gateway.access import LOOPBACK, Rules, host_of, parse_origin
from beaker.gateway.cookies import Sessions, cookie_name
from beaker.messages.host import HostReply
from beaker.messages.registry import RegistryReply

REGISTRY_CODEC: Final = Codec(RegistryReply)
HOST_CODEC: Final = Codec(HostReply)


class Service:
    """One worker, as its handlers see it.

    Args:
        order: what the guardian handed down.
        node: of this process.
        log: the node's, unless somebody wants to read along.
    """

    def __init__(self, order: GatewayOrder, node: Node, *, log: Log | None = None) -> None:
        self.order = order
        self.settings = order.settings
        self.clock = node.clock
        self.log = log or node.log
        self.rules = rules_of(order)
        self.sessions = Sessions(order.cookie_secret)
        self.cookie = cookie_name(order.port)
        """The name of the session cookie."""
        self.base_url = order.settings.base_url
        """Begins and ends with a slash."""
        secret = order.link_secret
        self.registry = LastingLink(node, order.registry_socket, codec=REGISTRY_CODEC, secret=secret)
        self.hosts = tuple(
            LastingLink(node, order.host_socket(number), codec=HOST_CODEC, secret=secret) for number in range(order.settings.workers)
        )
        """By their numbers: there are as many as workers."""
        self.standings = LastStandings(self.hosts)
        self.counts = Counts()
        self.starts = Bucket(order.settings.max_kernels, STARTS_PER_S, self.clock)
        """Of kernels."""
        self.failures = Failures(self.clock)
        """Wrong tokens."""
        self.started_at = self.clock.wall()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def websockets(self) -> int:
        """How many are open."""
        return 0

    @property
    def missing(self) -> list[str]:
        """Roles that cannot be asked now, in words."""
        hosts = [f"kernel host {number}" for number, host in enumerate(self.hosts) if not host.is_up]
        return hosts if self.registry.is_up else ["the registry", *hosts]

    def start(self) -> None:
        """Begin to look for the other roles; from the running loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(link.keep(), name=f"link to {link.path}") for link in (self.registry, *self.hosts)]

    async def stop(self) -> None:
        """Look for them no longer."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


SERVICE: web.AppKey[Service] = web.AppKey("service", Service)
"""Where an application keeps it."""


def service_of(request: web.Request) -> Service:
    """The worker that got this request."""
    return request.app[SERVICE]


def rules_of(order: GatewayOrder) -> Rules:
    """What the door asks for.

    Raises:
        BadOrigin: an origin in the settings is none.
    """
    settings = order.settings
    origins = frozenset(parse_origin(origin) for origin in settings.allow_origin)
    named = {settings.host, socket.gethostname().lower(), *(host_of(origin) for origin in origins)}
    return Rules(token=order.token, secure=bool(settings.tls_cert), hosts=LOOPBACK | named, origins=origins)
