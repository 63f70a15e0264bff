"""A line of the log as a line on the terminal: when, how bad, who, which request, what, and its values.

Pure. Values come behind everything else and are cut at the edge of the terminal; a traceback stands below its line.
"""

from datetime import date, tzinfo

import msgspec

from beaker.logs.ink import Colour, Ink, fit, make_safe
from beaker.logs.record import Line
from beaker.logs.traces import SHOWN_CHARS, shorten

LEVEL_COLOURS: dict[str, Colour] = {"debug": "dim", "warning": "yellow", "error": "red"}

KERNEL_CHARS = 6
"""Of a kernel's id: enough to tell a user's kernels apart, and to name one by."""

_WHO_CHARS = 10
_EVENT_CHARS = 20
"""Columns as wide as `supervisor` and most events; what is longer moves its own line."""

BLOCKS = frozenset({"exception", "stack"})
"""Values of many lines."""


class Columns:
    """Renders lines.

    Args:
        ink: for colours.
        width: of the terminal; None: lines are not cut.
        with_kernel: lines of several kernels stand among each other.
        zone: in which times are shown; None: the machine's own.
    """

    def __init__(self, ink: Ink, *, width: int | None, with_kernel: bool, zone: tzinfo | None = None) -> None:
        self._ink = ink
        self._width = width
        self._with_kernel = with_kernel
        self._zone = zone
        self._day: date | None = None

    def render(self, line: Line) -> str:
        """The line, with a heading before the first one of each day and blocks below it; ends with a newline."""
        paint = self._ink.paint
        head = line.head
        at = line.time.astimezone(self._zone)
        heading = ""
        if at.date() != self._day:
            self._day = at.date()
            heading = paint(f"-- {self._day.isoformat()} --", "dim") + "\n"
        values = line.values()
        fields: list[tuple[str, Colour]] = [
            (f"{at:%H:%M:%S}.{at.microsecond // 1000:03}", "dim"),
            (f"{make_safe(head.level)[:7]:<7}", LEVEL_COLOURS.get(head.level, "plain")),
            (f"{make_safe(line.who):<{_WHO_CHARS}}", "plain"),
        ]
        if self._with_kernel:
            fields.insert(2, (f"{make_safe(head.kernel)[:KERNEL_CHARS]:<{KERNEL_CHARS}}", "plain"))
        fields.append((f"{make_safe(shorten(head.trace)):<{SHOWN_CHARS}}", "dim"))
        fields.append((f"{make_safe(head.event):<{_EVENT_CHARS}}", LEVEL_COLOURS.get(head.level, "cyan")))
        fields.append((show_values(values), "plain"))
        shown: list[str] = []
        room = self._width
        for text, colour in fields:
            if room is not None:
                text = fit(text, room)
                room -= len(text) + 1
            shown.append(paint(text, colour))
        blocks = "".join(f"    {make_safe(row)}\n" for name in BLOCKS & values.keys() for row in str(values[name]).splitlines())
        return heading + " ".join(shown).rstrip() + "\n" + paint(blocks, "dim")


def show_values(values: dict[str, object], *, without: frozenset[str] = BLOCKS) -> str:
    """Values as `name=value`, in the order in which they were logged.

    >>> show_values({"turn": 1, "model": "demo model", "ok": True, "reason": None, "exception": "..."})
    'turn=1 model="demo model" ok=true reason=null'
    """
    return " ".join(f"{make_safe(name)}={_show_value(value)}" for name, value in values.items() if name not in without)


def _show_value(value: object) -> str:
    if isinstance(value, str) and value and not any(char.isspace() or char in "\"'=" for char in value):
        return make_safe(value)
    return make_safe(msgspec.json.encode(value).decode())
