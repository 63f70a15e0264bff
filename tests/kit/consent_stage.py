"""What tests of consent need beside a `KernelStage`: a Supervisor that really decides, the agent's requests, the user's answers."""

from collections.abc import Callable

from actors.runtime.asks import Asked
from actors.runtime.kit import Probe
from beaker.consent.office import Office, take
from beaker.messages.base import KernelId, TurnId
from beaker.messages.consent import ConsentRequest, RunDecided, RunRedeemed, RunRefused, RunWanted
from beaker.messages.subkernel import SupervisorMessage

FIRST = TurnId(1)


class DecidingProbe(Probe[SupervisorMessage]):
    """A Supervisor that leaves everything to the test but consent, which it gives as the real one does.

    Args:
        generation: of the subkernel that runs.
    """

    def __init__(self, kernel_id: KernelId, generation: Callable[[], int]) -> None:
        super().__init__()
        self.office = Office(kernel_id=kernel_id)
        self.asked: list[ConsentRequest] = []
        """What it was asked about consent, in order."""
        self.late_s = 0.0
        """How much later it is by its clock, of which each question takes one second."""
        self._generation = generation

    def forget(self) -> None:
        """Be another Supervisor, which was told nothing."""
        self.office = Office(kernel_id=self.office.kernel_id)

    def receive(self, message: SupervisorMessage, asked: Asked | None) -> None:
        if not isinstance(message, RunWanted | RunDecided | RunRedeemed):
            super().receive(message, asked)
            return
        assert asked is not None
        self.asked.append(message)
        fresh, now = f"grant-{len(self.asked)}", len(self.asked) + self.late_s
        self.office, reply = take(self.office, message, generation=self._generation(), fresh=fresh, now=now)
        (asked.fail if isinstance(reply, RunRefused) else asked.answer)(reply)
