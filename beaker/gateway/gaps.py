"""Which messages were dropped, of those that somebody may still lack: so that each client is told how many it has missed, and where.

By number, in runs: a flood that was dropped is one. Whether a client lacks what was dropped is known only when it, or its worker for
it, says up to where it has got all; so nothing is counted for anybody before that.

Pure.
"""

from bisect import bisect
from collections.abc import Iterator


class Gaps:
    """The numbers that are missing."""

    def __init__(self) -> None:
        self._runs: dict[str, list[tuple[int, int]]] = {}
        """First and last of each, in order; by whom the messages were for, empty: all."""

    def add(self, number: int, session: str, up_to: int | None = None) -> None:
        """One was dropped, or all from there up to another one."""
        runs = self._runs.setdefault(session, [])
        at = bisect(runs, (number,))
        first, last = number, number if up_to is None else up_to
        if at < len(runs) and runs[at][0] == last + 1:
            last = runs.pop(at)[1]
        if at > 0 and runs[at - 1][1] == first - 1:
            at -= 1
            first = runs.pop(at)[0]
        runs.insert(at, (first, last))

    def runs(self) -> Iterator[tuple[str, int, int]]:
        """All of them: whom they were for, first and last number of each."""
        return ((session, first, last) for session, runs in self._runs.items() for first, last in runs)

    def count(self, session: str, after: int, up_to: int) -> tuple[int, int]:
        """How many a client lacks of those behind a number and up to another, and the last of them; 0 of none.

        >>> gaps = Gaps()
        >>> for number in (3, 5, 4, 9):
        ...     gaps.add(number, "")
        >>> gaps.add(7, "a")
        >>> gaps.count("a", 3, 8), gaps.count("b", 3, 8), gaps.count("a", 9, 20)
        ((3, 7), (2, 5), (0, 0))
        """
        missing = latest = 0
        for name in {"", session}:
            runs = self._runs.get(name, [])
            for first, last in runs[max(0, bisect(runs, (after + 1,)) - 1) :]:
                if first > up_to:
                    break
                begin, end = max(first, after + 1), min(last, up_to)
                if begin <= end:
                    missing += end - begin + 1
                    latest = max(latest, end)
        return missing, latest

    def forget(self, number: int) -> None:
        """Nobody lacks anything up to there."""
        for session, runs in list(self._runs.items()):
            kept = [(max(first, number + 1), last) for first, last in runs if last > number]
            if kept:
                self._runs[session] = kept
            else:
                del self._runs[session]
