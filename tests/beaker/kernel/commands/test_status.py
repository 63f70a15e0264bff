"""How `%beaker status` reads."""

import pytest

from beaker.kernel.commands.allow import OpenApproval
from beaker.kernel.commands.status import LOST_INPUT, RunningTurn, StatusFacts, status_words

LEAST = StatusFacts(now=1000.0, kernel_id="ab12", kernel_pid=1, kernel_started_at=990.0, state="starting")


def test_everything_that_is_known_is_said() -> None:
    facts = StatusFacts(
        now=1000.0,
        kernel_id="ab12cd34ef56",
        kernel_pid=10,
        kernel_started_at=400.0,
        front_replaced=True,
        supervisor_pid=11,
        spec_name="python3",
        display_name="Python 3 (ipykernel)",
        language="python",
        state="running",
        generation=2,
        subkernel_pid=12,
        subkernel_started_at=800.0,
        adopted=True,
        memory_bytes=120_000_000,
        cell_runs=True,
        running_count=4,
        running_for_s=12.0,
        waiting_cells=3,
        agent_state="running",
        agent_pid=13,
        model="gpt-x",
        turns=(RunningTurn(number=1, for_s=3.0, words="no data for 15 s"), RunningTurn(number=2, for_s=1.0)),
        log_path="/state/beaker/logs/ab12.log",
    )
    assert status_words(facts).plain.splitlines() == [
        "subkernel  Python 3 (ipykernel) (python3), running, pid 12, up 3 min 20 s, 2nd life, kept when its supervisor was replaced",
        "cells      [4] runs for 12 s, 3 waiting",
        "memory     120.0 MB in the subkernel",
        "agent      running, pid 13, model gpt-x",
        "questions  number 1 for 3.0 s, no data for 15 s; number 2 for 1.0 s",
        "kernel     ab12cd34ef56, pid 10, up 10 min, supervisor pid 11, replaced one that was lost, and kept your variables",
        "log        /state/beaker/logs/ab12.log",
    ]


def test_what_is_unknown_is_left_out() -> None:
    assert status_words(LEAST).plain.splitlines() == [
        "subkernel  starting",
        "cells      none runs",
        "agent      not running; the next question starts it",
        "kernel     ab12, pid 1, up 10 s",
    ]


def changed(**fields: object) -> str:
    """The plain text with other facts."""
    return status_words(StatusFacts(**{**{name: getattr(LEAST, name) for name in LEAST.__struct_fields__}, **fields})).plain


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"state": "running", "spec_name": "python3", "generation": 1}, "subkernel  python3, running"),
        ({"state": "running", "spec_name": "bash", "display_name": "bash"}, "subkernel  bash, running"),
        ({"state": "restarting", "generation": 3}, "subkernel  restarting, 3rd life"),
        ({"state": "running", "generation": 12}, "subkernel  running, 12th life"),
        ({"state": "running", "trouble": "not responding", "subkernel_pid": 5}, "subkernel  not responding, pid 5"),
        ({"state": "dead", "subkernel_pid": 5, "generation": 6}, "subkernel  given up; %beaker restart starts a fresh one"),
        ({"cell_runs": True, "running_for_s": 0.5}, "cells      one runs for 0.5 s"),
        ({"cell_runs": True, "running_count": 3}, "cells      [3] runs"),
        (
            {"cell_runs": True, "running_for_s": 5.0, "may_lack_input": True, "waiting_cells": 1},
            f"cells      one runs for 5.0 s, 1 waiting; {LOST_INPUT}",
        ),
        ({"waiting_cells": 2}, "cells      none runs, 2 waiting"),
        ({"model": "m"}, "agent      not running; the next question starts it, model m"),
        ({"agent_state": "starting"}, "agent      starting"),
        (
            {"always": "untainted"},
            "consent    `always`: harmless code runs without asking, but not where the model has read untrusted data; "
            "`%beaker reject always` takes it back",
        ),
        (
            {"always": "all"},
            "consent    `always`: harmless code runs without asking, also where the model has read untrusted data; "
            "`%beaker reject always` takes it back",
        ),
    ],
)
def test_each_fact_has_its_words(fields: dict[str, object], line: str) -> None:
    assert line in changed(**fields).splitlines()


def test_what_waits_for_the_user_is_named_with_where_it_waits_and_the_way_on() -> None:
    first = OpenApproval(name="A1", turn=1, kind="code", code="1", language="python", asked=True)
    second = OpenApproval(name="A3", turn=2, kind="code", code="2", language="python")
    lines = changed(approvals=(first, second), turns=(RunningTurn(number=2, for_s=13.0, asks="Which colour?"),)).splitlines()
    assert (
        "waiting    A1 (asked at the prompt of question 1), A3 (put off, question 2): "
        "`%beaker allow A1` or `%beaker reject A1`; `%beaker allow` shows the code"
    ) in lines
    assert "questions  number 2 for 13 s, asks you at a prompt: Which colour?; `%beaker stop 2` ends it" in lines


def test_the_reason_of_a_death_stands_below_as_it_was_written() -> None:
    reason = "It died 6 times.\n# Traceback\n<script>"
    words = status_words(StatusFacts(now=0.0, kernel_id="a", kernel_pid=1, kernel_started_at=0.0, state="dead", reason=reason))
    assert words.plain.endswith(f"\n\n{reason}\n")
    assert words.markdown.endswith(f"\n\n```text\n{reason}\n```\n")


def test_names_cannot_become_markup() -> None:
    words = status_words(
        StatusFacts(now=0.0, kernel_id="a", kernel_pid=1, kernel_started_at=0.0, state="running", display_name="<b>|x|</b>")
    )
    assert "&lt;b\\>\\|x\\|&lt;/b\\>" in words.markdown


def test_a_gateway_that_writes_nothing_down_is_told() -> None:
    assert "not saving  the disk is full; cells run on, but" in changed(not_saving="the disk is full")
