"""What a `KernelStage` has for neighbours: a Supervisor that really decides about consent, an agent; both say that they are there."""

from collections.abc import Callable
from typing import Generic, TypeVar

from actors.runtime.asks import Asked
from actors.runtime.kit import Probe
from beaker.consent.office import Office, take
from beaker.messages.base import KernelId, TurnId
from beaker.messages.consent import ConsentRequest, RunRefused, StandingWanted
from beaker.messages.subkernel import Ping, Pong, SupervisorMessage

FIRST = TurnId(1)


M = TypeVar("M")


class PresentProbe(Probe[M], Generic[M]):
    """Leaves everything to the test but the question whether it is there.

    Args:
        is_ping: tells that question from others.
        pong: answers it.
    """

    def __init__(self, is_ping: Callable[[M], bool], pong: object) -> None:
        super().__init__()
        self.answers = True
        """False: it is silent to that question too."""
        self.pings = 0
        """How often it was asked."""
        self._is_ping = is_ping
        self._pong = pong
        self._unanswered: list[Asked] = []

    def receive(self, message: M, asked: Asked | None) -> None:
        if not self._is_ping(message):
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
            self._unanswered.pop().answer(self._pong)


class DecidingProbe(PresentProbe[SupervisorMessage]):
    """A Supervisor that leaves everything to the test but consent, which it gives as the real one does.

    Args:
        generation: of the subkernel that runs.
    """

    def __init__(self, kernel_id: KernelId, generation: Callable[[], int]) -> None:
        super().__init__(lambda message: isinstance(message, Ping), Pong())
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
