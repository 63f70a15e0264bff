"""What became of code that the model had run, in words: an answer that fails behind it must not invite a second run in silence."""

from collections.abc import Sequence
from typing import Literal

AGENT_GONE = "the agent was restarted"


def ran_words(name: str, status: Literal["ok", "error", "aborted", "lost"], count: int | None) -> str:
    """What became of one run.

    Args:
        name: of its block in the answer.
        count: the number that it ran under; None if none is known.

    >>> ran_words("A1", "ok", 4), ran_words("A1", "lost", None)
    ('A1 ran as cell [4] and ended ok', 'A1 ran, and its outcome is unknown')
    """
    ran = f"{name} ran" if count is None else f"{name} ran as cell [{count}]"
    match status:
        case "ok":
            return f"{ran} and ended ok"
        case "error":
            return f"{ran} and ended with an error"
        case "lost":
            return f"{ran}, and its outcome is unknown"
        case "aborted":
            return f"{name} was not run"


def cut_words(reason: str, ran: Sequence[str]) -> str:
    """Why an answer failed, with what stays of it.

    Args:
        ran: what became of each of its runs.
    """
    if ran:
        it = "it" if len(ran) == 1 else "them"
        return f"{reason}; {', '.join(ran)}; the answer was cut behind {it}; asking again may run {it} again"
    return f"{reason} and this answer was cut; run the cell again to retry" if reason == AGENT_GONE else reason


def nobody_words(ran: Sequence[str]) -> str:
    """What stands below code that was allowed when no agent was left to go on from it."""
    gone = f"{AGENT_GONE} meanwhile, so nobody goes on from here"
    if ran:
        return f"{', '.join(ran)}, but {gone}; asking again may run it again."
    return f"{gone[:1].upper()}{gone[1:]}: ask again."
