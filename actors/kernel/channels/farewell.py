"""The end of the kernel, asked for on shell as old clients do: it has its place in the queue, as all that is asked there."""

from collections.abc import Callable
from functools import partial

from actors.kernel.state.state import KernelState
from beaker.wire.parts import Header, Parts


class Farewell:
    """Ends the kernel once the cells ahead are answered.

    Args:
        end_kernel: does it, and answers the request.
    """

    def __init__(self, state: KernelState, end_kernel: Callable[[list[bytes], Header, Parts], None]) -> None:
        self._state = state
        self._end_kernel = end_kernel
        self.begun = False
        """What is asked behind it is not taken any more."""
        self._waiting: tuple[int, Callable[[], None]] | None = None
        """The end, and how many requests are ahead of it."""

    def ask(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A client asks; the second time nothing is waited for."""
        asked_before, self.begun = self.begun, True
        if asked_before:
            self._end()
            self._end_kernel(idents, header, parts)
            return
        self._waiting = self._state.requests.accepted, partial(self._end_kernel, idents, header, parts)
        self.look()

    def look(self) -> None:
        """A cell was answered: perhaps none is ahead now."""
        if self._waiting is not None and not self._state.requests.cells_until(self._waiting[0]):
            self._end()

    def withdraw(self) -> None:
        """The kernel goes on after all, with a fresh session."""
        self.begun = False

    def _end(self) -> None:
        if self._waiting is not None:
            (_, end), self._waiting = self._waiting, None
            end()
