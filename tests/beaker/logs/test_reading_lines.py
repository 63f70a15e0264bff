"""Lines and file names: what is one, what is wanted, what is meant."""

import doctest
import importlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import logging
from beaker.errors import UnknownName
from beaker.logs.file_names import group, writer_of
from beaker.logs.kernels import NoKernel, find_kernel
from beaker.logs.record import BEFORE_ALL, LEVELS, parse
from beaker.logs.selection import NoPattern, Selection, check_actors
from beaker.logs.traces import SHOWN_CHARS, fits, longest_piece, meant, shorten
from beaker.logs.when import NoMoment, parse_moment, show_duration, show_size
from tests.beaker.logs.lines import NOON, line, raw


@pytest.mark.parametrize("name", ["record", "when", "file_names", "traces", "ink", "columns", "kernels"])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"beaker.logs.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_levels_are_those_that_are_written() -> None:
    assert list(LEVELS) == list(logging.LEVELS)


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b"{",
        raw("turn.began")[:-9],
        b"[1,2]",
        b"null",
        b'{"level":"info"}',
        b'{"event":7}',
        b'{"event":"a","time":"soon"}',
        b"\xff\xfe",
    ],
)
def test_what_is_torn_or_foreign_is_no_line(torn: bytes) -> None:
    assert parse(torn, BEFORE_ALL) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(junk: bytes) -> None:
    parse(junk, BEFORE_ALL)


def test_a_line_without_a_time_belongs_to_the_moment_before_it() -> None:
    parsed = parse(b'{"level":"warning","event":"log.lines_lost","count":3}', NOON)
    assert parsed is not None
    assert (parsed.time, parsed.values()) == (NOON, {"count": 3})


def test_times_of_other_zones_and_of_none_can_be_compared() -> None:
    zoned, bare = (parse(b'{"event":"a","time":"2026-11-25T%s"}' % time, BEFORE_ALL) for time in (b"14:00:00+02:00", b"12:00:00"))
    assert zoned is not None is not bare
    assert zoned.time == NOON == bare.time


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (Selection(), ["a.one", "a.two", "b.three"]),
        (Selection(level="warning"), ["b.three"]),
        (Selection(actors=["agent"]), ["a.two"]),
        (Selection(actors=["agent", "kernel"], events=["a.*"]), ["a.one", "a.two"]),
        (Selection(events=["*.three", "a.on?"]), ["a.one", "b.three"]),
        (Selection(since=NOON + timedelta(seconds=1)), ["a.two", "b.three"]),
        (Selection(until=NOON + timedelta(seconds=1)), ["a.one", "a.two"]),
        (Selection(grep='model":"gp.'), ["a.two"]),
        (Selection(trace="s_1".__eq__), ["a.one"]),
        (Selection(trace=lambda trace: True), ["a.one", "b.three"]),
        (Selection(containing="s_1"), ["a.one", "b.three"]),
    ],
)
def test_everything_that_is_asked_for_must_hold(selection: Selection, wanted: list[str]) -> None:
    lines = [
        line("a.one", trace="s_1"),
        line("a.two", at_s=1, role="agent", model="gpt"),
        line("b.three", at_s=2, level="error", trace="s_10"),
    ]
    assert [each.head.event for each in lines if selection.may_want(each.raw) and selection.wants(each)] == wanted


def test_what_is_wrong_in_a_selection_is_a_sentence_with_what_would_be_right() -> None:
    with pytest.raises(UnknownName, match="'warn' is not a level"):
        Selection(level="warn")
    with pytest.raises(NoPattern, match="no regular expression"):
        Selection(grep="(")
    with pytest.raises(UnknownName, match="There are: agent, kernel"):
        check_actors(["agnet"], ["kernel", "agent"])


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("30s", NOON - timedelta(seconds=30)),
        ("1.5h", NOON - timedelta(minutes=90)),
        ("2d ago", NOON - timedelta(days=2)),
        ("11:59", NOON - timedelta(minutes=1)),
        ("9:00:30", NOON - timedelta(hours=2, minutes=59, seconds=30)),
        ("12:01", NOON - timedelta(hours=23, minutes=59)),
        ("2026-11-24", NOON - timedelta(hours=36)),
        ("2026-11-25T13:00+02:00", NOON - timedelta(hours=1)),
        ("2026-11-25T11:30:00Z", NOON - timedelta(minutes=30)),
    ],
)
def test_moments_as_a_person_says_them(words: str, moment: datetime) -> None:
    assert parse_moment(words, now=NOON, zone=UTC) == moment


def test_a_moment_without_a_zone_is_the_readers_own() -> None:
    assert parse_moment("2026-11-25T14:00", now=NOON, zone=timezone(timedelta(hours=2))) == NOON


@pytest.mark.parametrize("words", ["yesterday", "", "10", "10 parsecs", "25:00", "2026-13-01", "-5m", "9" * 400 + "d", "999999999d"])
def test_what_is_no_moment_gets_the_forms_that_are(words: str) -> None:
    with pytest.raises(NoMoment, match="Write one of: 10m"):
        parse_moment(words, now=NOON, zone=UTC)


@given(st.floats(min_value=0, max_value=3.59e6))
def test_a_duration_fits_into_its_column(seconds: float) -> None:
    assert len(show_duration(seconds)) <= 8


@given(st.integers(min_value=0, max_value=10**11))
def test_a_size_has_a_unit(size: int) -> None:
    assert show_size(size).endswith("B")


def test_parts_are_read_oldest_first_and_foreign_files_are_kept_apart() -> None:
    names = ["kernel-ab12-7.jsonl", "kernel-ab12-7.jsonl.10", "kernel-ab12-7.jsonl.2", "notes.jsonl", "x.txt", "gateway-9.jsonl"]
    found = {parts.names[-1]: (parts.writer.role, parts.writer.kernel, parts.writer.pid, len(parts.names)) for parts in group(names)}
    assert found == {
        "notes.jsonl": ("", "", 0, 1),
        "gateway-9.jsonl": ("gateway", "", 9, 1),
        "kernel-ab12-7.jsonl": ("kernel", "ab12", 7, 3),
    }
    assert group(names)[-1].names == ("kernel-ab12-7.jsonl.10", "kernel-ab12-7.jsonl.2", "kernel-ab12-7.jsonl")
    assert writer_of("kernel-ab12-7.jsonl").pid == 7


def test_a_kernel_is_named_by_the_beginning_of_its_id_or_as_the_last() -> None:
    kernels = ["ab12", "ab34", "cd56"]
    assert [find_kernel(given, kernels) for given in ("last", "c", "ab3")] == ["cd56", "cd56", "ab34"]
    with pytest.raises(NoKernel, match="may mean several kernels: ab12, ab34"):
        find_kernel("ab", kernels)
    with pytest.raises(NoKernel, match="There are: ab12, ab34, cd56, last"):
        find_kernel("zz", kernels)
    with pytest.raises(NoKernel, match="There are: none"):
        find_kernel("last", [""])


def test_a_kernel_is_named_by_its_notebook_too_and_then_the_last_of_it_is_meant() -> None:
    names = {"ab12": ["a.ipynb"], "ab34": ["a.ipynb"], "cd56": ["b.ipynb"]}
    assert [find_kernel(given, [*names], names) for given in ("a.ipynb", "work/b.ipynb", "ab12")] == ["ab34", "cd56", "ab12"]
    with pytest.raises(NoKernel, match=r"'c\.ipynb', and none of a notebook of this name"):
        find_kernel("c.ipynb", [*names], names)


def test_a_name_that_a_notebook_has_had_means_its_kernel_unless_another_has_it_now() -> None:
    names = {"ab12": ["b.ipynb", "a.ipynb"], "ab34": ["a.ipynb", "c.ipynb"]}
    assert [find_kernel(given, [*names], names) for given in ("a.ipynb", "b.ipynb", "c.ipynb")] == ["ab12", "ab12", "ab34"]


UUID = "7d9f3c1a-5b2e-4a8e-9d71-0c6f2e5b8a44"
NUMBERED = [f"b9916625-89e29190882fda686f35076f_10969_{number}" for number in (1, 4, 14)]


@pytest.mark.parametrize("trace", [UUID, *NUMBERED, "m", "x" * 100, ""])
def test_the_short_form_of_a_trace_is_short_and_means_it(trace: str) -> None:
    assert len(shorten(trace)) <= SHOWN_CHARS
    assert fits(shorten(trace), trace)


def test_a_piece_of_a_trace_means_every_request_that_it_fits() -> None:
    traces = [UUID, *NUMBERED]
    assert meant("7d9f", traces) == [UUID]
    assert meant("_4", traces) == [NUMBERED[1]], "not the fourteenth"
    assert meant(NUMBERED[0], traces) == [NUMBERED[0]], "itself, not the tenth"
    assert meant("b99..14", traces) == meant("b99…14", traces) == [NUMBERED[2]]
    assert meant("b9916625", traces) == NUMBERED
    assert meant("zz", traces) == []
    assert longest_piece("b99..14") == "b99"
