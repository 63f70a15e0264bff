"""The news that an actor or a link is gone, and those who want to hear it of one actor."""

from collections.abc import Callable
from typing import Literal

import msgspec


class Down(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was monitored is gone. A monitor outlives restarts: each life's end brings one."""

    kind: Literal["actor", "link"]
    name: str
    """Name of the actor, or of the link."""
    link: str = ""
    """For an actor of another node, the name of the link to it."""
    generation: int = 0
    """The life that ended; 0 if the actor was not there."""
    reason: str = ""
    """A few words: `stopped`, `crashed: ValueError: ...`, `not there`, `link lost`."""
    restarting: bool = False
    """True when the runtime starts the actor again: the same ref will reach the next life."""


class Watchers:
    """Whoever watches one actor, and stays until it unwatches."""

    def __init__(self) -> None:
        self._notify: dict[int, Callable[[Down], None]] = {}
        self._last_number = 0

    def add(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Tell this one from now on; returns what ends that."""
        self._last_number = number = self._last_number + 1
        self._notify[number] = notify
        return lambda: self._notify.pop(number, None) and None

    def tell(self, down: Down) -> None:
        """Tell all of them, also those who unwatch meanwhile."""
        for notify in list(self._notify.values()):
            notify(down)
