"""A ref to an actor of this process: messages go by reference, without a copy or an encoding."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actors.runtime.asks import Obligation, Question
from actors.runtime.down import Down
from actors.runtime.envelope import ANY_LIFE, ASK, TELL, Envelope
from actors.runtime.trace import current_trace

if TYPE_CHECKING:
    from actors.runtime.cell import Cell

M = TypeVar("M", contravariant=True)


class LocalRef(Generic[M]):
    """See `Ref`.

    Args:
        cell: the holder of the actor.
        generation: the one life that is meant, or ANY_LIFE.
    """

    __slots__ = ("_cell", "_generation", "name")

    def __init__(self, cell: "Cell[Any]", generation: int = ANY_LIFE) -> None:  # Any: M is contravariant here, not in a cell
        self.name = cell.name
        self._cell = cell
        self._generation = generation

    def __repr__(self) -> str:
        return f"<ref {self.name}>"

    def tell(self, message: M) -> None:
        self._cell.accept(Envelope(self.name, TELL, 0, current_trace.get(), 0.0, self._generation, message))

    async def ask(self, message: Any, *, timeout_s: float) -> Any:  # Any: typed by the overloads of Ref
        cell = self._cell
        question = Question(self.name)
        deadline = cell.clock.monotonic() + timeout_s
        envelope = Envelope(self.name, ASK, 0, current_trace.get(), deadline, self._generation, message)
        cell.accept_ask(Obligation(envelope, question.settle))
        return await question.answer(cell.clock, timeout_s)

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        return self._cell.watch(notify)
