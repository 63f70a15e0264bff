"""The gateway's workers, as a kernel host has them: a link each, and on it a stream of bytes for each kernel with clients there.

A piece from a worker finds its kernel by the stream, which begins with an `Open`. A host that has just started may hear of clients
before the Registry has said that their kernel is here: those wait a while. A worker that takes nothing is told nothing more until it
does; what it lacks is in the journals of the kernels.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from actors.host.seen import Seen
from actors.runtime.failures import Unreachable
from actors.runtime.link import Link
from actors.runtime.log import Log, SparseLog
from beaker.gateway.stream import Close, FromHost, FromWorker, Open, Over, decode_from_worker, encode_head
from beaker.gateway.way import Way
from beaker.wire.parts import Parts

FULL_BYTES: Final = 4 * 1024 * 1024
"""Of what a worker's connection has not taken: beyond that it is told nothing more."""
ROOM_BYTES: Final = 1024 * 1024
"""It is told more again when no more than this is left."""
HERE_WITHIN_S: Final = 10.0
"""For a kernel that clients want: a Registry that was killed with this host's predecessor is back within two seconds."""
LOOK_S: Final = 0.01
"""Between two looks at what waits, by a host that leaves."""
EARLY_PIECES: Final = 10_000
"""Of clients of one kernel that is not here yet: no more websockets than that can be open, and none says anything before it is let in."""


class Served(Protocol):
    """A kernel that is here: its `Feed`."""

    def take(self, way: Way, head: FromWorker, parts: list[memoryview]) -> None:
        """A worker says something about one of its clients."""
        ...

    def drained(self, way: Way) -> None:
        """A worker takes more."""
        ...

    def lost(self, way: Way) -> None:
        """The link to a worker is gone."""
        ...


class StreamWay:
    """To one worker, for one kernel; see `Way`."""

    def __init__(self, worker: "Worker", stream: int) -> None:
        self._worker = worker
        self._stream = stream

    @property
    def pid(self) -> int:
        return self._worker.link.peer.pid

    @property
    def full(self) -> bool:
        return self._worker.full

    def send(self, head: FromHost, parts: Parts, *, may_wait: bool = False) -> None:
        self._worker.send(self._stream, head, parts, may_wait=may_wait)

    def taken(self, slot: int) -> int:
        return self._worker.seen.taken(slot)

    def left(self, slot: int) -> int:
        return self._worker.seen.left(slot)


class Worker:
    """One worker that is linked.

    Args:
        seen: its shared memory.
    """

    def __init__(self, link: Link, seen: Seen) -> None:
        self.link = link
        self.seen = seen
        self.streams: dict[int, tuple[StreamWay, Served]] = {}
        self.early: dict[int, str] = {}
        """Streams whose kernel is not here yet, with its id."""
        self._was_full = False
        link.watch_flushes(self._flushed)

    @property
    def full(self) -> bool:
        """Whether it takes nothing more for now."""
        if self.link.waiting_bulk_bytes > FULL_BYTES:
            self._was_full = True
        return self._was_full

    def send(self, stream: int, head: FromHost, parts: Sequence[bytes] = (), *, may_wait: bool = False) -> None:
        """Send it a piece; nothing happens if its link is gone."""
        try:
            self.link.send_bytes(stream, [encode_head(head), *parts], may_wait=may_wait)
        except Unreachable:
            return  # `Workers` hears of that, and the journal has what it does not get

    def _flushed(self) -> None:
        if self._was_full and self.link.waiting_bulk_bytes <= ROOM_BYTES:
            self._was_full = False
            for stream in list(self.streams):
                # Whoever is told first fills it again: the next time it is another's turn.
                way, served = self.streams[stream] = self.streams.pop(stream)
                served.drained(way)
                if self._was_full:
                    break


class Workers:
    """All that are linked.

    Args:
        folders: of the gateway, where workers' shared memory may lie.
        find: gives a kernel that is here.
    """

    def __init__(self, folders: Sequence[str], find: Callable[[str], Served | None], log: Log) -> None:
        self._folders = folders
        self._find = find
        self._log = log
        self._junk = SparseLog(log, "worker.junk")
        self._all: set[Worker] = set()
        self._early: dict[str, list[tuple[Worker, int, list[memoryview]]]] = {}

    async def drained(self, limit_s: float) -> None:
        """Return once the workers have taken what they were told, or after so long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while any(worker.link.waiting_bulk_bytes for worker in self._all) and loop.time() < deadline:  # noqa: ASYNC110 -- once, at the end
            await asyncio.sleep(LOOK_S)

    def accept(self, link: Link) -> None:
        """A worker has linked itself."""
        try:
            seen = Seen(self._folders, link.peer.pid)
        except OSError as error:
            self._log.error("worker.refused", pid=link.peer.pid, reason=str(error))
            link.close("its shared memory cannot be read")
            return
        worker = Worker(link, seen)
        self._all.add(worker)
        link.on_bytes = lambda stream, frames: self._take(worker, stream, frames)
        link.watch(lambda _: self._lost(worker))

    def served(self, kernel_id: str) -> None:
        """A kernel is here: let those in who came before it."""
        for worker, stream, frames in self._early.pop(kernel_id, []):
            if worker in self._all:
                worker.early.pop(stream, None)
                self._take(worker, stream, frames)

    def gone(self, kernel_id: str, feed: Served) -> None:
        """A kernel has ended; its clients were told."""
        self._give_up(kernel_id)
        for worker in self._all:
            worker.streams = {stream: pair for stream, pair in worker.streams.items() if pair[1] is not feed}

    def _take(self, worker: Worker, stream: int, frames: list[memoryview]) -> None:
        try:
            head = decode_from_worker(frames[0])
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
            self._junk.warning(pid=worker.link.peer.pid, reason=str(error))
            return
        if isinstance(head, Open) and not 0 <= head.slot < worker.seen.slots:
            self._junk.warning(pid=worker.link.peer.pid, reason=f"slot {head.slot} of {worker.seen.slots}")
            return
        try:
            self._pass_on(worker, stream, head, frames)
        except Exception:  # noqa: BLE001 -- one kernel that fails must not cut the clients of all others off; its actor is not asked
            self._log.exception("message.failed", stream=stream, head=type(head).__name__)

    def _pass_on(self, worker: Worker, stream: int, head: FromWorker, frames: list[memoryview]) -> None:
        if (pair := worker.streams.get(stream)) is None:
            kernel_id = head.kernel_id if isinstance(head, Open) else worker.early.get(stream)
            if kernel_id is None:
                if not isinstance(head, Close):
                    worker.send(stream, Over(reason="this kernel is not here"))
                return
            served = self._find(kernel_id)
            if served is None:
                self._keep(worker, stream, kernel_id, frames)
                return
            pair = worker.streams[stream] = StreamWay(worker, stream), served
        way, served = pair
        served.take(way, head, frames[1:])

    def _keep(self, worker: Worker, stream: int, kernel_id: str, frames: list[memoryview]) -> None:
        early = self._early.get(kernel_id)
        if early is None:
            early = self._early[kernel_id] = []
            asyncio.get_running_loop().call_later(HERE_WITHIN_S, self._give_up_if, kernel_id, early)
        worker.early[stream] = kernel_id
        early.append((worker, stream, frames))
        if len(early) > EARLY_PIECES:
            self._give_up(kernel_id)

    def _give_up_if(self, kernel_id: str, early: list[tuple[Worker, int, list[memoryview]]]) -> None:
        if self._early.get(kernel_id) is early:
            self._give_up(kernel_id)

    def _give_up(self, kernel_id: str) -> None:
        for worker, stream, _ in self._early.pop(kernel_id, []):
            if worker.early.pop(stream, None) is not None:
                worker.send(stream, Over(reason="this kernel is not here"))

    def _lost(self, worker: Worker) -> None:
        self._all.discard(worker)
        for way, served in worker.streams.values():
            served.lost(way)
        worker.seen.close()
