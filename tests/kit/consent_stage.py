"""What a `KernelStage` has for neighbours: a Supervisor that really decides about consent, an agent that says it is there."""

from collections.abc import Callable

from actors.runtime.asks import Asked
from actors.runtime.kit import Probe
from beaker.consent.office import Office, take
from beaker.messages.base import KernelId, TurnId
from beaker.messages.consent import ConsentRequest, RunRefused, StandingWanted
from beaker.messages.subkernel import SupervisorMessage
from beaker.messages.turn import AgentMessage, Ping, Pong

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
        """What it was asked about consent, in order, but for what is only told."""
        self.late_s = 0.0
        """How much later it is by its clock, of which each question takes one second."""
        self._generation = generation

    def forget(self) -> None:
        """Be another Supervisor, which was told nothing."""
        self.office = Office(kernel_id=self.office.kernel_id)

    def receive(self, message: SupervisorMessage, asked: Asked | None) -> None:
        if not isinstance(message, ConsentRequest):
            super().receive(message, asked)
            return
        assert asked is not None
        if not isinstance(message, StandingWanted):
            self.asked.append(message)
        fresh, now = f"grant-{len(self.asked)}", len(self.asked) + self.late_s
        self.office, reply = take(self.office, message, generation=self._generation(), fresh=fresh, now=now)
        (asked.fail if isinstance(reply, RunRefused) else asked.answer)(reply)


class PresentProbe(Probe[AgentMessage]):
    """An agent that leaves everything to the test but the question whether it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = True
        """False: it is silent to that question too."""
        self.pings = 0
        """How often it was asked."""
        self._unanswered: list[Asked] = []

    def receive(self, message: AgentMessage, asked: Asked | None) -> None:
        if not isinstance(message, Ping):
            super().receive(message, asked)
            return
        assert asked is not None
        self.pings += 1
        self._unanswered.append(asked)
        if self.answers:
            self.answer()

    def answer(self) -> None:
        """Answer from now on, and what was asked before."""
        self.answers = True
        while self._unanswered:
            self._unanswered.pop().answer(Pong())
