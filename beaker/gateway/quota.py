"""What all kernels of a host together may keep for their clients: when that is too much, the largest journal gives its oldest messages.

Each journal has a limit of its own, which bounds what one kernel can take from a client that is away; sixty of them at their limits
would still fill a disk. Whoever prints most is asked first, so that a flood costs its own clients and not those of quiet kernels.

Pure.
"""

from typing import Final, Protocol

LOOK_BYTES: Final = 1024 * 1024
"""A journal that has grown by so much has all of them looked at."""
ROOM_SHARE: Final = 8
"""This part of the limit is made free at once, so that not every message has somebody looked for who has to give."""
GIVEN_SHARE: Final = 4
"""The largest gives up to this part of its own before it is looked again who is the largest."""


class Keeper(Protocol):
    """One kernel's journal, as its `Telling` has it."""

    @property
    def size_bytes(self) -> int:
        """Of all that it keeps."""
        ...

    def trim(self, now: float) -> None:
        """Let go of what nobody lacks."""
        ...

    def give_up(self, wanted_bytes: int) -> None:
        """Keep no more than this, as far as that can be."""
        ...


class Quota:
    """Of one host.

    Args:
        limit_bytes: what all may keep; None: any amount.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._keepers: list[Keeper] = []

    def join(self, keeper: Keeper) -> None:
        """A kernel begins to keep something."""
        self._keepers.append(keeper)

    def leave(self, keeper: Keeper) -> None:
        """A kernel has ended, and keeps nothing."""
        if keeper in self._keepers:
            self._keepers.remove(keeper)

    def enforce(self, now: float) -> None:
        """A journal has grown: see to it that all together keep no more than they may.

        Args:
            now: monotonic.
        """
        if self._limit_bytes is None or self._total() <= self._limit_bytes:
            return
        for keeper in self._keepers:
            keeper.trim(now)
        if self._total() <= self._limit_bytes:
            return
        wanted_bytes = self._limit_bytes // ROOM_SHARE * (ROOM_SHARE - 1)
        can_give = list(self._keepers)
        while can_give and (over := self._total() - wanted_bytes) > 0:
            largest = max(can_give, key=_size_of)
            before = largest.size_bytes
            largest.give_up(before - min(over, max(before // GIVEN_SHARE, LOOK_BYTES)))
            if largest.size_bytes == before:
                can_give.remove(largest)  # what it has left is small, and waited for

    def _total(self) -> int:
        return sum(map(_size_of, self._keepers))


def _size_of(keeper: Keeper) -> int:
    return keeper.size_bytes
