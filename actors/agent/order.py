"""What the kernel process hands to each agent that it starts, in sealed memory that the agent inherits.

The agent reads no settings of its own: files may have changed since, and `%beaker config` shows what holds. Not in argv, because an
address may hold a password.
"""

from typing import TYPE_CHECKING

import msgspec

from actors.runtime.sealed import read_sealed, seal
from beaker.settings.key import KeyFacts
from beaker.settings.schema import AgentSettings, LogSettings

if TYPE_CHECKING:
    from beaker.settings.load import Loaded

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
    key_missed: str = ""
    """Why a place that the user named gives no key; a sentence, or empty."""


def order_of(loaded: "Loaded") -> AgentOrder:
    """What an agent must know of the settings of its kernel."""
    return AgentOrder(
        settings=loaded.settings.agent,
        logs=loaded.settings.logs,
        key=loaded.key,
        endpoint_ground=loaded.endpoint_ground,
        key_missed=loaded.key_missed,
    )


def encode_order(order: AgentOrder) -> bytes:
    """An order as it goes to another process."""
    return msgspec.msgpack.encode(order)


def decode_order(data: bytes) -> AgentOrder:
    """The order that came from another process.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    return msgspec.msgpack.decode(data, type=AgentOrder)


def seal_order(order: AgentOrder) -> int:
    """Put an order away; gives the descriptor that is to be inherited."""
    return seal(encode_order(order), name="beaker-order")


def read_order(descriptor: int) -> AgentOrder:
    """The order behind an inherited descriptor.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    return decode_order(read_sealed(descriptor))
