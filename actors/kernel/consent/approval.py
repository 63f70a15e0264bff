"""One open question to the user: may this run?"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from actors.kernel.questions.turn import Turn
from actors.kernel.sockets.client import Client
from beaker.kernel.commands.allow import OpenApproval
from beaker.kernel.turn_display import RunBlock
from beaker.messages.consent import Decision, Kind
from beaker.wire.parts import read_header

if TYPE_CHECKING:
    from beaker.kernel.custom.approval import ApprovalRequest


class Decided(NamedTuple):
    """Her word."""

    decision: Decision
    code: str
    taken_over: bool = False
    """She has the code as a cell of her own, so that a `reject` means no more than that it need not run again."""


@dataclass(slots=True)
class Approval:
    """One open question to the user."""

    name: str
    turn: Turn
    kind: Kind
    block: RunBlock
    warning: str
    decided: "asyncio.Future[Decided]"
    asked: Client | None = None
    """Who may answer it now."""
    asking: asyncio.Task[object] | None = None
    parked: bool = False
    gave_way: bool = False
    """It was parked by the interrupt that came last."""

    taken_over: bool = False
    """Its code was brought as a cell of the user's own."""

    def refusal(self, decision: Decision | None) -> str:
        """Why it cannot be decided so; empty if it can."""
        if self.kind != "code" and decision in {"always", "edit"}:
            return f"{self.name} can be allowed, rejected or put off: there is no code in it."
        return ""

    def facts(self) -> OpenApproval:
        """What the user is told of it."""
        block = self.block
        return OpenApproval(
            name=self.name,
            turn=self.turn.number,
            kind=self.kind,
            code=block.code,
            language=block.language,
            warning=self.warning,
            asked=not self.parked,
        )

    def request(self, client: Client) -> "ApprovalRequest":
        """What an interface is told that is asked."""
        from beaker.kernel.custom.approval import CODE_CHOICES, OTHER_CHOICES, ApprovalRequest  # not at the kernel's start

        return ApprovalRequest(
            approval_id=self.name,
            turn=self.turn.number,
            kind=self.kind,
            code=self.block.code,
            language=self.block.language,
            reason=self.warning,
            choices=CODE_CHOICES if self.kind == "code" else OTHER_CHOICES,
            session=read_header(client.header).session,
        )
