"""What one agent knows of the models that it calls: found out by its turns, or handed on by the agents before it."""

from actors.agent.model import Opened
from beaker.agent.turn_state import Quirks
from beaker.messages.turn import ModelQuirks


class KnownQuirks:
    """Of all models of one endpoint."""

    def __init__(self) -> None:
        self._known: dict[str, Quirks] = {}
        """By the model's name."""

    def of(self, opened: Opened, handed_on: list[ModelQuirks]) -> Quirks:
        """What is known of a model.

        Args:
            opened: the model.
            handed_on: what came with the question; of another endpoint's model of that name it says nothing.
        """
        if opened.name in self._known:
            return self._known[opened.name]
        for each in handed_on:
            if (each.endpoint, each.model) == (opened.endpoint, opened.name):
                return Quirks(
                    tools=each.tools,
                    reasoning_off=each.reasoning_off,
                    counts_tokens=each.counts_tokens,
                    plain_roles=each.plain_roles,
                )
        return opened.quirks

    def learn(self, opened: Opened, quirks: Quirks) -> ModelQuirks | None:
        """Keep what a turn knows now; gives what is new in it, to be handed on."""
        if quirks == self._known.get(opened.name, opened.quirks):
            return None
        self._known[opened.name] = quirks
        return ModelQuirks(
            endpoint=opened.endpoint,
            model=opened.name,
            tools=quirks.tools,
            reasoning_off=quirks.reasoning_off,
            counts_tokens=quirks.counts_tokens,
            plain_roles=quirks.plain_roles,
        )
