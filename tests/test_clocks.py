"""No duration is taken from the clock on the wall: it jumps, with the time servers and the seasons (FAULTS 35).

Every file of ours that asks what time it is stands here with the reason why. A new one is to use the monotonic clock, or to
be added by somebody who has thought of it.
"""

import ast
from collections.abc import Iterator

from tests.kit.own_sources import ROOT, SOURCE, nodes_of, own_files

pytestmark = SOURCE

WALL = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.strftime",
    "time.ctime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
"""Calls that read the clock on the wall, unless they are given a time."""

GIVEN = {"time.localtime": 1, "time.gmtime": 1, "time.strftime": 2, "time.ctime": 1}
"""With so many arguments these only write a given time down."""

SHOWN = "shown or written down, never compared"

MAY: dict[str, str] = {
    "actors/agent/model_stream.py": "a Retry-After that is a date counts from now, and becomes a duration at once",
    "actors/agent/outbox.py": f"names a file; {SHOWN}",
    "actors/agent/turn_run.py": f"until when an endpoint wants us to wait; {SHOWN}",
    "actors/guardian/own_figures.py": "when a process began, which is younger by it than another of its number; else shown",
    "actors/guardian/role.py": f"since when the gateway is there; {SHOWN}",
    "beaker/contents/uploads.py": "how old a file is that another process has written; a jump lets an upload begin that could have waited",
    "actors/kernel/life/silence_watch.py": f"since when somebody is silent; {SHOWN}",
    "actors/kernel/life/attaching.py": f"when a death was heard of; {SHOWN}",
    "actors/kernel/looks/looking.py": f"of when a look is; {SHOWN}",
    "actors/kernel/rooms.py": "a name that no other life has",
    "actors/kernel/commands/status_facts.py": "how long processes are up that others started: their start is known by the wall clock only",
    "actors/logs/command.py": "what `--since 10m` means: log lines bear the wall clock",
    "actors/logs/following.py": "the same",
    "actors/runtime/clock.py": "the one door for those who have a clock",
    "actors/runtime/log_file.py": f"the time of a line; {SHOWN}",
    "actors/supervisor/actor.py": f"when a death was; {SHOWN}",
    "actors/supervisor/foreign.py": f"when a subkernel began; {SHOWN}",
    "actors/supervisor/launching.py": f"when a subkernel began; {SHOWN}",
    "actors/supervisor/opening.py": f"when a death was; {SHOWN}",
    "actors/gateway/door.py": "how long the session of a browser lasts, over all restarts: its cookie says so by the wall clock",
    "actors/gateway/service.py": f"since when it runs; {SHOWN}",
    "actors/host/numbering.py": "numbers that no other life has; what a former life has written down keeps them growing",
    "actors/host/standing.py": f"when a kernel was used last; {SHOWN}",
    "actors/registry/chronicle.py": f"when kernels and conversations began and ended; {SHOWN}",
    "actors/registry/lookup.py": f"when a kernel was started; {SHOWN}",
    "beaker/journal/database.py": "names a file that is put aside",
    "beaker/journal/journal.py": "ids that no other life has; those that are written down keep them growing",
    "beaker/wire/compose.py": "the date in a header, which Jupyter wants",
}


def _wall_calls(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Gives the line and the name of every call that reads the clock on the wall."""
    for node in nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value).rpartition(".")[2]
        name = f"{owner}.{node.func.attr}"
        if node.func.attr == "wall" or (name in WALL and len(node.args) < GIVEN.get(name, 100)):
            yield node.lineno, name


def _imports_by_name(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Gives every `from time import time` and the like, which would hide the calls."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, f"time.{alias.name}") for alias in node.names if f"time.{alias.name}" in WALL)


def test_only_those_who_may_ask_what_time_it_is() -> None:
    found = [
        f"{name}:{line} {call}"
        for file in own_files()
        if (name := file.relative_to(ROOT).as_posix()) not in MAY
        for line, call in _wall_calls(nodes_of(file))
    ]
    assert found == [], "use the monotonic clock for durations; for a time that is shown, say so in this test"


def test_nobody_hides_it_behind_a_name_of_its_own() -> None:
    hidden = [f"{file.relative_to(ROOT)}:{line} {call}" for file in own_files() for line, call in _imports_by_name(nodes_of(file))]
    assert hidden == []


def test_whoever_may_does() -> None:
    assert [name for name in MAY if not any(_wall_calls(nodes_of(ROOT / name)))] == []


def test_the_search_finds_what_it_looks_for() -> None:
    source = "import time, datetime\ntime.time()\ndatetime.datetime.now(UTC)\ntime.localtime(3)\nself.clock.wall()\ntime.monotonic()\n"
    assert [line for line, _ in _wall_calls(list(ast.walk(ast.parse(source))))] == [2, 3, 5]
    assert list(_imports_by_name(list(ast.walk(ast.parse("from time import monotonic, time"))))) == [(1, "time.time")]
