"""A ref to an actor of this process: messages go by reference, without a copy or an encoding."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from actors.runtime.asks import Obligation, Question
from actors.runtime.clock import Clock
from actors.runtime.down import Down
from actors.runtime.envelope import ANY_LIFE, ASK, TELL, Envelope
from actors.runtime.trace import current_trace

M = TypeVar("M", contravariant=True)


class Receiver(Protocol):
    """Takes what is sent to an actor of this process: its cell."""

    @property
    def name(self) -> str:
        """The actor's."""
        ...

    @property
    def clock(self) -> Clock:
        """For deadlines."""
        ...

    def accept(self, envelope: Envelope[Any]) -> None:  # Any: whoever holds the ref knows what the actor understands
        """Take a tell, or count it as a dead letter."""
        ...

    def accept_ask(self, obligation: Obligation) -> None:
        """Take an ask, or settle it at once."""
        ...

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Hear of the end of every life; at once if no life will come."""
        ...


class LocalRef(Generic[M]):
    """See `Ref`.

    Args:
        receiver: the cell of the actor.
        generation: the one life that is meant, or ANY_LIFE.
    """

    __slots__ = ("_generation", "_receiver", "name")

    def __init__(self, receiver: Receiver, generation: int = ANY_LIFE) -> None:
        self.name = receiver.name
        self._receiver = receiver
        self._generation = generation

    def __repr__(self) -> str:
        return f"<ref {self.name}>"

    def tell(self, message: M) -> None:
        self._receiver.accept(Envelope(self.name, TELL, 0, current_trace.get(), 0.0, self._generation, message))

    async def ask(self, message: Any, *, timeout_s: float) -> Any:  # Any: typed by the overloads of Ref
        receiver = self._receiver
        question = Question(self.name)
        deadline = receiver.clock.monotonic() + timeout_s
        envelope = Envelope(self.name, ASK, 0, current_trace.get(), deadline, self._generation, message)
        receiver.accept_ask(Obligation(envelope, question.settle))
        return await question.answer(receiver.clock, timeout_s)

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        return self._receiver.watch(notify)
