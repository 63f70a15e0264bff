"""The requests that a log knows of, each boiled down to a row: for finding the one whose timeline is wanted.

Pure: lines go in one after the other, and what is kept per request is a few words.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from beaker.logs.record import Line
from beaker.logs.timeline import stretches_of

ASKED = {
    "question.received": "question",
    "kernel.shutdown": "shutdown",
    "interrupt.wanted": "interrupt",
    "supervisor.asked": "the subkernel's life",
}
"""Events that say what a request is, the first of them counts; else it is a request to a gateway by HTTP, or a cell."""


class Seen(msgspec.Struct):
    """What was seen of one request."""

    trace: str
    first: datetime
    last: datetime
    kernel: str
    lines: int = 0
    what: str = ""
    status: str = ""
    troubles: int = 0
    """Lines of level warning or error."""
    stranger: bool = False
    """Whether it came to a gateway from somebody who has shown no token: anybody can make as many as she likes."""

    @property
    def polls(self) -> bool:
        """Whether somebody only looked, and all was well: JupyterLab on a gateway does so every few seconds while nobody does anything."""
        return self.what.startswith("GET ") and self.lines == 1 and not self.troubles and self.status[:1] in {"2", "3"}

    def take(self, line: Line) -> None:
        """One more line of it."""
        head = line.head
        self.lines += 1
        self.first = min(self.first, line.time)
        self.last = max(self.last, line.time)
        self.kernel = self.kernel or head.kernel
        if head.level in {"warning", "error"}:
            self.troubles += 1
        if head.event == "question.received":
            self.what = f"question {line.values().get('turn')}"
        elif head.event in ASKED and not self.what:
            self.what = ASKED[head.event]
        elif head.event == "request":
            values = line.values()
            self.first = min(self.first, line.time - timedelta(seconds=stretches_of(line).work_s))
            self.what = f"{values.get('method')} {values.get('path')}"
            self.status = str(values.get("status", ""))
            self.stranger = values.get("stranger") is True
        elif head.event == "cell.replied":
            values = line.values()
            stretches = stretches_of(line)
            self.first = min(self.first, line.time - timedelta(seconds=stretches.work_s + stretches.wait_s))
            self.status = str(values.get("status", ""))
            self.what = self.what or f"cell {values.get('count') or '-'}"


def gather(lines: Iterable[Line]) -> dict[str, Seen]:
    """All requests in these lines, by their traces."""
    found: dict[str, Seen] = {}
    for line in lines:
        trace = line.head.trace
        if not trace:
            continue
        seen = found.get(trace)
        if seen is None:
            seen = found[trace] = Seen(trace, line.time, line.time, line.head.kernel)
        seen.take(line)
    return found


def last(found: Iterable[Seen]) -> Seen | None:
    """The last one of somebody who was let in, as all are who use a notebook: nobody else can put something in its place."""
    known = latest((seen for seen in found if not seen.stranger), 1)
    return known[0] if known else None


def without_polls(found: Iterable[Seen]) -> list[Seen]:
    """Those that somebody wants to see; all of them where there are no others."""
    found = list(found)
    return [seen for seen in found if not seen.polls] or found


def latest(found: Iterable[Seen], count: int) -> list[Seen]:
    """The last ones, oldest first."""
    return sorted(found, key=lambda seen: seen.last)[-count:]
