"""Which kernels of a gateway have done nothing for so long that they are ended, as a pure function of what hosts say of them.

The time is counted here, on a clock that nobody can set: a machine whose clock jumps by an hour must not end what was used a
moment ago. So a registry that was replaced begins to count anew.
"""

from collections.abc import Iterable

from beaker.messages.host import KernelStanding

Marks = dict[str, tuple[float, float]]
"""For each kernel that does nothing: its last activity as its host has it, and since when (monotonic seconds) that is known."""


def look(marks: Marks, standings: Iterable[KernelStanding], *, now: float, idle_timeout_s: float) -> tuple[Marks, list[str]]:
    """Look at what hosts say.

    Args:
        marks: of the look before.
        now: monotonic seconds.

    Returns:
        The marks for the next look, and the kernels that are to be ended. Never one that runs a cell or a question, that starts, or
        that somebody is connected to.
    """
    following: Marks = {}
    over: list[str] = []
    for standing in standings:
        if standing.at_work or standing.connections or standing.execution_state not in ("idle", "dead"):
            continue
        activity, since = marks.get(standing.kernel_id, (standing.last_activity, now))
        if activity != standing.last_activity:
            since = now
        following[standing.kernel_id] = (standing.last_activity, since)
        if now - since >= idle_timeout_s:
            over.append(standing.kernel_id)
    return following, over
