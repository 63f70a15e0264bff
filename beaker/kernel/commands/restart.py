"""`%beaker restart`: a fresh subkernel; `%beaker restart agent`: a fresh agent."""

from collections.abc import Iterable

from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values

AGENT = "agent"


class RestartSubkernel(Order, frozen=True, kw_only=True):
    """End the session and start another."""


class RestartAgent(Order, frozen=True, kw_only=True):
    """End this kernel's agent; the next question starts another."""


def _read(words: list[str]) -> Order:
    if not words:
        return RestartSubkernel()
    if words == [AGENT]:
        return RestartAgent()
    given = " ".join(words)[:60]
    return Refused(reason=f"`%beaker restart` takes nothing behind it, or `agent`, and there is {given!r}.")


def _complete(words: list[str], values: Values) -> Iterable[str]:
    del values
    return () if words else (AGENT,)


RESTART = Command(
    "restart",
    Entry(
        "%beaker restart [agent]",
        "end the session with all its variables and start a fresh one, or only the agent",
        "Ends the process that runs your ordinary cells and starts a new one: all variables are lost, cells that wait are aborted, "
        "numbers begin at 1 again. It is also the way back after the subkernel was given up. `%beaker restart agent` leaves all that alone "
        "and ends the process that answers questions, with the answers that it is giving, for one that hangs (in a gateway, where one "
        "process answers for many kernels, only the conversation of this one, and the process if it does not answer); the next question "
        "starts another, which is told of the conversation so far, loads contexts again that were left out because they had ended it, "
        "and finds out again what the model takes.",
    ),
    _read,
    _complete,
)


def agent_words(*, ended: bool) -> str:
    """What `%beaker restart agent` says.

    Args:
        ended: there was one.
    """
    return f"{'The agent was ended' if ended else 'No agent runs'}; the next question starts a new one."
