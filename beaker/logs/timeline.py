"""The timeline of one request: its lines from all processes in one order, with the durations between them.

Pure. A line is written when something is over, and often says how long that took; so each step has, besides its moment, the
stretch before it that was work (`duration_s`, `took_ms`) and the one before that which was waiting (`after_s`, `waited_ms`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from beaker.logs.record import Line

_WORK: Final = {"duration_s": 1.0, "took_ms": 0.001}
_WAIT: Final = {"after_s": 1.0, "waited_ms": 0.001}
_WAIT_AHEAD: Final = {"seconds": 1.0}
"""Of a wait that begins at its line (`turn.waits`)."""

DURATIONS: Final = frozenset({*_WORK, *_WAIT})
"""Values that the timeline shows in a way of its own."""

LONGEST_S: Final = 7 * 86_400.0
"""A duration beyond a week is somebody's mistake, and must not squeeze all others into one column."""

SUMMED: Final = (
    ("the model", frozenset({"model.answered", "model.failed"})),
    ("tools", frozenset({"tool.answered", "tool.refused", "tool.failed"})),
    ("starting the agent", frozenset({"agent.started"})),
)


class Stretches(NamedTuple):
    """The stretches of one line; seconds."""

    work_s: float
    wait_s: float
    ahead_s: float


class Step(msgspec.Struct, frozen=True):
    """One line, as a moment of the request; seconds from its beginning."""

    line: Line
    at_s: float
    gap_s: float
    """Since the line before."""
    work_s: float
    wait_s: float
    ahead_s: float
    """What is waited for after it."""

    @property
    def failed(self) -> bool:
        """Whether it says that something went wrong."""
        return self.line.head.level in {"warning", "error"}


class Timeline(msgspec.Struct, frozen=True):
    """A request from its first sign to its last line."""

    trace: str
    started: datetime
    duration_s: float
    steps: tuple[Step, ...]
    lanes: tuple[str, ...]
    """The roles that had a part in it, in the order of their first lines."""
    kernels: tuple[str, ...]

    def value(self, *names: str) -> object:
        """The last value that any line has under one of these names; None if there is none."""
        for step in reversed(self.steps):
            values = step.line.values()
            for name in names:
                if values.get(name) is not None:
                    return values[name]
        return None

    def sums(self) -> list[tuple[str, int, float]]:
        """Where the time went: what, how often, seconds in all."""
        found: list[tuple[str, int, float]] = []
        for what, events in SUMMED:
            works = [step.work_s for step in self.steps if step.line.head.event in events]
            if works:
                found.append((what, len(works), sum(works)))
        return found


def lay_out(trace: str, lines: Iterable[Line]) -> Timeline:
    """Make a timeline.

    Args:
        trace: whose.
        lines: all of this trace, at least one, in any order.
    """
    ordered = sorted(lines, key=lambda line: line.time)
    stretches = [stretches_of(line) for line in ordered]
    started = min(line.time - timedelta(seconds=each.work_s + each.wait_s) for line, each in zip(ordered, stretches, strict=True))
    steps: list[Step] = []
    for line, each in zip(ordered, stretches, strict=True):
        at_s = (line.time - started).total_seconds()
        gap_s = at_s - steps[-1].at_s if steps else 0.0
        steps.append(Step(line, at_s, gap_s, each.work_s, each.wait_s, each.ahead_s))
    return Timeline(
        trace=trace,
        started=started,
        duration_s=steps[-1].at_s,
        steps=tuple(steps),
        lanes=tuple(dict.fromkeys(line.head.role or line.head.actor or "?" for line in ordered)),
        kernels=tuple(dict.fromkeys(line.head.kernel for line in ordered if line.head.kernel)),
    )


def stretches_of(line: Line) -> Stretches:
    """What a line says of the time around it."""
    values = line.values()
    return Stretches(_seconds(values, _WORK), _seconds(values, _WAIT), _seconds(values, _WAIT_AHEAD))


def _seconds(values: dict[str, object], units: dict[str, float]) -> float:
    for name, unit in units.items():
        value = values.get(name)
        if isinstance(value, int | float) and 0 <= value * unit <= LONGEST_S:
            return value * unit
    return 0.0
