"""`/api/kernels/<id>/channels`: the websocket by which a client talks with a kernel.

All that can be refused is refused before the upgrade, with a status and a sentence; afterwards a client would see a code only.
"""

import uuid
from typing import Final

from aiohttp import web

from actors.gateway.answers import Problem
from actors.gateway.asking import find_kernel
from actors.gateway.connections import Connection
from actors.gateway.door import admitted_by
from actors.gateway.receipts import Receipts
from actors.gateway.routes import Route, get
from actors.gateway.service import service_of
from actors.gateway.socket_client import CLOSE_LIMIT_S, SocketClient
from beaker.wire.websocket import V1

SESSION_CHARS: Final = 200
"""The longest session id: ours have 32, those of clients 36."""


async def channels(request: web.Request) -> web.StreamResponse:
    """Connect a client to its kernel.

    Raises:
        Problem: 400, it asks for no websocket; 404, there is no such kernel; 503, too many are open; 507, nothing can be noted of it.
    """
    service = service_of(request)
    kernel_id = request.match_info["kernel_id"]
    session = request.query.get("session_id", "") or uuid.uuid4().hex
    if len(session) > SESSION_CHARS:
        raise Problem(400, f"The session_id has {len(session)} characters; at most {SESSION_CHARS} are taken.")
    socket = web.WebSocketResponse(
        protocols=(V1,),
        compress=False,  # it costs more than the network does, and images do not shrink
        max_msg_size=service.settings.max_body_bytes,
        autoping=False,
        autoclose=False,  # both goodbyes are said by `SocketClient`
        writer_limit=0,  # with the limit of the transport below: what was sent has left this process
        timeout=CLOSE_LIMIT_S,
    )
    if not socket.can_prepare(request):
        raise Problem(400, "Only a websocket can be opened at this address.")
    if (slots := service.slots) is None:
        raise Problem(507, f"No websocket can be opened for now, as nothing could be noted of it: {service.no_room}.")
    entry = await find_kernel(service, kernel_id)
    slot = slots.take()
    if slot is None:
        raise Problem(
            503,
            f"{slots.everywhere} websockets are open, as many as may be. "
            "Close some, or set gateway.max_websockets (BEAKER_GATEWAY_MAX_WEBSOCKETS).",
            reason="limit",
        )
    session_cookie = service.session_of(request) if admitted_by() == "session" else ""
    try:
        await socket.prepare(request)
        if isinstance(request.protocol, Connection):
            request.protocol.becomes_websocket()
        transport = request.transport
        if transport is None:
            return socket  # it has gone already
        # TLS transports take the upper limit for one that must not be reached; at 0 they would pause for good.
        transport.set_write_buffer_limits(high=1 if transport.get_extra_info("sslcontext") is not None else 0, low=0)
        service.counts.websockets_opened += 1
        receipts = Receipts(transport, slots=slots, slot=slot, rounds=service.rounds)
        receipts.let_little_wait()
        client = SocketClient(
            socket,
            transport,
            session,
            slot=slot,
            receipts=receipts,
            counts=service.counts,
            clock=service.clock,
            log=service.log.bind(kernel=kernel_id),
            is_over=(lambda: service.is_over(session_cookie)) if session_cookie else None,
        )
        await service.hosts[entry.host % len(service.hosts)].serve(kernel_id, client)
    finally:
        slots.give_back(slot)
    return socket


ROUTES: Final[tuple[Route, ...]] = (get("api/kernels/{kernel_id}/channels", channels),)
