"""Where one turn is seen: in a `%%ai` cell, or by an interface of its own that sent an `llm_request`.

The turn itself is the same. `Turns` keeps it and its `TurnDisplay`; a face says what its client can show of it, and
replies when it is over.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from actors.kernel.sockets.client import Client
from beaker.kernel.turn_display import Proposal, RunBlock, TurnDisplay
from beaker.messages.turn import TurnEvent

Outcome = Literal["ok", "error", "stopped"]

Asks = Literal["stdin", "messages", "parked", "never"]
"""How the user behind a face can be asked for her consent now. messages: the interface does it by itself, see `Consent.answer`;
parked: only by `%beaker allow` in another cell; never: she is not there."""


class Face(Protocol):
    """The side of a turn that its client sees."""

    @property
    def client(self) -> Client:
        """Who asked."""
        ...

    @property
    def consent(self) -> Asks:
        """How consent can be asked for."""
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

    def wanted(self, block: RunBlock, warning: str) -> None:
        """The agent wants something run, or what becomes of that has changed; it stands in the display already.

        Args:
            warning: why the user should look twice, while she is asked.
        """
        ...

    def flush(self) -> None:
        """Show all that there is, now: the user is about to be asked."""
        ...

    def ran(self, code: str, language: str, request: Mapping[str, object]) -> bool:
        """Code by the model is sent now; its outputs stand below what there is, and the answer goes on below them.

        Args:
            request: the execute_request.

        Returns:
            Whether it is shown as a cell of its own: then all that the subkernel says of it is parented to its own request,
            and not its outputs alone to the request that asked.
        """
        ...

    def redraw(self, block: RunBlock) -> None:
        """What became of code that ran has changed: it stands further above, with its outputs below it."""
        ...

    def park(self, words: str) -> None:
        """The turn waits for the user to come back to it: reply, saying how; again, with other words, when she did so elsewhere."""
        ...

    def close(self, outcome: Outcome, reason: str) -> None:
        """The turn is over: the last word, and the reply.

        Args:
            reason: for an error, a sentence with the remedy.
        """
        ...
