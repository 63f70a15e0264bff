"""Draws a timeline on the terminal: one row per step, a lane per process, and a bar for the time that each step took.

Pure. `━` is work, `┄` is waiting, `●` the moment of the line. On a terminal that knows only ASCII, `=`, `.` and `o`.
"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import NamedTuple

from beaker.logs.columns import BLOCKS, KERNEL_CHARS, LEVEL_COLOURS, show_values
from beaker.logs.ink import Ink, fit, make_safe
from beaker.logs.requests import gather
from beaker.logs.timeline import DURATIONS, Step, Timeline
from beaker.logs.when import show_duration

_TIME_CHARS = 8
_EVENT_CHARS = 18
"""Columns as wide as a duration and most events; what is longer moves its own line."""
_SHOWN_ABOVE = frozenset({"turn"})
"""Values that are the same on every line and stand in the heading."""


class Signs(NamedTuple):
    """What bars and lanes are drawn with."""

    point: str
    failure: str
    work: str
    wait: str
    lane: str


UNICODE = Signs("●", "✖", "━", "┄", "│")
ASCII = Signs("o", "x", "=", ".", "|")


def draw(timeline: Timeline, ink: Ink, *, width: int, signs: Signs = UNICODE, zone: tzinfo | None = None) -> Iterator[str]:
    """Give the rows, each with its newline.

    Args:
        width: of the terminal.
        zone: in which times are shown; None: the machine's own.
    """
    paint = ink.paint
    yield from _heading(timeline, ink, zone)
    lanes = {lane: make_safe(lane)[:1].upper() or "?" for lane in timeline.lanes}
    letters = "  ".join(lanes.values())
    bar_chars = min(40, max(10, width // 4))
    head = f"{'at':>{_TIME_CHARS}} {'gap':>{_TIME_CHARS}} {'took':>{_TIME_CHARS}}  {letters}  {'event':<{_EVENT_CHARS}} "
    yield paint(fit(head + f"{'0':<{bar_chars - 8}}{show_duration(timeline.duration_s):>8}", width), "dim") + "\n"
    for step in timeline.steps:
        yield _row(step, timeline, ink, list(lanes), bar_chars, width, signs)
    sums = [f"{what} {show_duration(seconds)}" + (f" in {count} steps" if count > 1 else "") for what, count, seconds in timeline.sums()]
    legend = ", ".join(f"{letter} {make_safe(lane)}" for lane, letter in lanes.items())
    yield paint(fit("; ".join([legend, *sums]), width), "dim") + "\n"


def _heading(timeline: Timeline, ink: Ink, zone: tzinfo | None) -> Iterator[str]:
    at = timeline.started.astimezone(zone)
    facts = [f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}", show_duration(timeline.duration_s)]
    if what := next((seen.what for seen in gather(step.line for step in timeline.steps).values()), ""):
        facts.insert(0, what)
    elif (turn := timeline.value("turn")) is not None:
        facts.insert(0, f"question {turn}")
    if (status := timeline.value("status")) is not None:
        facts.append(str(status))
    if timeline.kernels:
        facts.append("kernel " + ", ".join(make_safe(kernel)[:KERNEL_CHARS] for kernel in timeline.kernels))
    yield ink.paint(f"trace {make_safe(timeline.trace)}", "bold") + "\n"
    yield " · ".join(map(make_safe, facts)) + "\n"


def _row(step: Step, timeline: Timeline, ink: Ink, lanes: list[str], bar_chars: int, width: int, signs: Signs) -> str:
    head = step.line.head
    colour = LEVEL_COLOURS.get(head.level, "cyan")
    point = signs.failure if step.failed else signs.point
    own = head.role or head.actor or "?"
    took = show_duration(step.work_s or step.wait_s) if step.work_s or step.wait_s else ""
    gap = f"+{show_duration(step.gap_s)}" if step is not timeline.steps[0] else ""
    times = f"{show_duration(step.at_s):>{_TIME_CHARS}} {gap:>{_TIME_CHARS}} {took:>{_TIME_CHARS}}"
    marks = "  ".join(ink.paint(point, colour) if lane == own else ink.paint(signs.lane, "dim") for lane in lanes)
    event = make_safe(head.event)
    bar = _bar(step, timeline.duration_s, bar_chars, signs, point)
    values = show_values(step.line.values(), without=DURATIONS | BLOCKS | _SHOWN_ABOVE)
    used = len(times) + 2 + len(lanes) * 3 - 2 + 2 + max(len(event), _EVENT_CHARS) + 1 + bar_chars + 1
    row = f"{times}  {marks}  {ink.paint(f'{event:<{_EVENT_CHARS}}', colour)} {ink.paint(f'{bar:<{bar_chars}}', colour)} "
    return (row + fit(values, width - used)).rstrip() + "\n"


def _bar(step: Step, whole_s: float, chars: int, signs: Signs, point: str) -> str:
    """The moment of a step at its place, with what led to it on the left and what it waits for on the right."""

    def place(at_s: float) -> int:
        return min(chars - 1, max(0, int(at_s / whole_s * (chars - 1)))) if whole_s > 0 else 0

    at = place(step.at_s)
    work_from = place(step.at_s - step.work_s)
    wait_from = place(step.at_s - step.work_s - step.wait_s)
    until = place(step.at_s + step.ahead_s)
    return " " * wait_from + signs.wait * (work_from - wait_from) + signs.work * (at - work_from) + point + signs.wait * (until - at)
