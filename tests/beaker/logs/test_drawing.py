"""What stands on the terminal: lines in columns, and the timeline of a request."""

from datetime import UTC

import pytest

from beaker.logs.columns import Columns
from beaker.logs.ink import Ink
from beaker.logs.record import Line
from beaker.logs.requests import gather, latest, without_polls
from beaker.logs.timeline import lay_out
from beaker.logs.timeline_drawing import ASCII, draw
from tests.beaker.logs.lines import line

PLAIN, COLOURED = Ink(coloured=False), Ink(coloured=True)


def columns(*, ink: Ink = PLAIN, width: int | None = None, with_kernel: bool = False) -> Columns:
    return Columns(ink, width=width, with_kernel=with_kernel, zone=UTC)


def test_a_line_says_when_how_bad_who_which_request_what_and_its_values() -> None:
    rendered = columns().render(line("turn.began", at_s=1.5, role="agent", trace="msg-1", turn=1, model="demo model"))
    assert rendered.splitlines() == [
        "-- 2026-11-25 --",
        '12:00:01.500 info    agent      msg-1          turn.began           turn=1 model="demo model"',
    ]


def test_the_day_is_said_once_and_the_kernel_where_there_are_several() -> None:
    shown = columns(with_kernel=True)
    shown.render(line("a"))
    assert shown.render(line("b")).startswith("12:00:00.000 info    ab12cd kernel ")


def test_a_line_ends_at_the_edge_of_the_terminal() -> None:
    rendered = columns(width=70).render(line("a.b", words="x" * 500)).splitlines()[1]
    assert len(rendered) == 70
    assert rendered.endswith("…")


def test_an_error_is_red_and_without_colours_there_is_no_escape() -> None:
    failed = line("a", level="error", exception="Traceback:\n  File 'x'\nValueError: no")
    assert "\x1b[31;1m" in columns(ink=COLOURED).render(failed)
    plain = columns().render(failed)
    assert "\x1b" not in plain
    assert plain.endswith("    Traceback:\n      File 'x'\n    ValueError: no\n")


@pytest.mark.parametrize("place", ["event", "trace", "actor", "level", "value", "name", "kernel"])
def test_no_control_character_of_a_log_reaches_the_terminal(place: str) -> None:
    evil = "\x1b]0;owned\x07\r\n\u202e"
    values: dict[str, object] = {"note": evil} if place == "value" else {evil: 1} if place == "name" else {place: evil}
    hostile = line("a", **values) if place != "event" else line(evil)
    shown = columns(with_kernel=True).render(hostile) + "".join(draw(lay_out("t" + evil, [hostile]), PLAIN, width=100, zone=UTC))
    assert not [char for char in shown if char in "\x1b\x07\r\u202e"]


def question() -> list[Line]:
    return [
        line("turn.ended", at_s=3.0, turn=1, status="ok", duration_s=3.0, trace="t"),
        line("question.received", at_s=0.0, turn=1, trace="t"),
        line("model.called", at_s=1.0, role="agent", turn=1, step=1, trace="t"),
        line("model.first_byte", at_s=1.5, role="agent", turn=1, after_s=0.5, trace="t"),
        line("model.answered", at_s=2.0, role="agent", turn=1, duration_s=1.0, trace="t"),
        line("model.failed", at_s=2.5, role="agent", level="warning", turn=1, kind="rate", duration_s=0.5, trace="t"),
        line("turn.waits", at_s=2.5, role="agent", turn=1, seconds=0.25, trace="t"),
    ]


def test_a_timeline_has_all_steps_in_order_with_the_times_between_them() -> None:
    timeline = lay_out("t", question())
    assert [(step.line.head.event, step.at_s, step.gap_s, step.work_s, step.wait_s) for step in timeline.steps] == [
        ("question.received", 0.0, 0.0, 0.0, 0.0),
        ("model.called", 1.0, 1.0, 0.0, 0.0),
        ("model.first_byte", 1.5, 0.5, 0.0, 0.5),
        ("model.answered", 2.0, 0.5, 1.0, 0.0),
        ("model.failed", 2.5, 0.5, 0.5, 0.0),
        ("turn.waits", 2.5, 0.0, 0.0, 0.0),
        ("turn.ended", 3.0, 0.5, 3.0, 0.0),
    ]
    assert (timeline.lanes, timeline.duration_s, timeline.value("status")) == (("kernel", "agent"), 3.0, "ok")
    assert timeline.sums() == [("the model", 2, 1.5)]


def test_a_cell_that_left_one_line_is_drawn_from_when_it_came() -> None:
    timeline = lay_out("t", [line("cell.replied", at_s=1.0, took_ms=600.0, waited_ms=400.0, trace="t")])
    assert (timeline.duration_s, timeline.steps[0].work_s, timeline.steps[0].wait_s) == (1.0, 0.6, 0.4)
    *_, row, _ = draw(timeline, PLAIN, width=80, signs=ASCII, zone=UTC)
    assert ".......============o" in row


def test_the_heading_says_what_was_asked_for_in_the_words_of_the_list() -> None:
    rows = list(draw(lay_out("t", [line("cell.replied", at_s=1.0, count=4, status="ok", trace="t")]), PLAIN, width=100, zone=UTC))
    assert rows[1].startswith("cell 4 · 2026-")


def test_the_drawing_has_a_lane_per_process_and_bars_at_their_places() -> None:
    rows = list(draw(lay_out("t", question()), PLAIN, width=100, signs=ASCII, zone=UTC))
    assert rows[0] == "trace t\n"
    assert rows[1] == "question 1 · 2026-11-25 12:00:00.000 · 3.00 s · ok · kernel ab12cd\n"
    assert rows[3] == "    0 ms                    o  |  question.received  o\n"
    assert rows[6] == "  2.00 s  +500 ms   1.00 s  |  o  model.answered             ========o\n"
    assert rows[7] == "  2.50 s  +500 ms   500 ms  |  x  model.failed                       ====x     kind=rate\n"
    assert rows[8].rstrip().endswith("o..   seconds=0.25")
    assert rows[-1] == "K kernel, A agent; the model 1.50 s in 2 steps\n"
    assert all(len(row) <= 101 for row in rows)


@pytest.mark.parametrize("values", [{"duration_s": -1}, {"duration_s": "long"}, {"took_ms": 1e300}, {"after_s": None}, {"seconds": True}])
def test_a_duration_that_makes_no_sense_is_drawn_as_a_moment(values: dict[str, object]) -> None:
    timeline = lay_out("t", [line("a", trace="t", **values), line("b", at_s=1.0, trace="t")])
    assert timeline.duration_s == 1.0 or values == {"seconds": True}
    assert len(list(draw(timeline, PLAIN, width=80, zone=UTC))) == 6


def test_requests_are_boiled_down_to_what_they_were_and_how_they_ended() -> None:
    lines = [
        line("kernel.started"),
        line("question.received", at_s=1, turn=3, trace="q"),
        line("model.failed", at_s=2, level="warning", trace="q"),
        line("cell.replied", at_s=4, status="error", count=7, took_ms=3000, own=True, trace="q"),
        line("cell.replied", at_s=5, status="ok", count=8, took_ms=250, waited_ms=250, trace="c"),
        line("interrupt.wanted", at_s=6, trace="i"),
        line("supervisor.asked", at_s=6.5, trace="r", request="Restart"),
        line("request", at_s=7, trace="r", method="POST", path="/api/kernels/k/restart", status=200, duration_s=0.75),
    ]
    rest = gather(lines).pop("r")
    assert (rest.what, rest.status, (rest.last - rest.first).total_seconds()) == ("POST /api/kernels/k/restart", "200", 0.75)
    del lines[-2:]
    shown = [(seen.trace, seen.what, seen.status, seen.lines, seen.troubles) for seen in latest(gather(lines).values(), 10)]
    assert shown == [
        ("q", "question 3", "error", 3, 1),
        ("c", "cell 8", "ok", 1, 0),
        ("i", "interrupt", "", 1, 0),
    ]
    cell = gather(lines)["c"]
    assert (cell.last - cell.first).total_seconds() == 0.5
    assert [seen.trace for seen in latest(gather(lines).values(), 1)] == ["i"]


def test_of_requests_that_only_look_those_are_wanted_that_failed_or_did_something() -> None:
    def asked(trace: str, method: str, status: int) -> Line:
        return line("request", at_s=1, trace=trace, method=method, path="/api/kernels", status=status, duration_s=0.1)

    lines = [asked("poll", "GET", 200), asked("refused", "GET", 401), asked("start", "POST", 201), asked("socket", "GET", 101)]
    lines += [line("websocket.opened", trace="socket"), line("cell.replied", trace="cell", status="ok", count=1, took_ms=1)]
    assert [seen.trace for seen in without_polls(gather(lines).values())] == ["refused", "start", "socket", "cell"]
    assert [seen.trace for seen in without_polls(gather(lines[:1]).values())] == ["poll"]
