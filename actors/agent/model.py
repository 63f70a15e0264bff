"""The door to a model, as the agent sees it: open it, put a conversation before it, hear it to the end.

Two doors exist: `model_stream.ModelStream`, which speaks to endpoints by the SDK, and the fakes of tests. This file
imports nothing heavy, so that the agent's process answers before the SDK is loaded.
"""

from typing import Protocol

import msgspec

from beaker.agent.conversation import ToolCall
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn_state import CallModel, Quirks
from beaker.agent.usage import Usage


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """All that a model said in one call."""

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str | None
    thought: str = ""
    """What the model said to itself, where the endpoint shows it."""
    usage: Usage | None = None
    """None where the endpoint does not count."""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call came to no proper end, and the text until then."""

    failure: ModelFailure
    text: str = ""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be called."""

    name: str
    """As the user sees it."""
    quirks: Quirks
    """What is known of it before its first call."""
    endpoint: str = ""
    """Whose it is, as it may be shown."""


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint has."""

    endpoint: str
    """Its address as it may be shown."""
    model: str
    """As configured; empty: the first that is offered."""
    names: list[str]
    problem: str = ""
    """Why there are no names, or what is missing for others: a sentence."""


class Listener(Protocol):
    """Hears a call as it goes on."""

    def first_byte(self) -> None:
        """The endpoint has begun to answer."""
        ...

    def say(self, text: str) -> None:
        """More text."""
        ...

    def words(self, words: str) -> None:
        """Words on what the call waits for; empty when it waits no more."""
        ...


class Model(Protocol):
    """The models of one endpoint."""

    async def open(self, wanted: str | None) -> Opened | ModelFailure:
        """Get ready for a turn.

        Args:
            wanted: the model that the question names; None for the configured one.
        """
        ...

    async def hear(self, call: CallModel, listener: Listener, *, model: str, step: int) -> Heard | Failed:
        """Make one model call. Cancelling it closes the connection.

        Args:
            call: what stands before the model.
            listener: hears the text as it comes.
            model: the name that `open` gave.
            step: which call of the turn it is; part of the ids of tool calls that come without one.
        """
        ...

    async def offers(self) -> Offers:
        """Ask the endpoint what models it has; within seconds, whatever it does."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
