"""What the handlers of a worker are given: the order, the rules of its door, and whom they ask."""

import asyncio
import os
import socket
from typing import Final

from aiohttp import web

from actors.gateway import teller
from actors.gateway.counts import Counts
from actors.gateway.host_link import HostLink
from actors.gateway.lasting_link import LastingLink
from actors.gateway.pulse import keep_looking
from actors.gateway.rates import Failures
from actors.gateway.receipts import Rounds
from actors.gateway.slots import Slots
from actors.gateway.socket_client import RESTARTING, SocketClient
from actors.gateway.standings import LastStandings
from actors.guardian.limits import websockets_each
from actors.guardian.order import REGISTRY, WORKER, GatewayOrder, host_role
from actors.guardian.own_figures import own_figures
from actors.guardian.signed_out import SignedOut
from actors.runtime.codec import Codec
from actors.runtime.failures import AskError
from actors.runtime.log import Log, SparseLog
from actors.runtime.node import Node
from beaker.gateway.access import LOOPBACK, Rules, host_of, parse_origin, parse_public
from beaker.gateway.cookies import Sessions, address_mark, cookie_name, signing_key, xsrf_cookie_name
from beaker.messages.figures import Figures, Sample, TellFigures
from beaker.messages.registry import ListKernels, RegistryReply

REGISTRY_CODEC: Final = Codec(RegistryReply | TellFigures)
"""It answers, and asks for our numbers."""

ROOM_AGAIN_S: Final = 1.0
"""Between two looks for room for what is noted of websockets: people make it."""


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
        self.sessions = Sessions(signing_key(order.cookie_secret, order.token))
        places = (order.settings.unix_socket, order.settings.public_url)
        mark = address_mark(order.port, *places, order.settings.base_url if order.settings.base_url != "/" else "")
        self.cookie = cookie_name(mark)
        """The name of the session cookie."""
        self.xsrf_cookie = xsrf_cookie_name(mark)
        """The name of the other one."""
        self.signed_out = SignedOut(order.state, self.log)
        """Sessions that are over."""
        self.base_url = order.settings.base_url
        """Begins and ends with a slash."""
        secret = order.secret_between(WORKER, REGISTRY)
        self.registry = LastingLink(node, order.registry_socket, codec=REGISTRY_CODEC, secret=secret)
        self.hosts = tuple(
            HostLink(
                node,
                order.host_socket(number),
                secret=order.secret_between(WORKER, host_role(number)),
                is_there=self._is_there,
                is_traced=order.logs.level == "debug",
            )
            for number in range(order.settings.workers)
        )
        """By their numbers: there are as many as workers."""
        self.standings = LastStandings([host.role for host in self.hosts])
        self.counts = Counts()
        self.failures = Failures(self.clock, workers=order.settings.workers)
        """Wrong tokens."""
        self.strangers = SparseLog(self.log, "request")
        """Lines of refused requests without token or session: anybody can make any number of them, and others must not go under there."""
        self.visitors = SparseLog(self.log, "request")
        """Of those that were answered, as health checks are: the refused ones must not go under in these either."""
        self.started_at = self.clock.wall()
        self._node = node
        self.rounds = Rounds()
        """At what websockets have taken."""
        self._slots: Slots | None = None
        self.no_room = ""
        """Why there are none."""
        self._no_room = SparseLog(self.log, "websockets.no_room")
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def slots(self) -> Slots | None:
        """Of websockets, once this has started; None as long as there is no room for what is noted of them."""
        return self._slots

    @property
    def websockets(self) -> int:
        """How many are open."""
        return self._slots.taken if self._slots is not None else 0

    def figures(self) -> Figures:
        """The numbers of this worker."""
        samples = [Sample(name="beaker_websockets", value=self.websockets), *self.counts.samples()]
        return own_figures("worker", self.order, self._node, samples)

    @property
    def clients(self) -> list[SocketClient]:
        """All that are connected."""
        return [client for host in self.hosts for client in host.clients]

    @property
    def missing(self) -> list[str]:
        """Roles that cannot be asked now, in words."""
        hosts = [f"kernel host {number}" for number, host in enumerate(self.hosts) if not host.role.is_up]
        return hosts if self.registry.is_up else ["the registry", *hosts]

    def session_of(self, request: web.Request) -> str:
        """The value of a browser's cookie if it is a session that lasts; else nothing."""
        value = request.cookies.get(self.cookie, "")
        return value if self.sessions.holds(value, self.clock.wall()) and not self.signed_out.has(value) else ""

    def is_over(self, session: str) -> bool:
        """Whether a session that has lasted does no more."""
        return self.signed_out.has(session) or self.clock.wall() >= Sessions.runs_out_s(Sessions.name_of(session))

    def start(self, descriptors: int | None = None) -> None:
        """Begin to look for the other roles; from the running loop.

        Args:
            descriptors: that this process may have open; None: enough.
        """
        settings = self.settings
        share = settings.max_websockets if descriptors is None else websockets_each(descriptors)
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._tell_figures(), name="figures"))
        self._keep(self.registry)
        if self._reserve(share):
            self._link_hosts()
        else:
            self._tasks.append(loop.create_task(self._wait_for_room(share), name="room"))
        looking = keep_looking(lambda: self.clients, settings, self.counts, self.clock, self.log)
        self._tasks.append(loop.create_task(looking, name="pulse"))

    async def linked(self, limit_s: float) -> None:
        """Wait for the other roles, but not for ever."""
        links = (self.registry, *(host.role for host in self.hosts))
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(link.appear() for link in links))
        except TimeoutError:
            self.log.warning("worker.alone", missing=self.missing)

    def send_clients_away(self) -> None:
        """Close all websockets, so that clients connect again, to another worker."""
        for client in self.clients:
            client.end(RESTARTING, "the gateway's worker is being replaced")

    async def stop(self) -> None:
        """Let go of the other roles."""
        for host in self.hosts:
            await host.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._node.stop_actor(teller.NAME)
        if self._slots is not None:
            self._slots.close()

    def _reserve(self, share: int) -> bool:
        """Make room for what is noted of websockets, which a host wants to see before it takes a link."""
        paths = self.order.seen_files(os.getpid())
        try:
            self._slots = Slots(paths, self.settings.max_websockets, limit=share, now_s=self.clock.monotonic)
        except OSError as error:
            self.no_room = str(error)
            self._no_room.warning(reason=self.no_room)
            return False
        if self._slots.path != paths[0]:
            self.log.warning("websockets.noted_elsewhere", path=self._slots.path, reason="the runtime folder is full")
        return True

    async def _wait_for_room(self, share: int) -> None:
        while not self._reserve(share):
            await self.clock.sleep(ROOM_AGAIN_S)
        self._link_hosts()

    def _link_hosts(self) -> None:
        for host in self.hosts:
            self._keep(host.role)

    def _keep(self, link: LastingLink) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(link.keep(), name=f"link to {link.path}"))

    async def _tell_figures(self) -> None:
        await self._node.spawn(teller.NAME, lambda: teller.Teller(self.figures))

    async def _is_there(self, kernel_id: str) -> bool | None:
        """Whether the Registry has a kernel; None where it does not answer."""
        try:
            kernels = (await self.registry.ask("registry", ListKernels(), timeout_s=10, again=True)).kernels
        except AskError:
            return None
        return any(entry.kernel_id == kernel_id for entry in kernels)


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
    public = parse_public(settings.public_url)[0] if settings.public_url else ""
    named = {settings.host, socket.gethostname().lower(), *(host_of(origin) for origin in (*origins, public) if origin)}
    return Rules(
        token=order.token,
        secure=bool(settings.tls_cert),
        public=public,
        hosts=LOOPBACK | named,
        origins=origins,
        base_url=settings.base_url,
    )
