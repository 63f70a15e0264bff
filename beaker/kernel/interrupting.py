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
    parked: bool = False
    """Also the turns whose prompts gave way to the interrupt before this one."""


def decide(
    *,
    cell_running: bool,
    turn_running: bool,
    since_last_s: float | None,
    at_rest: bool = False,
    asking: bool = False,
    gave_way: bool = False,
) -> Interrupted:
    """Choose.

    A running cell is interrupted and the turn goes on; without one the turn stops, with the code that it started; a second interrupt
    within two seconds stops everything. While the user is asked for her consent the first one only parks that: a frontend that
    interrupts takes its prompt away. With neither, the signal goes to a subkernel that works on something else (a widget's callback)
    and not to one at rest: on its way through another process it would be overtaken by the next cell.

    Args:
        cell_running: a cell of the user's, not code that a turn started.
        turn_running: a turn that does not wait, parked, for the user.
        at_rest: the subkernel is done with all that it was sent.
        since_last_s: seconds since the interrupt before this one, None if there was none.
        asking: a prompt for consent stands open.
        gave_way: a turn waits, parked, because its prompt gave way to the interrupt before this one.
    """
    if (turn_running or gave_way) and since_last_s is not None and since_last_s <= SECOND_WITHIN_S:
        return Interrupted(subkernel=not at_rest, turn=turn_running, parked=gave_way)
    if asking:
        return Interrupted(subkernel=cell_running, turn=False, park=True)
    if turn_running and not cell_running:
        return Interrupted(subkernel=False, turn=True)
    return Interrupted(subkernel=not at_rest, turn=False)
