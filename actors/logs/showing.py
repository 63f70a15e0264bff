"""What `beaker-logs` writes: tables and drawings for a person, JSON lines for a machine."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TextIO

import msgspec

from beaker.logs.columns import KERNEL_CHARS, Columns
from beaker.logs.ink import Ink, escape, fit, make_safe
from beaker.logs.kernels import KernelLogs
from beaker.logs.record import Line
from beaker.logs.requests import Seen
from beaker.logs.timeline import Timeline
from beaker.logs.timeline_drawing import ASCII, UNICODE, draw
from beaker.logs.traces import SHOWN_CHARS, shorten
from beaker.logs.when import show_duration, show_size

PLAIN_WIDTH = 160
"""The width of a timeline that goes into a file or a pipe: its bars need some."""


ID_CHARS = 40
"""Of a kernel's id in the table of kernels: a UUID has 36."""


class Screen:
    """Writes to standard output.

    Args:
        out: that.
        as_json: for a machine.
        coloured: whether colours are wanted.
        width: of the terminal; None: lines are not cut.
        zone: in which times are shown; None: the machine's own.
        utf8: whether more than ASCII can be drawn with.
    """

    def __init__(self, out: TextIO, *, as_json: bool, coloured: bool, width: int | None, zone: tzinfo | None, utf8: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._ink = Ink(coloured=coloured)
        self._width = width
        self._zone = zone
        self._signs = UNICODE if utf8 else ASCII
        self._columns: Columns | None = None

    def lines(self, lines: Iterable[Line], *, with_kernel: bool) -> int:
        """Write lines; returns how many."""
        if self._columns is None:
            self._columns = Columns(self._ink, width=self._width, with_kernel=with_kernel, zone=self._zone)
        render, write = self._columns.render, self._out.write
        count = 0
        for line in lines:
            count += 1
            write(escape(line.raw.decode(errors="replace").rstrip("\n")) + "\n" if self._as_json else render(line))
        return count

    def kernels(self, kernels: Sequence[KernelLogs]) -> None:
        """Write the table of kernels."""
        if self._as_json:
            self._write_json(kernels)
            return
        longest = max(4, *(len(self._name(logs)) for logs in kernels))
        roles = max(5, *(len(", ".join(logs.roles)) for logs in kernels))
        ids = max(12, *(len(self._id(logs)) for logs in kernels))
        head = f"{'kernel':<{ids}}  {'':<5}  {'name':<{longest}}  {'roles':<{roles}}  {'size':>8}  {'first':<19}  last"
        self._row(self._ink.paint(fit(head, self._width or len(head)), "dim"))
        for logs in kernels:
            size = show_size(logs.size_bytes)
            state = self._ink.paint("lives", "green") if logs.lives else "ended"
            row = f"{self._id(logs):<{ids}}  {state}  {self._name(logs):<{longest}}  {', '.join(logs.roles):<{roles}}  {size:>8}"
            self._row(f"{row}  {self._moment(logs.first):<19}  {self._moment(logs.last)}")

    def requests(self, requests: Sequence[Seen]) -> None:
        """Write the table of requests."""
        if self._as_json:
            self._write_json(requests)
            return
        head = f"{'begun':<19}  {'trace':<{SHOWN_CHARS}}  {'kernel':<{KERNEL_CHARS}}  {'took':>8}  {'lines':>5}  request"
        self._row(self._ink.paint(head, "dim"))
        for seen in requests:
            took = show_duration((seen.last - seen.first).total_seconds())
            what = f"{seen.what or 'request'}{f', {seen.status}' if seen.status else ''}"
            whose = f"{make_safe(shorten(seen.trace)):<{SHOWN_CHARS}}  {make_safe(seen.kernel)[:KERNEL_CHARS]:<{KERNEL_CHARS}}"
            row = f"{self._moment(seen.first):<19}  {whose}  {took:>8}  {seen.lines:>5}  {make_safe(what)}"
            self._row(self._ink.paint(row, "yellow") if seen.troubles else row)

    def timeline(self, timeline: Timeline) -> None:
        """Draw the timeline of a request; for a machine its lines with their times in it."""
        if self._as_json:
            for step in timeline.steps:
                head = {"at_s": round(step.at_s, 6), "gap_s": round(step.gap_s, 6), "work_s": step.work_s, "wait_s": step.wait_s}
                line: dict[str, object] = msgspec.json.decode(step.line.raw)
                self._write_json([{**head, **line}])
            return
        for row in draw(timeline, self._ink, width=self._width or PLAIN_WIDTH, signs=self._signs, zone=self._zone):
            self._out.write(row)

    def _write_json(self, rows: Iterable[object]) -> None:
        for row in rows:
            self._out.write(escape(msgspec.json.encode(row).decode()) + "\n")

    def _row(self, text: str) -> None:
        self._out.write(text.rstrip() + "\n")

    def _id(self, logs: KernelLogs) -> str:
        return fit(make_safe(logs.kernel) or "-", ID_CHARS)

    def _name(self, logs: KernelLogs) -> str:
        return fit(make_safe(logs.name) or "-", 40)

    def _moment(self, moment: datetime | None) -> str:
        if moment is None:
            return "-"
        at = moment.astimezone(self._zone)
        return f"{at:%Y-%m-%d %H:%M:%S}{'Z' if self._zone is UTC else ''}"
