"""A ref to an actor at the other end of a link: messages are encoded, once, together with their envelope."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from actors.runtime.down import Down
from actors.runtime.envelope import ANY_LIFE, TELL, Envelope
from actors.runtime.trace import current_trace

M = TypeVar("M", contravariant=True)


class Way(Protocol):
    """Takes messages to the node of an actor: a `Link`."""

    @property
    def name(self) -> str:
        """For logs."""
        ...

    def tell(self, envelope: Envelope[Any]) -> None:  # Any: whoever holds the ref knows what the actor understands
        """Send a tell, or count it as a dead letter."""
        ...

    async def ask(self, target: str, message: Any, *, timeout_s: float, generation: int) -> Any:  # Any: typed by Ref
        """Send an ask and wait for its outcome; see `Ref.ask`."""
        ...

    def watch_actor(self, name: str, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Monitor an actor of the other node; see `Ref.watch`."""
        ...


class RemoteRef(Generic[M]):
    """See `Ref`.

    Args:
        link: the way to the node of the actor.
        name: the actor's there.
        generation: the one life that is meant, or ANY_LIFE.
    """

    __slots__ = ("_generation", "_link", "name")

    def __init__(self, link: Way, name: str, generation: int = ANY_LIFE) -> None:
        self.name = name
        self._link = link
        self._generation = generation

    def __repr__(self) -> str:
        return f"<ref {self.name} by {self._link.name}>"

    def tell(self, message: M) -> None:
        self._link.tell(Envelope(self.name, TELL, 0, current_trace.get(), 0.0, self._generation, message))

    async def ask(self, message: Any, *, timeout_s: float) -> Any:  # Any: typed by the overloads of Ref
        return await self._link.ask(self.name, message, timeout_s=timeout_s, generation=self._generation)

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        return self._link.watch_actor(self.name, notify)
