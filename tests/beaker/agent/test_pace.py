"""No stretch of time holds more calls than the pace allows, however they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.agent.pace import Pace


def test_calls_within_the_pace_wait_for_nothing() -> None:
    pace = Pace(5.0)
    assert [pace.book(now) for now in (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.5)] == [0.0] * 7


def test_one_more_waits_until_the_first_is_a_second_old_and_the_next_behind_it() -> None:
    pace = Pace(2.0)
    assert [pace.book(now) for now in (0.0, 0.25, 0.5, 0.5, 0.5)] == [0.0, 0.0, 0.5, 0.75, 1.5]


def test_less_than_one_a_second_is_one_in_a_longer_time() -> None:
    pace = Pace(0.5)
    assert [pace.book(now) for now in (0.0, 0.5, 10.0)] == [0.0, 1.5, 0.0]


@given(per_s=st.sampled_from([0.1, 0.5, 1.0, 2.5, 5.0, 7.0]), steps=st.lists(st.floats(0.0, 3.0), max_size=60))
def test_no_stretch_holds_more_than_its_share(per_s: float, steps: list[float]) -> None:
    pace, now, made = Pace(per_s), 100.0, list[float]()
    for step in steps:
        now += step
        wait_s = pace.book(now)
        assert wait_s >= 0.0
        made.append(now + wait_s)
    assert made == sorted(made)
    count = max(int(per_s), 1)
    for first, beyond in zip(made, made[count:], strict=False):
        assert beyond - first == pytest.approx(max(beyond - first, count / per_s))
