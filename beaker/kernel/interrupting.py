"""What an interrupt stops, when a cell and a question may both be running."""

from typing import NamedTuple

SECOND_WITHIN_S = 2.0
"""A second interrupt so soon means: everything."""


class Interrupted(NamedTuple):
    """Who is told to stop."""

    subkernel: bool
    turn: bool


def decide(*, cell_running: bool, turn_running: bool, since_last_s: float | None) -> Interrupted:
    """Choose.

    A running cell is interrupted and the turn goes on; without one the turn stops; a second interrupt within two seconds stops
    everything. With neither, the signal goes to the subkernel, where it is harmless (and where a thread may want it).

    Args:
        since_last_s: seconds since the interrupt before this one, None if there was none.
    """
    if turn_running and since_last_s is not None and since_last_s <= SECOND_WITHIN_S:
        return Interrupted(subkernel=True, turn=True)
    if turn_running and not cell_running:
        return Interrupted(subkernel=False, turn=True)
    return Interrupted(subkernel=True, turn=False)
