"""One open question to the user: may this run?"""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from actors.kernel.face import Client
from actors.kernel.turn import Turn
from beaker.kernel.commands.allow import OpenApproval
from beaker.kernel.turn_display import RunBlock
from beaker.messages.consent import Decision, Kind


class Decided(NamedTuple):
    """Her word."""

    decision: Decision
    code: str


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
