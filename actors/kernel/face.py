"""Where one turn is seen: in a `%%ai` cell, or by an interface of its own that sent an `llm_request`.

The turn itself is the same. `Turns` keeps it and its `TurnDisplay`; a face says what its client can show of it, and
replies when it is over.
"""

from typing import Literal, NamedTuple, Protocol

from actors.kernel.front import TRACE_CHARS
from beaker.kernel.requests import Channel
from beaker.kernel.turn_display import Proposal, TurnDisplay
from beaker.messages.turn import TurnEvent

Outcome = Literal["ok", "error", "stopped"]


class Client(NamedTuple):
    """Who sent a request, and how to speak to it."""

    msg_id: str
    idents: list[bytes]
    """Its identities on the channel."""
    header: bytes
    """The header document of its request: the parent of all that is said about it."""
    channel: Channel
    allows_stdin: bool
    """Whether it may be asked on the stdin channel, as this request said."""

    @property
    def trace(self) -> str:
        """What binds its log lines: whoever ends the turn may do so under another request, as an interrupt does."""
        return self.msg_id[:TRACE_CHARS]


class Face(Protocol):
    """The side of a turn that its client sees."""

    @property
    def client(self) -> Client:
        """Who asked."""
        ...

    def open(self, display: TurnDisplay) -> None:
        """The turn begins; the display grows from here on."""
        ...

    def heard(self, event: TurnEvent) -> None:
        """The agent said something; what of it a display shows stands there already."""
        ...

    def proposed(self, proposal: Proposal) -> None:
        """A cell was proposed; it stands in the display already."""
        ...

    def close(self, outcome: Outcome, reason: str) -> None:
        """The turn is over: the last word, and the reply.

        Args:
            reason: for an error, a sentence with the remedy.
        """
        ...
