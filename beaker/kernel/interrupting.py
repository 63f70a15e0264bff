"""What an interrupt stops, when a cell and a question may both be running."""

from typing import NamedTuple

SECOND_WITHIN_S = 2.0
"""A second interrupt so soon means: everything."""


class Interrupted(NamedTuple):
    """Who is told to stop."""

    subkernel: bool
    turn: bool
    park: bool = False
    """Prompts for consent give way; the turns behind them go on waiting."""


def decide(*, cell_running: bool, turn_running: bool, since_last_s: float | None, asking: bool = False) -> Interrupted:
    """Choose.

    A running cell is interrupted and the turn goes on; without one the turn stops, with the code that it started; a second interrupt
    within two seconds stops everything. While the user is asked for her consent the first one only parks that: a frontend that
    interrupts takes its prompt away. With neither, the signal goes to the subkernel, where it is harmless (and where a thread may want it).

    Args:
        cell_running: a cell of the user's, not code that a turn started.
        turn_running: a turn that does not wait, parked, for the user.
        since_last_s: seconds since the interrupt before this one, None if there was none.
        asking: a prompt for consent stands open.
    """
    if turn_running and since_last_s is not None and since_last_s <= SECOND_WITHIN_S:
        return Interrupted(subkernel=True, turn=True)
    if asking:
        return Interrupted(subkernel=cell_running, turn=False, park=True)
    if turn_running and not cell_running:
        return Interrupted(subkernel=False, turn=True)
    return Interrupted(subkernel=True, turn=False)
