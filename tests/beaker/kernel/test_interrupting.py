"""What an interrupt stops."""

import pytest

from beaker.kernel.interrupting import Interrupted, decide


@pytest.mark.parametrize(
    ("cell", "turn", "since", "expected"),
    [
        (True, False, None, Interrupted(subkernel=True, turn=False)),
        (True, True, None, Interrupted(subkernel=True, turn=False)),
        (True, True, 1.9, Interrupted(subkernel=True, turn=True)),
        (True, True, 2.1, Interrupted(subkernel=True, turn=False)),
        (False, True, None, Interrupted(subkernel=False, turn=True)),
        (False, True, 0.1, Interrupted(subkernel=True, turn=True)),
        (False, False, None, Interrupted(subkernel=True, turn=False)),
        (False, False, 0.1, Interrupted(subkernel=True, turn=False)),
    ],
)
def test_the_cell_first_then_the_turn_then_everything(cell: bool, turn: bool, since: float | None, expected: Interrupted) -> None:
    assert decide(cell_running=cell, turn_running=turn, at_rest=False, since_last_s=since) == expected


@pytest.mark.parametrize("turn", [True, False])
@pytest.mark.parametrize("since", [None, 0.1])
def test_a_subkernel_at_rest_is_left_alone(turn: bool, since: float | None) -> None:
    assert decide(cell_running=False, turn_running=turn, at_rest=True, since_last_s=since) == Interrupted(subkernel=False, turn=turn)


@pytest.mark.parametrize(
    ("cell", "since", "expected"),
    [
        (False, None, Interrupted(subkernel=False, turn=False, park=True)),
        (True, None, Interrupted(subkernel=True, turn=False, park=True)),
        (False, 0.1, Interrupted(subkernel=True, turn=True)),
    ],
)
def test_an_open_consent_is_parked_before_any_turn_is_stopped(cell: bool, since: float | None, expected: Interrupted) -> None:
    assert decide(cell_running=cell, turn_running=True, at_rest=False, since_last_s=since, asking=True) == expected


@pytest.mark.parametrize(
    ("turn", "since", "expected"),
    [
        (False, 1.9, Interrupted(subkernel=True, turn=False, parked=True)),
        (True, 1.9, Interrupted(subkernel=True, turn=True, parked=True)),
        (False, 2.1, Interrupted(subkernel=True, turn=False)),
        (True, 2.1, Interrupted(subkernel=False, turn=True)),
    ],
)
def test_what_gave_way_to_an_interrupt_is_stopped_by_a_second_one_soon_after(turn: bool, since: float, expected: Interrupted) -> None:
    assert decide(cell_running=False, turn_running=turn, at_rest=False, since_last_s=since, gave_way=True) == expected
