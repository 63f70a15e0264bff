"""The way of a wish to the Supervisor, which holds the policy of what may run, and of the grant back.

The Supervisor may be replaced meanwhile: then it is waited for, and asked anew. What the user is asked in between is `consent.py`'s.
"""

import asyncio
import time
from typing import NamedTuple

from actors.kernel.life.supervisor_door import SupervisorDoor
from actors.runtime.failures import AskError, AskFailed
from actors.runtime.log import Log
from beaker.consent.office import UNKNOWN
from beaker.errors import BeakerError
from beaker.kernel.turn_display import RunBlock
from beaker.messages.base import KernelId
from beaker.messages.consent import (
    ConsentReply,
    ConsentRequest,
    RunDecided,
    RunRedeemed,
    RunRefused,
    RunToBeAsked,
    RunWanted,
    StandingEnded,
    StandingTold,
    StandingWanted,
)

SUPERVISOR_TIMEOUT_S = 5.0
"""For one answer, which takes a millisecond; one that is stopped is asked again."""
SOON_S = 1.0
"""Where the user waits for the answer and can do without; it takes a millisecond."""
PATIENCE_S = 20.0
"""How long a Supervisor is waited for that is being replaced; that takes 0.2 s."""
PAUSE_S = 0.05
"""Between two looks whether it is there again."""


class NotAllowed(BeakerError):
    """It does not run; the sentence is for the model."""


class Cleared(NamedTuple):
    """What may run."""

    grant: str
    code: str
    """What she wrote, if she edited it."""
    code_hash: str
    generation: int
    block: RunBlock
    """Where it is shown."""


class Clearance:
    """Asks the Supervisor about runs."""

    def __init__(self, kernel_id: KernelId, supervisor: SupervisorDoor, log: Log) -> None:
        self._kernel_id = kernel_id
        self._supervisor = supervisor
        self._log = log

    async def redeem(self, cleared: Cleared) -> None:
        """Use a grant up, right before what it is for is done.

        Raises:
            NotAllowed: it does not hold.
        """
        request = RunRedeemed(grant=cleared.grant, kernel_id=self._kernel_id, generation=cleared.generation, code_hash=cleared.code_hash)
        await self.ask(request)

    async def report(self, wanted: RunWanted, decided: RunDecided) -> ConsentReply:
        """Tell the user's decision; a Supervisor that was replaced meanwhile knows nothing of the want, and is asked anew.

        Raises:
            NotAllowed: it refuses.
        """
        try:
            return await self.ask(decided)
        except NotAllowed as refused:
            if str(refused) != UNKNOWN:
                raise
        again = await self.ask(wanted)
        if not isinstance(again, RunToBeAsked):
            return again
        return await self.ask(RunDecided(want=again.want, decision=decided.decision, code_hash=decided.code_hash))

    async def standing(self) -> StandingTold | None:
        """What the user said once for the rest of this session; None if the Supervisor does not tell soon: she waits for the answer."""
        return await self._ask_soon(StandingWanted())

    async def end_standing(self) -> StandingTold | None:
        """Take that back: what held until now; None if the Supervisor does not answer, so that it may hold still."""
        return await self._ask_soon(StandingEnded())

    async def _ask_soon(self, request: StandingWanted | StandingEnded) -> StandingTold | None:
        if (ref := self._supervisor.ref) is None:
            return None
        try:
            return await ref.ask(request, timeout_s=SOON_S)
        except AskError as error:
            self._log.warning("consent.not_told", reason=str(error))
            return None

    async def ask(self, request: ConsentRequest) -> ConsentReply:
        """Ask it something; one that is being replaced is waited for.

        Raises:
            NotAllowed: it refuses, or does not answer.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if (ref := self._supervisor.ref) is not None:
                try:
                    reply: ConsentReply = await ref.ask(request, timeout_s=SUPERVISOR_TIMEOUT_S)
                    return reply
                except AskFailed as refused:
                    reason = refused.failure.reason if isinstance(refused.failure, RunRefused) else "It may not run."
                    raise NotAllowed(reason) from None
                except AskError as error:
                    self._log.warning("consent.retried", reason=str(error))
            await asyncio.sleep(PAUSE_S)
        raise NotAllowed("The process that decides what may run does not answer, so nothing was run. Try again later.")
