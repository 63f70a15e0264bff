"""What is on its way to one client: given to libzmq, waiting behind that, or missed.

libzmq holds what it is given in memory and does not say how much that is. So a client is given a window, and more only once
the operating system says that all of it was taken; the rest waits in a `Spill`. The decisions are here: who has room, who
reads slowly, who has stopped.
"""

from collections.abc import Callable
from typing import NamedTuple

from actors.kernel.sockets.connection import Progress
from actors.kernel.sockets.spill import FRAME_COST_BYTES, Spill, cost_of
from actors.runtime.log import Log

WINDOW_BYTES = 4 * 1024 * 1024
"""What may be on its way to one client: 2 GB/s at POLL_S, and all that libzmq holds for one that has stopped."""
POLL_S = 0.002
"""How often is looked whether a client takes more, as long as it does."""
UNWRITTEN_S = 1.0
"""How long libzmq may need to begin to write what it was given. Then what it holds is another connection's fault, or it
has let it fall."""
LAG_BYTES = 64 * 1024 * 1024
STOPPED_S = 5.0
"""The defaults of `kernel.iopub_lag_bytes` and `kernel.iopub_stopped_s`."""
LAST_WORDS_BYTES = 64 * 1024 * 1024
"""Of what waits for a client that reads, when the kernel ends: what can leave within the linger time."""

DROPPABLE = frozenset({"stream", "display_data", "update_display_data", "clear_output", "comm_msg"})
"""What a client that has stopped may miss. Not a status, an error, a result, which say what became of a cell, before those
alone take `lag_bytes`: a cell in a loop must not fill the disk."""


class Rules(NamedTuple):
    """What is the same for all lanes."""

    describe: Callable[[list[bytes]], tuple[str, bytes]]
    """The msg_type of a message, and its parent header."""
    lag_bytes: int
    """How much always waits for a client that does not read."""
    stopped_s: float
    """After so long without reading, and with so much waiting, it misses outputs."""
    now: Callable[[], float]
    """Monotonic time."""
    log: Log
    event: str
    """What a line in the log is called that tells of a client that misses something."""
    notice: Callable[[int, bytes], list[bytes]] | None = None
    """Makes the message that tells in their place how many were missed; given their number and the parent header of the last."""
    lost: Callable[[str, bytes, str], None] | None = None
    """Tells elsewhere of each that is missed, at once; given its msg_type, its parent header, and why."""
    waits: Callable[[list[bytes]], None] | None = None
    """Notes each message that has to wait."""
    left: Callable[[bytes], None] | None = None
    """Notes that one that waited was taken, or was given to a connection that is over; given its parent header."""


class Lane:
    """One client, or several that share an account.

    Args:
        send: gives a message to libzmq.
        look: asks how far the client has read; of several, the one that has most to take.
    """

    def __init__(self, rules: Rules, send: Callable[[list[bytes]], None], look: Callable[[], Progress]) -> None:
        self._rules = rules
        self._send = send
        self._look = look
        self._waiting = Spill()
        self._under_way = 0
        """What libzmq was given since all that it had was taken, as `cost_of` counts."""
        self._given_bytes = 0
        """The bytes in that."""
        self._unwritten_since: float | None = None
        """Since when libzmq has written less than it was given, and the system has nothing to send."""
        self._taken = 0
        """What the client had taken in all before that."""
        self._seen = Progress()
        self._seen_at = 0.0
        self._moved_at = rules.now()
        """When the client last took something."""
        self._kept_bytes = 0
        """Of statuses and the like, since the client was found to have stopped."""
        self._dropping = False
        """Whether the last message was dropped."""
        self._noted: list[bytes] = []
        """The parent headers of what had to wait and is under way, where that is noted."""
        self._missed = 0
        """Messages dropped of which a notice is owed."""
        self._missed_parent = b""

    @property
    def behind(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._waiting) or self._missed > 0 or bool(self._noted)

    def put(self, frames: list[bytes], cost: int) -> None:
        """Give a message, or let it wait, or count it as missed."""
        if not self.behind and self._has_room(cost):
            self._give(frames, cost)
            return
        reason = self._refusal(frames)
        if not reason:
            try:
                self._tell_missed()
                self._waiting.append(frames)
                self._dropping = False
                if self._rules.waits is not None:
                    self._rules.waits(frames)
                return
            except OSError as error:
                reason = error.strerror or str(error)
        if not self._dropping:
            self._dropping = True
            self._rules.log.warning(self._rules.event, reason=reason, waiting_bytes=self._waiting.size_bytes)
        kind, parent = self._rules.describe(frames)
        if self._rules.lost is not None:
            self._rules.lost(kind, parent, reason)
        else:
            self._missed, self._missed_parent = self._missed + 1, parent

    def flush(self) -> bool:
        """Give what waits, a window at most; returns whether any was taken."""
        given = 0
        if self._noted:
            self._see()
        while (self._waiting or self._missed) and given < WINDOW_BYTES and self._has_room(1):
            if not self._waiting:
                self._tell_missed()
            given += self._give_next()
        return given > 0

    def begin_anew(self) -> None:
        """The client has come by another connection: what the former one was given is under way no longer."""
        self._under_way = self._given_bytes = self._taken = 0
        self._unwritten_since = None
        noted, self._noted = self._noted, []
        if self._rules.left is not None:
            for parent in noted:
                self._rules.left(parent)

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.close()
        self._missed = 0

    def end(self) -> None:
        """The kernel ends: give a client that reads what waits for it."""
        given = 0
        while self._waiting and given < LAST_WORDS_BYTES and not self._stopped():
            given += self._give_next()
        self.close()

    def _has_room(self, cost: int) -> bool:
        if not self._under_way or self._under_way + cost <= WINDOW_BYTES:
            return True
        self._see()
        return not self._under_way

    def _see(self) -> None:
        progress = self._look()
        self._seen_at = self._rules.now()
        if not progress.unsent or progress != self._seen:
            self._seen, self._moved_at = progress, self._seen_at
        if not progress.unsent and self._was_written(progress):
            self.begin_anew()
            self._taken = progress.taken or 0

    def _was_written(self, progress: Progress) -> bool:
        """Whether nothing is unsent because it was taken, and not because libzmq's thread has had no turn to write it yet."""
        if progress.taken is None or progress.taken - self._taken >= self._given_bytes:
            return True
        if self._unwritten_since is None:
            self._unwritten_since = self._seen_at
        return self._seen_at - self._unwritten_since > UNWRITTEN_S

    def _give(self, frames: list[bytes], cost: int) -> None:
        self._under_way += cost
        self._given_bytes += cost - FRAME_COST_BYTES * len(frames)
        self._send(frames)

    def _give_next(self) -> int:
        frames = self._waiting.popleft()
        cost = cost_of(frames)
        self._give(frames, cost)
        if self._rules.left is not None:
            self._noted.append(self._rules.describe(frames)[1])
        return cost

    def _refusal(self, frames: list[bytes]) -> str:
        """Why a message is not kept for the client; empty if it is."""
        if not self._stopped():
            self._kept_bytes = 0
            return ""
        if self._rules.describe(frames)[0] not in DROPPABLE and self._kept_bytes < self._rules.lag_bytes:
            self._kept_bytes += cost_of(frames)
            return ""
        return "the client has stopped reading"

    def _stopped(self) -> bool:
        """Whether the client has not read for so long, with so much waiting, that it may miss outputs."""
        if self._waiting.size_bytes <= self._rules.lag_bytes:
            return False
        if self._rules.now() - self._seen_at > POLL_S:
            self._see()
        return self._rules.now() - self._moved_at > self._rules.stopped_s

    def _tell_missed(self) -> None:
        if self._missed:
            assert self._rules.notice is not None
            self._waiting.append(self._rules.notice(self._missed, self._missed_parent))
            self._missed = 0
