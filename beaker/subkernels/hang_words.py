"""Words about a subkernel that does not answer; never an action, because a long C call looks the same as a hang.

Two clocks tell two troubles apart. The heartbeat is echoed by a thread that needs no interpreter: silent means that the
process does not run at all. Control is answered by a Python thread: silent while the heartbeat echoes means that something
holds the interpreter.
"""

from typing import Final

NOT_RESPONDING: Final = "not responding"
HOLDING_THE_INTERPRETER: Final = "busy, holding the interpreter"


def hang_words(
    *,
    now: float,
    heartbeat_echo: float,
    control_asked: float | None,
    cell_runs: bool,
    heartbeat_silence_s: float,
    control_silence_s: float,
) -> str | None:
    """Decide what to say about a subkernel; None while all is well. All times are monotonic seconds.

    Args:
        now: the present.
        heartbeat_echo: when the heartbeat was last echoed (before the first echo: when the subkernel started).
        control_asked: since when the oldest control request waits for its reply; None where none waits.
        cell_runs: whether a cell runs; without one nothing of the user's holds the interpreter, so it does not respond.
        heartbeat_silence_s: how long the heartbeat may be silent.
        control_silence_s: how long a control request may wait.

    Example:
        >>> limits = {"heartbeat_silence_s": 2.0, "control_silence_s": 5.0}
        >>> hang_words(now=10.0, heartbeat_echo=9.9, control_asked=4.0, cell_runs=True, **limits)
        'busy, holding the interpreter'
    """
    if now - heartbeat_echo >= heartbeat_silence_s:
        return NOT_RESPONDING
    if control_asked is None or now - control_asked < control_silence_s:
        return None
    return HOLDING_THE_INTERPRETER if cell_runs else NOT_RESPONDING


def waits_for_supervisor(what: str, pid: int | None) -> str:
    """What the user is told who wants something that only the Supervisor can do, while it does not answer.

    Example:
        >>> waits_for_supervisor("the interrupt", 7)
        'the interrupt waits for the supervisor (pid 7), which is not responding'
    """
    number = "" if pid is None else f" (pid {pid})"
    return f"{what} waits for the supervisor{number}, which is {NOT_RESPONDING}"
