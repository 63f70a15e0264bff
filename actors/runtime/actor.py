"""What an actor is: a class with a mailbox, which handles one message at a time and owns all that it touches.

Subclass `Actor`, implement `receive`, give the class to `Node.spawn`. `receive` is a plain function on purpose: it
cannot wait, so an actor cannot be stuck behind a slow answer. What takes time runs in a task of `context.spawn`, which
tells the actor its result.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from actors.runtime.asks import Asked
from actors.runtime.clock import Clock, Timer
from actors.runtime.down import Down
from actors.runtime.log import Log
from actors.runtime.ref import Ref

__all__ = ["Actor", "ActorContext", "Asked", "Down", "Watchable"]

M = TypeVar("M")
MIn = TypeVar("MIn", contravariant=True)


class Watchable(Protocol):
    """What can be monitored: a `Ref` or a `Link`."""

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Hear of its end. Returns what ends the watch."""
        ...


class ActorContext(Protocol[MIn]):
    """What the runtime gives to one life of an actor."""

    @property
    def ref(self) -> Ref[MIn]:
        """The actor itself, in this life only."""
        ...

    @property
    def name(self) -> str:
        """Its name on the node."""
        ...

    @property
    def generation(self) -> int:
        """Which life this is, from 1."""
        ...

    @property
    def log(self) -> Log:
        """Bound to the actor's name; the trace id is added by itself."""
        ...

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, object], *, name: str) -> asyncio.Task[object]:  # Any: what it yields is asyncio's
        """Run a task that belongs to this life: it is cancelled at its end, and an exception of it crashes the actor."""
        ...

    def monitor(self, target: Watchable) -> None:
        """Hear of the end of an actor or link by `on_down`, for as long as this life lasts."""
        ...

    def call_later(self, delay_s: float, message: MIn) -> Timer:
        """Tell this life a message `delay_s` seconds from now; there is always room for it."""
        ...

    def stop(self) -> None:
        """End this actor for good once the message at hand is done; what still waits is answered `Stopped`."""
        ...


class Actor(Generic[M]):
    """One actor; M is the union of the messages it understands."""

    context: ActorContext[M]
    """Set before `on_start`."""

    async def on_start(self) -> None:
        """Get ready; messages are handled afterwards. What raises here must first let go of what it took."""

    def receive(self, message: M, asked: Asked | None) -> None:
        """Handle one message; `asked` is what to answer, None for a tell. An exception crashes the actor."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does with {type(message).__name__}")

    def on_down(self, down: Down) -> None:
        """A monitored actor or link is gone. Overtakes ordinary messages."""

    async def on_stop(self) -> None:
        """Let go of what is held. Runs once at the end of every life that started, also after a crash."""
