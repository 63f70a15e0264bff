"""Which lines are wanted. Pure: a line goes in, yes or no comes out."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from fnmatch import translate

from beaker.errors import BeakerError, UnknownName
from beaker.logs.record import LEVELS, Line


class NoPattern(BeakerError):
    """A regular expression that cannot be understood."""


class Selection:
    """What is asked for. Everything that is given must hold.

    Args:
        actors: names of roles or actors, one of which wrote the line; none: all.
        level: the least.
        since, until: moments, both included.
        events: names with `*` and `?`, one of which must fit; none: all.
        grep: a regular expression found anywhere in the line as it stands in the file.
        trace: says of a trace id whether it is wanted; lines without one are not.
        containing: what stands in every line that is wanted, wherever; makes it quick to pass over the others.

    Raises:
        UnknownName: no such level.
        NoPattern: `grep` is none.
    """

    def __init__(
        self,
        *,
        actors: Sequence[str] = (),
        level: str = "debug",
        since: datetime | None = None,
        until: datetime | None = None,
        events: Sequence[str] = (),
        grep: str | None = None,
        trace: Callable[[str], bool] | None = None,
        containing: str = "",
    ) -> None:
        if level not in LEVELS:
            raise UnknownName("a level", level, LEVELS)
        self._actors = frozenset(actors)
        self._levels = frozenset(LEVELS[: LEVELS.index(level)])
        """The levels that are not wanted: one that nobody knows is."""
        self.since = since
        self._until = until
        self._events = re.compile("|".join(map(translate, events))) if events else None
        self._trace = trace
        self._needle = containing.encode() if containing.isascii() else b""
        try:
            self._grep = re.compile(grep.encode()) if grep else None
        except re.error as error:
            raise NoPattern(f"{grep!r} is no regular expression: {error}.") from None

    def may_want(self, raw: bytes) -> bool:
        """Look at the bytes of a line: False if it is surely not wanted, for a tenth of what decoding costs."""
        if self._needle and self._needle not in raw:
            return False
        return self._grep is None or self._grep.search(raw) is not None

    def wants(self, line: Line) -> bool:
        """Look at a line for which `may_want` was true."""
        time, head, _ = line
        if head.level in self._levels:
            return False
        if self.since is not None and time < self.since:
            return False
        if self._until is not None and time > self._until:
            return False
        if self._actors and head.actor not in self._actors and head.role not in self._actors:
            return False
        if self._trace is not None and not (head.trace and self._trace(head.trace)):
            return False
        return self._events is None or self._events.match(head.event) is not None


def check_actors(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the name of an actor that has no log.

    Raises:
        UnknownName: it has none; the sentence lists those that have.
    """
    names = sorted(set(known))
    for name in given:
        if name not in names:
            raise UnknownName("an actor in these logs", name, names)
