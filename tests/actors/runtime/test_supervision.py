"""Restart intensity, by tables."""

import pytest

from actors.runtime.supervision import RestartCounter, RestartPolicy


@pytest.mark.parametrize(
    ("limit", "window_s", "crashes", "expected"),
    [
        (5, 30.0, [0, 1, 2, 3, 4, 5], [True] * 5 + [False]),
        (5, 30.0, [0, 10, 20, 30, 40, 50], [True] * 6),
        (2, 10.0, [0, 10, 10.5], [True, True, True]),
        (2, 10.0, [0, 9, 10], [True, True, False]),
        (0, 30.0, [0], [False]),
        (1, 10.0, [0, 5, 11], [True, False, True]),
    ],
)
def test_a_crash_is_an_accident_or_a_loop(limit: int, window_s: float, crashes: list[float], expected: list[bool]) -> None:
    counter = RestartCounter(RestartPolicy(limit=limit, window_s=window_s))
    assert [counter.may_restart(now) for now in crashes] == expected
