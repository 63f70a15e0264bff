"""What outlives a kernel host, for the next one, as those need it who tell clients something: see `told_log.py`."""

from collections.abc import Callable, Iterable
from typing import Protocol

from beaker.gateway.sessions import ClientSession
from beaker.gateway.told_log import Known
from beaker.gateway.way import Way
from beaker.wire.parts import Parts
from beaker.wire.websocket import WebsocketChannel


class Lasting(Protocol):
    """Where it is written down."""

    @property
    def is_long(self) -> bool:
        """Whether `tidy` is due."""
        ...

    def message(self, number: int, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool, now: float) -> None:
        """A message is about to be told."""
        ...

    def client(self, known: Known) -> None:
        """A client has come or gone."""
        ...

    def tidy(self, floor: int, clients: Callable[[], Iterable[Known]]) -> None:
        """Forget what all of these have: everything up to a number."""
        ...


class Nowhere:
    """Nothing is handed down."""

    is_long = False

    def message(self, number: int, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool, now: float) -> None:
        """See `Lasting`."""

    def client(self, known: Known) -> None:
        """See `Lasting`."""

    def tidy(self, floor: int, clients: Callable[[], Iterable[Known]]) -> None:
        """See `Lasting`."""


def known(client: ClientSession[Way]) -> Known:
    """What the next life is told of a client."""
    if client.seat is not None:
        return Known(client.name, client.got, client.seat.way.pid, client.seat.slot)
    if client.past is not None:
        return Known(client.name, client.got, client.past.pid, client.past.slot)
    return Known(client.name, client.got)
