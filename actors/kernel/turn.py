"""One question between its asking and the last word of its answer, as the rooms of the KernelActor share it."""

import asyncio
from dataclasses import dataclass

from actors.kernel.face import Face
from beaker.kernel.turn_display import TurnDisplay
from beaker.messages.base import TurnId
from beaker.messages.consent import Mode


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
    mode: Mode = "ask"
    tainted: bool = False
    """The model has read text that nobody vouches for: values, outputs, errors, files."""
    spoke: bool = False
    watch: asyncio.Task[object] | None = None
    parked: bool = False
    """It waits for the user to come back to it; its cell is done."""
    busy_with_user: int = 0
    """How many of its requests wait for the user or for a cell: then the agent is silent for a reason."""
    orphaned: str = ""
    """Why no agent answers it any more; it ends when what it started is over."""
    over: bool = False
