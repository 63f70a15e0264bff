"""What the handlers of a worker are given: the order, the rules of its door, and later whom they ask."""

import socket

from aiohttp import web

from actors.guardian.order import GatewayOrder
from actors.runtime.clock import Clock
from actors.runtime.log import Log
from beaker.gateway.access import LOOPBACK, Rules, host_of, parse_origin
from beaker.gateway.cookies import Sessions, cookie_name


class Service:
    """One worker, as its handlers see it.

    Args:
        order: what the guardian handed down.
        clock, log: the node's.
    """

    def __init__(self, order: GatewayOrder, *, clock: Clock, log: Log) -> None:
        self.order = order
        self.settings = order.settings
        self.clock = clock
        self.log = log
        self.rules = rules_of(order)
        self.sessions = Sessions(order.cookie_secret)
        self.cookie = cookie_name(order.port)
        """The name of the session cookie."""
        self.base_url = order.settings.base_url
        """Begins and ends with a slash."""


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
