"""Monitors across a link: who on this node watches actors over there, and whom of ours the other side watches."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from actors.runtime.cell import Cell
from actors.runtime.down import Down
from actors.runtime.notices import Gone, Notice, Unwatch, Watch, encode_notice


class LinkMonitors:
    """The monitors of one link.

    Args:
        link_name: put into each `Down` that comes from over there.
        cells: the actors of this node, by name.
        notice: sends a notice to the other side.
    """

    def __init__(
        self,
        link_name: str,
        cells: Mapping[str, Cell[Any]],  # Any: each cell has its own union
        notice: Callable[[bytes], None],
    ) -> None:
        self._link_name = link_name
        self._cells = cells
        self._notice = notice
        self._lost = False
        self._last_number = 0
        self._watching: dict[int, tuple[str, Callable[[Down], None]]] = {}
        """Ours of theirs: by the number that we gave to the other side."""
        self._watched: dict[int, Callable[[], None]] = {}
        """Theirs of ours: by their number, what ends the watch."""

    def watch(self, name: str, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Watch an actor over there; at once `Down` if the link is gone. Returns what ends the watch."""
        if self._lost:
            notify(self._link_lost(name))
            return lambda: None
        self._last_number = number = self._last_number + 1
        self._watching[number] = (name, notify)
        self._notice(encode_notice(Watch(number, name)))
        return partial(self._unwatch, number)

    def take(self, notice: Notice) -> None:
        """Do what the other side says."""
        match notice:
            case Watch(number, name):
                cell = self._cells.get(name)
                if cell is None:
                    self._tell_gone(number, Down(kind="actor", name=name, reason="not there"))
                else:
                    self._watched[number] = cell.watch(partial(self._tell_gone, number))
            case Unwatch(number):
                if (unwatch := self._watched.pop(number, None)) is not None:
                    unwatch()
            case Gone(number, down):
                if (watching := self._watching.get(number)) is not None:
                    watching[1](msgspec.structs.replace(down, link=self._link_name))

    def lose(self) -> None:
        """The link is gone: so is, as far as we can tell, every actor over there."""
        self._lost = True
        for unwatch in self._watched.values():
            unwatch()
        self._watched.clear()
        watching, self._watching = self._watching, {}
        for name, notify in watching.values():
            notify(self._link_lost(name))

    def _unwatch(self, number: int) -> None:
        if self._watching.pop(number, None) is not None:
            self._notice(encode_notice(Unwatch(number)))

    def _tell_gone(self, number: int, down: Down) -> None:
        self._notice(encode_notice(Gone(number, down)))

    def _link_lost(self, name: str) -> Down:
        return Down(kind="actor", name=name, link=self._link_name, reason="link lost")
