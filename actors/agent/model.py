"""The door to a model, as the agent sees it: open it, put a conversation before it, hear it to the end.

Two doors exist: `model_stream.ModelStream`, which speaks to endpoints by the SDK, and the fakes of tests. This file
imports nothing heavy, so that the agent's process answers before the SDK is loaded.
"""

from typing import Protocol

import msgspec

from beaker.agent.conversation import ToolCall
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn_state import CallModel


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """All that a model said in one call."""

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str | None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call came to no proper end, and the text until then."""

    failure: ModelFailure
    text: str = ""


class Listener(Protocol):
    """Hears a call as it goes on."""

    def say(self, text: str) -> None:
        """More text."""
        ...

    def words(self, words: str) -> None:
        """Words on what the call waits for; empty when it waits no more."""
        ...


class Model(Protocol):
    """One model at one endpoint."""

    async def open(self) -> str | ModelFailure:
        """Get ready, and give the model's name as the user sees it."""
        ...

    async def hear(self, call: CallModel, listener: Listener, *, step: int) -> Heard | Failed:
        """Make one model call. Cancelling it closes the connection."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
