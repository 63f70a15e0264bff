"""Replies for clients that are not connected now: kept for a moment, then dropped with a log line.

After this process has replaced another, clients need a moment to connect; ZeroMQ does so within 0.1 s. Whoever asked and left
does not come back, and nothing tells one from the other but time.
"""

import asyncio
from collections.abc import Callable

from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.spill import cost_of
from actors.runtime.log import Log, SparseLog
from actors.runtime.malloc import return_free_memory

KEPT_S = 10.0
RETRY_S = 0.05
"""How long a reply is kept, and how often it is tried to deliver it."""
KEPT_BYTES = 8 * 1024 * 1024
"""Of all clients of one channel; one reply may go beyond. Replies to cells take some hundred bytes."""


class Absent:
    """Keeps them, by client, in order.

    Args:
        reach: sends one; False when its client is still away.
    """

    def __init__(self, reach: Callable[[list[bytes]], bool], log: Log) -> None:
        self._reach = reach
        self._log = log
        self._refusals = SparseLog(log, "reply.dropped")
        self._loop = asyncio.get_running_loop()
        self._kept: dict[bytes, Backlog[tuple[float, list[bytes]]]] = {}
        """By the identity of the client, with the time until which each is kept."""
        self._size_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def awaits(self, identity: bytes) -> bool:
        """Whether something is kept for this client, behind which all else must queue."""
        return identity in self._kept

    def keep(self, frames: list[bytes]) -> None:
        """Keep a reply, whose first frame is the client's identity, unless there are too many."""
        if self._size_bytes >= KEPT_BYTES:
            self._refusals.warning(reason="too many wait for clients that are not connected")
            return
        cost = cost_of(frames)
        self._kept.setdefault(frames[0], Backlog()).append((self._loop.time() + KEPT_S, frames), cost)
        self._size_bytes += cost
        if self._timer is None:
            self._timer = self._loop.call_later(RETRY_S, self._retry)

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if left := sum(map(len, self._kept.values())):
            self._log.warning("reply.dropped", reason="the kernel ends, and the client is not connected", dropped=left)
        self._kept.clear()
        self._size_bytes = 0

    def _retry(self) -> None:
        self._timer = None
        now = self._loop.time()
        expired = 0
        for identity, kept in list(self._kept.items()):
            late = 0
            while kept:
                until, frames = kept.first()
                if now > until:
                    late += 1
                elif not self._reach(frames):
                    break
                kept.popleft()
            if late:
                expired += late
                self._log.warning("reply.dropped", reason=f"the client was not connected for {KEPT_S:g} s", dropped=late)
            if not kept:
                del self._kept[identity]
        self._size_bytes = sum(kept.size_bytes for kept in self._kept.values())
        if self._kept:
            self._timer = self._loop.call_later(RETRY_S, self._retry)
        elif expired:
            return_free_memory()
