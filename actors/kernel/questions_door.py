"""The way to the rooms of questions and commands, which an ordinary session never enters.

It opens them for the first who wants something done there, and answers in their place whoever only asks how things stand: before
they are made no agent lives, no turn runs and nothing waits for the user's consent.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.runtime.actor import Asked
from beaker.kernel.interrupting import Interrupted
from beaker.kernel.pending import Channel, Pending, ReplyFacts
from beaker.messages.kernel import AgentSaid
from beaker.wire.parts import Header, Parts

if TYPE_CHECKING:
    from actors.kernel.question_rooms import Questions


class QuestionsDoor:
    """Holds those rooms, once there are any.

    Args:
        make: makes and wires them; called once.
    """

    def __init__(self, make: "Callable[[], Questions]") -> None:
        self._make = make
        self._made: Questions | None = None

    # What opens it.

    def receive(self, message: AgentSaid, asked: Asked | None) -> None:
        """The agent says or asks something."""
        self._open().receive(message, asked)

    def take_own(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """Answer a request of our own kind."""
        self._open().take_request(idents, header, parts, channel)

    def take_cell(self, idents: list[bytes], header: Header, parts: Parts) -> bool:
        """Answer a request whose cell may be ours; False leaves it to the subkernel."""
        return self._open().cells.take(idents, header, parts)

    # What does not.

    @property
    def agent_link(self) -> str | None:
        """Name of the link to the agent, None if there is none."""
        return None if self._made is None else self._made.agent.link_name

    @property
    def turn_running(self) -> bool:
        """Whether a question is being answered that does not wait, parked, for the user."""
        return self._made is not None and bool(self._made.turns.attended)

    @property
    def waits_for_user(self) -> bool:
        """Whether consent is open, also where the question that wants it is over, or a question waits, parked."""
        made = self._made
        return made is not None and (any(turn.parked for turn in made.turns.all_running()) or any(True for _ in made.consent.approvals))

    @property
    def asking(self) -> bool:
        """Whether a prompt for consent stands open."""
        return self._made is not None and self._made.consent.approvals.asking

    @property
    def gave_way(self) -> bool:
        """Whether a question waits, parked, because its prompt gave way to the last interrupt."""
        return self._made is not None and bool(self._made.consent.approvals.gave_way)

    def place_taken(self, pending: Pending, facts: ReplyFacts) -> None:
        """A private request of our own was executed, or aborted with the queue."""
        if self._made is not None:
            self._made.cells.place_taken(pending, facts)

    def interrupt(self, what: Interrupted) -> None:
        """Park the prompts and stop the turns that an interrupt is about; a command that waits gives up."""
        if self._made is None:
            return
        self._made.commands.interrupted()
        consent, turns = self._made.consent, self._made.turns
        gave_way = consent.approvals.gave_way
        consent.interrupted(park=what.park)
        if what.turn:
            turns.stop(attended_only=True)
        for number in gave_way if what.parked else ():
            turns.stop(number)

    def agent_lost(self) -> None:
        """The link to the agent is gone."""
        if self._made is not None:
            self._made.turns.agent_lost()

    def stop(self) -> None:
        """End every question that is being answered."""
        if self._made is not None:
            self._made.commands.interrupted()
            self._made.turns.stop(at_once=True)

    def close(self) -> None:
        """End the agent."""
        if self._made is not None:
            self._made.agent.close()

    def _open(self) -> "Questions":
        if self._made is None:
            self._made = self._make()
        return self._made
