"""Which kernels have done nothing for long enough to be ended."""

from typing import Any

import msgspec
import pytest

from beaker.gateway.idling import Marks, look
from beaker.messages.host import KernelStanding

IDLE = KernelStanding(kernel_id="k", execution_state="idle", last_activity=5.0, connections=0, at_work=False)


def over(*looks: tuple[float, KernelStanding]) -> list[list[str]]:
    """The kernels that each look wants ended, ten seconds being long enough."""
    marks: Marks = {}
    found: list[list[str]] = []
    for now, standing in looks:
        marks, ended = look(marks, [standing], now=now, idle_timeout_s=10.0)
        found.append([each.kernel_id for each in ended])
    return found


def test_one_that_does_nothing_for_long_enough_is_ended() -> None:
    assert over((100.0, IDLE), (109.0, IDLE), (110.0, IDLE)) == [[], [], ["k"]]


def test_one_that_is_given_up_is_ended_too() -> None:
    dead = msgspec.structs.replace(IDLE, execution_state="dead")
    assert over((100.0, dead), (111.0, dead)) == [[], ["k"]]


@pytest.mark.parametrize(
    "change",
    [
        {"at_work": True},
        {"waits_for_user": True},
        {"connections": 1},
        {"execution_state": "busy"},
        {"execution_state": "starting"},
        {"execution_state": "restarting"},
    ],
)
def test_one_that_is_used_or_at_work_is_never_ended_and_begins_anew(change: dict[str, Any]) -> None:
    used = msgspec.structs.replace(IDLE, **change)
    assert over((100.0, used), (200.0, used)) == [[], []]
    assert over((100.0, IDLE), (109.0, used), (111.0, IDLE), (121.0, IDLE)) == [[], [], [], ["k"]]


def test_what_was_done_between_two_looks_counts() -> None:
    later = msgspec.structs.replace(IDLE, last_activity=6.0)
    assert over((100.0, IDLE), (109.0, later), (118.0, later), (119.0, later)) == [[], [], [], ["k"]]


def test_a_clock_that_was_set_ends_nothing() -> None:
    """The activity is what somebody's clock says, and tells only that it is not the same as before."""
    assert over((100.0, msgspec.structs.replace(IDLE, last_activity=-86_400.0))) == [[]]
