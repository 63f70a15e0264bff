"""When a prompt gives way to the cells behind it."""

import pytest

from beaker.kernel.patience import Patience

SHORT, LONG, NONE = (0, True), (1, False), (0, False)
"""What a look finds: cells that are not answered, and whether one came since the look before."""


@pytest.mark.parametrize(
    ("looks", "over"),
    [
        ([LONG, LONG, LONG, LONG], [False, False, False, True]),
        ([SHORT, SHORT, SHORT, SHORT], [False, False, False, True]),
        ([SHORT, LONG, SHORT, LONG], [False, False, False, True]),
        ([SHORT, NONE, SHORT, NONE, SHORT, NONE, SHORT], [False] * 6 + [True]),
        ([SHORT, NONE, NONE, NONE, NONE, NONE], [False] * 6),
        ([NONE] * 10, [False] * 10),
    ],
)
def test_it_is_over_when_cells_stood_behind_it_for_long_enough_in_all(looks: list[tuple[int, bool]], over: list[bool]) -> None:
    patience = Patience(since=100.0)
    found = []
    for at, (unanswered, came) in enumerate(looks):
        now = 110.0 + 10 * at
        found.append(patience.look(unanswered=unanswered, last_came=now - 5 if came else 0.0, now=now))
    assert found == over


def test_a_cell_that_came_before_the_prompt_and_is_over_does_not_count() -> None:
    patience = Patience(since=100.0)
    assert not any(patience.look(unanswered=0, last_came=99.0, now=110.0 + 10 * at) for at in range(10))
