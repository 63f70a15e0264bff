"""The mailbox of one actor: a bounded `asyncio.Queue` with two lanes.

Control messages are taken before ordinary ones, each lane in order of arrival. Nobody ever waits to put something in:
`offer` says whether there was room. One task takes out. It is one queue with two lanes rather than two queues, so
that the taker waits in one place.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

CONTROL_SIZE = 1000
"""How many control messages may wait. In a correct program there are a handful: this many mean a loop of senders."""


class Mailbox(asyncio.Queue[Item], Generic[Item]):
    """A two-lane queue for one taker.

    Args:
        size: how many ordinary items may wait.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a mailbox of size {size} holds nothing; the least is 1")
        self.size = size
        self._ordinary: deque[Item] = deque()
        self._control: deque[Item] = deque()
        self._next_is_control = False
        self._room_wanted: list[Callable[[], None]] = []
        super().__init__()

    def _init(self, maxsize: int) -> None:
        """Overrides the queue's own storage with the two lanes, which are there already."""

    def qsize(self) -> int:
        return len(self._ordinary) + len(self._control)

    def empty(self) -> bool:
        return not (self._ordinary or self._control)

    def _get(self) -> Item:
        return self._control.popleft() if self._control else self._ordinary.popleft()

    def _put(self, item: Item) -> None:
        (self._control if self._next_is_control else self._ordinary).append(item)

    def offer(self, item: Item) -> bool:
        """Put an ordinary item in, or return False when `size` of them wait already."""
        if len(self._ordinary) >= self.size:
            return False
        self._next_is_control = False
        self.put_nowait(item)
        return True

    def offer_control(self, item: Item) -> bool:
        """Put a control item in, or return False when CONTROL_SIZE of them wait already."""
        if len(self._control) >= CONTROL_SIZE:
            return False
        self.notice(item)
        return True

    def notice(self, item: Item) -> None:
        """Put in what the runtime itself says to the actor; there is always room, for such are bounded by their causes."""
        self._next_is_control = True
        self.put_nowait(item)

    def own(self, item: Item) -> None:
        """Put in an ordinary item that the actor sent itself by a timer; there is room, for it bounds its timers."""
        self._next_is_control = False
        self.put_nowait(item)

    def first(self, item: Item) -> None:
        """Put in what must be taken before all that waits."""
        self.notice(item)
        self._control.rotate(1)

    def take_all(self) -> list[Item]:
        """Empty the mailbox: what a life leaves behind."""
        left = [*self._control, *self._ordinary]
        self._control.clear()
        self._ordinary.clear()
        return left

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call once, soon after at least half of the ordinary lane is free; for the edges, which stop reading meanwhile."""
        self._room_wanted.append(callback)

    def tell_room(self) -> None:
        """Called by the taker between batches: wake the edges that wait for room."""
        if self._room_wanted and len(self._ordinary) * 2 <= self.size:
            wanted, self._room_wanted = self._room_wanted, []
            for callback in wanted:
                callback()
