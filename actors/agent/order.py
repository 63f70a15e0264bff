"""What the kernel process hands to each agent that it starts, in sealed memory that the agent inherits.

The agent reads no settings of its own: files may have changed since, and `%beaker config` shows what holds. Not in argv, because an
address may hold a password.
"""

import msgspec

from actors.runtime.sealed import read_sealed, seal
from beaker.settings.key import KeyFacts
from beaker.settings.schema import AgentSettings, LogSettings

OPTION = "--order-fd="


class AgentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All that an agent must know, but for the key."""

    settings: AgentSettings
    """As they hold in the kernel."""
    logs: LogSettings
    """As they hold in the kernel."""
    key: KeyFacts | None = None
    """What may be known of the key, which comes by a descriptor of its own; None: there is none."""
    endpoint_ground: str = ""
    """Whose word `settings.base_url` is, as `KeyFacts.ground`."""


def seal_order(order: AgentOrder) -> int:
    """Put an order away; gives the descriptor that is to be inherited."""
    return seal(msgspec.msgpack.encode(order), name="beaker-order")


def read_order(descriptor: int) -> AgentOrder:
    """The order behind an inherited descriptor.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    return msgspec.msgpack.decode(read_sealed(descriptor), type=AgentOrder)
