"""What waits in memory for the subkernel: first in, first out, and counted.

A stopped subkernel, or one that is not there yet, lets everything pile up that clients ask of it. Messages are of any size up
to `kernel.max_message_bytes`, so their number says nothing; whoever holds some asks after each whether it was one too many, and
then stops what feeds it (shell), or refuses more (control, stdin, where an interrupt must still come through).
"""

from collections import deque
from typing import Generic, TypeVar

LIMIT_BYTES = 32 * 1024 * 1024
"""Of one channel; one message may go beyond. A Run All of a thousand cells is 5 MB."""
LIMIT_MESSAGES = 10_000
"""Each takes some 3 kB of accounts beside its bytes."""


T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue that knows what it costs."""

    def __init__(self) -> None:
        self._items: deque[tuple[T, int]] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether nothing more should come."""
        return self.size_bytes >= LIMIT_BYTES or len(self._items) >= LIMIT_MESSAGES

    def append(self, item: T, cost: int) -> None:
        """Put one behind all others, full or not.

        Args:
            cost: what it takes in memory, bytes.
        """
        self._items.append((item, cost))
        self.size_bytes += cost

    def first(self) -> T:
        """The oldest, which stays."""
        return self._items[0][0]

    def popleft(self) -> T:
        """Take the oldest."""
        item, cost = self._items.popleft()
        self.size_bytes -= cost
        return item

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self.size_bytes = 0
