"""One question between its asking and the last word of its answer, as the rooms of the KernelActor share it.

What comes in from the agent about it is shown here; which turns there are, and when one is over, is the business of `turns.py`.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from actors.kernel.questions.face import Face, Outcome
from actors.kernel.state.state import KernelState
from actors.runtime.log import Log
from beaker.kernel.commands.context import DEFAULT
from beaker.kernel.conversation import Talk
from beaker.kernel.earlier_calls import CallRecord
from beaker.kernel.hiding import INSTEAD
from beaker.kernel.turn_display import TurnDisplay, cell_named
from beaker.messages.base import TurnId
from beaker.messages.consent import Mode
from beaker.messages.turn import Began, Delta, ProposeCell, Proposed, ToolAnswered, ToolCalled, TurnEvent, TurnFailure, Waiting

PROPOSALS = 50
"""In one answer: more than anybody runs, so the model is going in a circle."""
PROPOSED_CHARS = 400_000
"""Of one answer, which is redrawn as a whole and stays in the notebook: five of the longest cells."""


KEEPS_A_SECRET = (
    f"this code holds {INSTEAD} where the cell holds a secret that you cannot see: in its place it would take the secret from the user. "
    "Propose a cell with the changed lines alone, or say what to change"
)


@dataclass(slots=True)
class Turn:
    """A turn; it may outlive its agent for as long as code that it started runs, or its consent is open."""

    number: TurnId
    face: Face
    """Where it is seen now: another cell, once one has allowed what waited."""
    prompt: str
    display: TurnDisplay
    since: float
    """Monotonic time at which it was asked."""
    face_since: float
    """Monotonic time from which on the face shows it: cells that came later stand behind it."""
    generation: int = 0
    """The life of the session in which it was asked."""
    mode: Mode = "ask"
    model: str = ""
    """Chosen when it was asked; empty: as configured."""
    context: str = DEFAULT
    """Likewise."""
    tainted: bool = False
    """The model has read text that nobody vouches for: values, outputs, errors, files."""
    asked: bool = False
    """An agent has been told of it; what waits for one is none of a dying agent's business."""
    spoke: bool = False
    watch: asyncio.Task[object] | None = None
    parked: bool = False
    """It waits for the user to come back to it; its cell is done."""
    busy_with_user: int = 0
    """How many of its requests wait for the user or for a cell: then the agent is silent for a reason."""
    asks: str = ""
    """What the model asks the user, at a prompt that stands open."""
    orphaned: str = ""
    """Why no agent answers it any more; it ends when what it started is over."""
    record: CallRecord = field(default_factory=CallRecord)
    """The tools that it calls."""
    ran: list[str] = field(default_factory=list[str])
    """What became of the code that it had run, each in words."""
    over: bool = False
    closed: bool = False
    """Its face has the last word; it is open again where another cell takes the turn up."""

    def hear(self, event: TurnEvent, log: Log) -> None:
        """The agent says something: what of it a display shows goes there, and all of it to the face."""
        match event:
            case Began():
                self.display.model = event.model
            case Delta():
                if not self.spoke:
                    self.spoke = True
                    log.info("answer.first_text", turn=self.number, after_s=round(time.monotonic() - self.since, 3))
                self.display.words = ""
                self.display.add_text(event.text)
            case Waiting():
                self.display.words = event.words
            case ToolCalled():
                self.record.called(event)
                self.display.tool_called(event.call_id)
            case ToolAnswered():
                self.record.answered(event)
                self.display.words = ""
                self.display.tool_answered(event.call_id, event.line, failed=event.status == "error")
                self.tainted = self.tainted or event.untrusted
            case _:
                pass  # a display shows none of the others
        self.face.heard(event)

    def words(self, words: str) -> None:
        """Show what it waits for; empty takes that away."""
        if words != self.display.words:
            self.display.words = words
            self.face.heard(Waiting(turn=self.number, words=words))

    def trouble(self, words: str) -> None:
        """Show why nothing comes; empty takes that away."""
        if words != self.display.trouble:
            self.display.trouble = words
            self.face.heard(Waiting(turn=self.number, words=words or self.display.words))

    def note(self, words: str) -> None:
        """Show something below the answer that is no part of it."""
        self.display.note = words
        self.face.heard(Waiting(turn=self.number, words=self.display.words))

    def propose(self, message: ProposeCell, state: KernelState) -> Proposed | TurnFailure:
        """The agent proposes a cell; gives what it is answered."""
        proposals = self.display.proposals
        if len(proposals) >= PROPOSALS or sum(len(each.code) for each in proposals) + len(message.code) > PROPOSED_CHARS:
            return TurnFailure(reason="this answer holds more proposed cells already than the user reads; end it here")
        replaces, after = cell_named(message.replaces), cell_named(message.after)
        for named in (replaces, after):
            if named.isdecimal() and state.transcript.code(int(named)) is None:
                return TurnFailure(reason=f"no cell with the number {named} was seen to run; read_cells shows those that were")
        if replaces and INSTEAD in message.code:
            return TurnFailure(reason=KEEPS_A_SECRET)
        language = message.language or state.language
        proposal = self.display.propose(message.code, language, session=state.language, replaces=replaces, after=after)
        self.face.proposed(proposal)
        return Proposed(number=proposal.number, text_only=bool(proposal.session))

    def talk(self, status: Outcome, reason: str) -> Talk:
        """What the conversation remembers of it."""
        display = self.display
        return Talk(
            number=self.number,
            question=self.prompt,
            answer=display.answer,
            model=display.model,
            status=status,
            reason=reason,
            proposals=tuple(display.proposals),
            tainted=self.tainted,
            generation=self.generation,
            calls=self.record.calls(self.ran),
        )


class Work(Protocol):
    """What turns have under way in other rooms: code that runs, consent that is asked for."""

    def runs_code_of(self, turn: Turn) -> bool:
        """Whether code that it started runs now."""
        ...

    def set_aside(self, turn: Turn) -> str:
        """What it waits for stays, without a prompt: how to come back to it; empty if it waits for nothing."""
        ...

    def stop(self, turn: Turn) -> None:
        """Interrupt its code, withdraw what waits."""
        ...

    def give_up(self, turn: Turn) -> None:
        """What of its code has not ended in spite of that is shown so."""
        ...
