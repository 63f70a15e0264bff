"""What the guardian hands to each role of the gateway that it starts, in sealed memory that the role inherits.

No role reads settings of its own: files may have changed since. Not in argv or the environment, because it holds secrets.
"""

import msgspec

from actors.runtime.sealed import read_sealed, seal
from beaker.settings.gateway import GatewaySettings
from beaker.settings.key import KeyFacts
from beaker.settings.schema import LogSettings

OPTION = "--order-fd="


class GatewayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All that a role of the gateway must know."""

    number: int
    """Of this one among those of its role, from 0."""
    folder: str
    """The gateway's runtime folder: sockets of the roles, the workers' shared memory."""
    state: str
    """The gateway's state folder: its journal."""
    settings: GatewaySettings
    """As they hold for the whole gateway."""
    logs: LogSettings
    """As they hold for the whole gateway."""
    link_secret: bytes
    """What roles must say to each other; another one each time that the gateway is started."""
    kernel_secret: bytes
    """From which the secrets of single kernels are made; the same over all starts of this gateway."""
    token: str | None
    """What clients must show; None: nothing."""
    cookie_secret: bytes
    """What cookies of sessions are signed with, together with the token; the same over all starts of this gateway."""
    listening: tuple[int, ...] = ()
    """For workers: descriptors of the sockets where clients come in, inherited."""
    port: int = 0
    """For workers: where that is; 0 for a unix socket."""
    key: KeyFacts | None = None
    """For hosts: what may be known of the model's key, which comes by a descriptor of its own; None: there is none."""
    key_problems: tuple[str, ...] = ()
    """For hosts: what was said while the key was looked for."""

    @property
    def registry_socket(self) -> str:
        """Where the supervisor process listens for hosts and workers."""
        return f"{self.folder}/registry.sock"

    def host_socket(self, number: int) -> str:
        """Where a kernel host listens for the Registry and the workers."""
        return f"{self.folder}/host-{number}.sock"


def seal_order(order: GatewayOrder) -> int:
    """Put an order away; gives the descriptor that is to be inherited."""
    return seal(msgspec.msgpack.encode(order), name="beaker-order")


def read_order(descriptor: int) -> GatewayOrder:
    """The order behind an inherited descriptor.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    return msgspec.msgpack.decode(read_sealed(descriptor), type=GatewayOrder)
