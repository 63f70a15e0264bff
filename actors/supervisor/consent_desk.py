"""The Supervisor's room where runs are wanted, decided and cleared: gives the pure office its time, its names and the generation."""

import secrets

from actors.runtime.actor import Asked
from actors.runtime.clock import Clock
from actors.runtime.log import Log
from beaker.consent.office import Office, take
from beaker.messages.base import KernelId
from beaker.messages.consent import ConsentRequest, RunRefused


class ConsentDesk:
    """Answers what the kernel's owner asks about running code by the model.

    Args:
        kernel_id: the kernel that grants are for.
        clock, log: the actor's.
    """

    def __init__(self, kernel_id: str, *, clock: Clock, log: Log) -> None:
        self._office = Office(kernel_id=KernelId(kernel_id))
        self._clock = clock
        self._log = log

    def take(self, request: ConsentRequest, asked: Asked, *, generation: int) -> None:
        """Answer one request.

        Args:
            generation: of the subkernel that runs; 0 for none.
        """
        fresh = secrets.token_hex(16)
        self._office, reply = take(self._office, request, generation=generation, fresh=fresh, now=self._clock.monotonic())
        self._log.info("consent.answered", request=type(request).__name__, reply=type(reply).__name__, generation=generation)
        (asked.fail if isinstance(reply, RunRefused) else asked.answer)(reply)
