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

    The waiting and waking is asyncio's. While the taker is awake, items are put into the lanes directly and taken from
    them directly: that is a third of the time of `put_nowait` and `get_nowait`, whose bookkeeping nobody needs here.

    Args:
        size: how many ordinary items may wait.

    Raises:
        ValueError: it could hold nothing.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a mailbox of size {size} holds nothing; the least is 1")
        self.size = size
        self.control: deque[Item] = deque()
        """Taken first. Whoever takes from the lanes directly must be the one taker."""
        self.ordinary: deque[Item] = deque()
        self._put_into = self.ordinary
        self._taker_waits = False
        self._room_wanted: list[Callable[[], None]] = []
        super().__init__()

    def _init(self, maxsize: int) -> None:
        """Overrides the queue's own storage with the two lanes, which are there already."""

    def qsize(self) -> int:
        return len(self.ordinary) + len(self.control)

    def empty(self) -> bool:
        return not (self.ordinary or self.control)

    def _get(self) -> Item:
        return self.control.popleft() if self.control else self.ordinary.popleft()

    def _put(self, item: Item) -> None:
        self._put_into.append(item)

    async def get(self) -> Item:
        """Take the next item, waiting for it."""
        self._taker_waits = self.empty()
        try:
            return await super().get()
        finally:
            self._taker_waits = False

    def offer(self, item: Item) -> bool:
        """Put an ordinary item in, or return False when `size` of them wait already."""
        lane = self.ordinary
        if len(lane) >= self.size:
            return False
        if self._taker_waits:
            self._append(lane, item)
        else:
            lane.append(item)
        return True

    def offer_control(self, item: Item) -> bool:
        """Put a control item in, or return False when CONTROL_SIZE of them wait already."""
        if len(self.control) >= CONTROL_SIZE:
            return False
        self.notice(item)
        return True

    def notice(self, item: Item) -> None:
        """Put in what the runtime itself says to the actor; there is always room, for such are bounded by their causes."""
        self._append(self.control, item)

    def own(self, item: Item) -> None:
        """Put in an ordinary item that the actor sent itself by a timer; there is room, for it bounds its timers."""
        self._append(self.ordinary, item)

    def first(self, item: Item) -> None:
        """Put in what must be taken before all that waits."""
        self.notice(item)
        self.control.rotate(1)

    def take_all(self) -> list[Item]:
        """Empty the mailbox: what a life leaves behind."""
        left = [*self.control, *self.ordinary]
        self.control.clear()
        self.ordinary.clear()
        return left

    def _append(self, lane: deque[Item], item: Item) -> None:
        if self._taker_waits:
            self._taker_waits = False
            self._put_into = lane
            self.put_nowait(item)
        else:
            lane.append(item)

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call once, soon after at least half of the ordinary lane is free; for the edges, which stop reading meanwhile."""
        self._room_wanted.append(callback)

    def tell_room(self) -> None:
        """Called by the taker between batches: wake the edges that wait for room."""
        if self._room_wanted and len(self.ordinary) * 2 <= self.size:
            wanted, self._room_wanted = self._room_wanted, []
            for callback in wanted:
                callback()
