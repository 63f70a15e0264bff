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
    assert decide(cell_running=cell, turn_running=turn, since_last_s=since) == expected
