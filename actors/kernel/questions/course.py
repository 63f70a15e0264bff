"""The course of the questions of one kernel: what lasts from one to the next, and outlives the process that answers them.

Whoever changes something here does so by a method, so that a successor of this process finds it (`keeping.py`).
"""

from actors.kernel.state.state import KernelState, Phase
from beaker.kernel.commands.context import DEFAULT
from beaker.kernel.conversation import Conversation, Forgotten, Talk
from beaker.kernel.kept import Kept
from beaker.kernel.tally import Tally
from beaker.messages.base import TurnId
from beaker.messages.turn import ModelQuirks, Used

QUIRKS = 50
"""Models of which anything is remembered: more than anybody asks in one kernel."""


class Course:
    """One kernel's."""

    def __init__(self, state: KernelState) -> None:
        self._state = state
        self._last = state.keeping.last_turn
        self._last_approval = state.keeping.last_approval
        self.former_approvals = 0
        """The highest number in a name of an approval that a process before this one gave: what of those was open is lost."""
        self.model = ""
        """The one that the user has chosen for the questions to come; empty: as configured."""
        self.context = DEFAULT
        """Likewise."""
        self.conversation = Conversation()
        """The questions that are over."""
        self.answered_by = ""
        """What answered last, as it is shown."""
        self.tally = Tally()
        """What all questions took; on this side, so that an agent's death forgets none of it."""
        self._quirks: dict[tuple[str, str], ModelQuirks] = {}
        """By endpoint and model."""
        state.keeping.serve(self)

    def number(self) -> TurnId:
        """Of a new question."""
        self._last += 1
        return TurnId(self._last)

    def name_approval(self) -> str:
        """Of code that the model wants run. No name is given twice: it stays on the screen, and with it what the user is asked to allow."""
        self._last_approval += 1
        self._state.keeping.changed()
        return f"A{self._last_approval}"

    @property
    def quirks(self) -> list[ModelQuirks]:
        """What agents have learned of models."""
        return list(self._quirks.values())

    def learn(self, quirks: ModelQuirks) -> None:
        """An agent has learned something of a model."""
        name = (quirks.endpoint, quirks.model)
        self._quirks.pop(name, None)
        self._quirks[name] = quirks
        for oldest in list(self._quirks)[:-QUIRKS]:
            del self._quirks[oldest]
        self._state.keeping.changed()

    def unlearn(self) -> None:
        """The next agent finds out for itself: models and endpoints change."""
        self._quirks.clear()
        self._state.keeping.changed()

    def used(self, used: Used) -> None:
        """A call to the model is over."""
        self.tally = self.tally.add(used)

    def add(self, talk: Talk) -> None:
        """A question is over."""
        self.conversation.add(talk)
        self._state.keeping.changed()

    def forget(self) -> Forgotten:
        """The user wants the conversation forgotten."""
        forgotten = self.conversation.reset()
        self._state.keeping.changed()
        return forgotten

    def choose_model(self, name: str) -> None:
        """For the questions to come; empty: as configured."""
        self.model = name
        self._state.keeping.changed()

    def choose_context(self, name: str) -> None:
        """For the questions to come."""
        self.context = name
        self._state.keeping.changed()

    def choose_magics(self, *, ours: bool) -> None:
        """Say whose `%%ai` is."""
        self._state.magics_ours, self._state.magics_decided = ours, True
        self._state.keeping.changed()

    def kept(self) -> Kept | None:
        """What a successor needs; None while the kernel shuts down, as its folder goes too."""
        state = self._state
        if state.phase is Phase.CLOSING:
            return None
        return Kept(
            last_turn=self._last,
            model=self.model,
            context=self.context,
            magics=("beaker" if state.magics_ours else "off") if state.magics_decided else "undecided",
            answered_by=self.answered_by,
            tally=self.tally,
            talks=tuple(self.conversation.talks),
            quirks=self.quirks,
            last_approval=self._last_approval,
        )

    def take_up(self, kept: Kept) -> None:
        """Go on from there; what was chosen since this process began holds."""
        self._last = max(self._last, kept.last_turn)
        self.former_approvals = kept.last_approval
        self._last_approval = max(self._last_approval, kept.last_approval)
        self.model = self.model or kept.model
        self.context = kept.context if self.context == DEFAULT else self.context
        self.answered_by = self.answered_by or kept.answered_by
        self.tally = self.tally.precede(kept.tally)
        self.conversation.precede(kept.talks)
        self._quirks = {(each.endpoint, each.model): each for each in kept.quirks} | self._quirks
        if kept.magics != "undecided" and not self._state.magics_decided:
            self._state.magics_ours, self._state.magics_decided = kept.magics == "beaker", True
