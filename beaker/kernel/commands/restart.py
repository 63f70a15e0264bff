"""`%beaker restart`: a fresh subkernel."""

from beaker.kernel.commands.command import Command, Entry, Order, taking_nothing


class RestartSubkernel(Order, frozen=True, kw_only=True):
    """End the session and start another."""


RESTART = Command(
    "restart",
    Entry(
        "%beaker restart",
        "end the session with all its variables and start a fresh one",
        "Ends the process that runs your ordinary cells and starts a new one: all variables are lost, cells that wait are aborted, "
        "numbers begin at 1 again. It is also the way back after the subkernel was given up.",
    ),
    taking_nothing("restart", RestartSubkernel()),
)
