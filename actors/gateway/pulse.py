"""What is looked at again and again: whether clients are there and may be, and whether one takes nothing while too much waits for it."""

from collections.abc import Callable, Iterable
from typing import Final

from actors.gateway.counts import Counts
from actors.gateway.socket_client import SIGNED_OUT, TOO_SLOW, SocketClient
from actors.runtime.clock import Clock
from actors.runtime.log import Log
from beaker.settings.gateway import GatewaySettings

LOOK_S: Final = 1.0
"""How often, at most: a look at a thousand clients takes a millisecond."""


async def keep_looking(
    clients: Callable[[], Iterable[SocketClient]], settings: GatewaySettings, counts: Counts, clock: Clock, log: Log
) -> None:
    """Look until this is cancelled.

    Args:
        clients: gives all that are connected now.
    """
    every_s = min(LOOK_S, settings.stopped_s / 4, settings.ping_s / 2)
    asked_at = clock.monotonic()
    while True:
        await clock.sleep(every_s)
        pings = clock.monotonic() - asked_at >= settings.ping_s
        if pings:
            asked_at = clock.monotonic()
        for client in list(clients()):
            if client.is_gone:
                client.end(TOO_SLOW, "")  # nobody hears it; but whatever waits for this client ends
            elif client.is_stuck(lag_bytes=settings.lag_bytes, stopped_s=settings.stopped_s):
                if not client.is_ending:
                    counts.websockets_too_slow += 1
                    log.warning("websocket.too_slow", session=client.session)
                client.end(TOO_SLOW, "too slow")
            elif client.is_over():
                client.end(SIGNED_OUT, "signed out", is_heard_out=False)
            elif pings:
                client.ping(settings.ping_s)
