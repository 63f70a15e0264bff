"""Messages that reached nobody: counted always, logged in a way that a flood cannot fill a disk.

There is one per node. Every message that the runtime drops, for whatever reason, passes here; a test or a status page
reads the counts. A line is logged for the 1st, 10th, 100th, 1000th ... letter of a target and reason.
"""

from typing import Final

from actors.runtime.lanes import is_droppable
from actors.runtime.log import Log

KEYS_LIMIT: Final = 1000
"""How many targets and reasons are counted apart; names may come from a peer, which must not make this grow."""
OTHERS: Final = "(others)"


class DeadLetters:
    """Counts what was dropped, by target and reason.

    Args:
        log: where the lines go.
    """

    def __init__(self, log: Log) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        """How many letters per (name of the target, reason)."""
        self._log = log

    @property
    def total(self) -> int:
        """How many letters in all."""
        return sum(self.counts.values())

    def record(self, target: str, reason: str, message: object) -> None:
        """Count one message, and log it if the count is a power of ten.

        Args:
            target: name of the actor it was for.
            reason: constant words, few in number: they are a key of `counts`.
            message: only its class is logged.
        """
        key = (target, reason)
        if key not in self.counts and len(self.counts) >= KEYS_LIMIT:
            key = (OTHERS, reason)
        count = self.counts[key] = self.counts.get(key, 0) + 1
        if count == 1 or (count % 10 == 0 and str(count).rstrip("0") == "1"):
            write = self._log.info if is_droppable(message) else self._log.warning
            write("message.dead_letter", target=target, reason=reason, kind=type(message).__name__, count=count)
