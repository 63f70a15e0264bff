"""Which kernels of a gateway have done nothing for so long that they are ended, as a pure function of what hosts say of them.

What a host has said is old when it is acted on: so the end of a kernel is only wanted, and its host decides.

The time is counted here, on a clock that nobody can set: a machine whose clock jumps by an hour must not end what was used a
moment ago. So a registry that was replaced begins to count anew.
"""

from collections.abc import Iterable

from beaker.messages.host import KernelStanding

Marks = dict[str, tuple[float, float]]
"""For each kernel that does nothing: its last activity as its host has it, and since when (monotonic seconds) that is known."""


def is_unused(standing: KernelStanding) -> bool:
    """Whether a kernel runs no cell or question, has none that waits for the user, does not start, and nobody is connected to it."""
    return not (standing.at_work or standing.waits_for_user or standing.connections) and standing.execution_state in ("idle", "dead")


def look(marks: Marks, standings: Iterable[KernelStanding], *, now: float, idle_timeout_s: float) -> tuple[Marks, list[KernelStanding]]:
    """Look at what hosts say.

    Args:
        marks: of the look before.
        now: monotonic seconds.

    Returns:
        The marks for the next look, and the kernels that are to be ended, as they were seen.
    """
    following: Marks = {}
    over: list[KernelStanding] = []
    for standing in standings:
        if not is_unused(standing):
            continue
        activity, since = marks.get(standing.kernel_id, (standing.last_activity, now))
        if activity != standing.last_activity:
            since = now
        following[standing.kernel_id] = (standing.last_activity, since)
        if now - since >= idle_timeout_s:
            over.append(standing)
    return following, over
