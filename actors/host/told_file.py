"""The file by which the next host learns what a kernel's clients were told and may lack; see `beaker.gateway.told_log`.

It lies in the kernel's runtime folder, as the log of requests in flight does, and beside it a second name for the shared memory of
each worker where a client of this kernel is: the first goes with the worker, and what the client has got must be known longer. What is
written lies in the page cache: it survives the death of this process, and not that of the machine, which no kernel survives.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from actors.host.seen import Seen
from actors.runtime.log import Log, SparseLog
from beaker.gateway.former import Former, FormerClient, Past
from beaker.gateway.gaps import Gaps
from beaker.gateway.told_log import LONG_BYTES, MESSAGE_BYTES, Gone, Known, Place, choose, entry, head, message_entry, replay, size_of
from beaker.wire.parts import Parts
from beaker.wire.websocket import WebsocketChannel

FILE: Final = "told"
TIDY_BYTES: Final = 64 * 1024
"""What nobody lacks any more may take so much before the file is written anew."""


class ToldFile:
    """See `beaker.gateway.lasting.Lasting`.

    Args:
        folder: the kernel's runtime folder.
        gateway: the gateway's, with the shared memory of its workers.
    """

    def __init__(self, folder: str, gateway: str, log: Log) -> None:
        self._folder = Path(folder)
        self._gateway = Path(gateway)
        self._log = log
        self._unwritable = SparseLog(log, "told.unwritable")
        self._places: deque[Place] = deque()
        self._held_bytes = 0
        """Of the messages at these places."""
        self._gaps = Gaps()
        self._linked: set[int] = set()
        """Workers whose shared memory has a name here."""
        self._left = True
        """A client has left one since it was looked for such where none is; or a life before this one."""
        self._bytes = 0
        self._long_bytes = LONG_BYTES
        self._file: int | None = None
        self.former = self._open()
        """What the life before this one has told."""

    @property
    def is_long(self) -> bool:
        """See `Lasting`."""
        return self._bytes > self._long_bytes

    def message(self, number: int, session: str, channel: WebsocketChannel, parts: Parts, *, vital: bool, now: float) -> None:
        """See `Lasting`."""
        if size_of(parts) > MESSAGE_BYTES:
            self._gaps.add(number, session)
            self._write(entry(Gone(session, number, number)))
            return
        at = self._bytes
        written = self._write(message_entry(number, session, channel, parts, vital=vital, at=now))
        if written:
            self._places.append((number, session, vital, at, written))
            self._held_bytes += written
        else:
            self._gaps.add(number, session)

    def client(self, known: Known) -> None:
        """See `Lasting`."""
        if known.pid and known.pid not in self._linked:
            self._link(known.pid)
        self._left = self._left or not known.pid
        self._write(entry(known))

    def tidy(self, floor: int, clients: Callable[[], Iterable[Known]]) -> None:
        """See `Lasting`."""
        while self._places and self._places[0][0] <= floor:
            self._held_bytes -= self._places.popleft()[-1]
        if self._bytes > 2 * self._held_bytes + TIDY_BYTES or self.is_long:
            self._gaps.forget(floor)
            self._write_anew(list(clients()))
        if self._left:
            self._left = False
            self._unlink(but={known.pid for known in clients()})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> Former:
        try:
            self._file = os.open(self._folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            found = replay(_read(self._file, 0, os.fstat(self._file).st_size))
            os.ftruncate(self._file, found.end)
        except OSError as error:
            self._unwritable.warning(reason=error.strerror)
            return Former()
        self._bytes = found.end
        self._places.extend(found.places)
        self._held_bytes = sum(size for *_, size in found.places)
        for run in found.gaps.runs():
            self._gaps.add(run[1], run[0], run[2])
        clients = [FormerClient(known.session, known.got, self._past(known) if known.pid else None) for known in found.clients.values()]
        return Former(found.messages, found.gaps, last=found.last, clients=clients)

    def _write(self, record: bytes) -> int:
        """Append; gives how much was written, 0 if it could not be."""
        if self._file is None:
            return 0
        try:
            written = os.pwrite(self._file, record, self._bytes)
        except OSError as error:
            # A full runtime folder costs the next host's knowledge, never the cell.
            self._unwritable.warning(reason=error.strerror)
            return 0
        if written < len(record):
            return 0  # the next record is written over it
        self._bytes += written
        return written

    def _write_anew(self, clients: list[Known]) -> None:
        if self._file is None:
            return
        kept, dropped = choose(self._places, LONG_BYTES // 2)
        for number, session, *_ in dropped:
            self._gaps.add(number, session)
        path = self._folder / FILE
        fresh = path.with_suffix(".new")
        begin = head(clients, self._gaps)
        try:
            pieces = [_read(self._file, at, size) for *_, at, size in kept]
            # Whole or not at all: this process may be killed at any moment of it.
            descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                document = b"".join([begin, *pieces])
                if os.pwrite(descriptor, document, 0) < len(document):
                    raise OSError(0, "no room")
                os.rename(fresh, path)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            self._unwritable.warning(reason=error.strerror)
            fresh.unlink(missing_ok=True)
            self._long_bytes = self._bytes + LONG_BYTES  # not tried again for every message
            return
        os.close(self._file)
        self._long_bytes = LONG_BYTES
        self._file, self._bytes = descriptor, len(document)
        self._places.clear()
        at = len(begin)
        for number, session, vital, _, size in kept:
            self._places.append((number, session, vital, at, size))
            at += size
        self._held_bytes = at - len(begin)

    def _link(self, pid: int) -> None:
        own, worker = self._names(pid)
        self._linked.add(pid)
        try:
            if own.exists():
                if own.samefile(worker):
                    return
                own.unlink()  # of an earlier process with this number
            os.link(worker, own)
        except OSError as error:
            self._unwritable.warning(pid=pid, reason=error.strerror)  # what its clients have got may come twice after our death

    def _unlink(self, but: set[int]) -> None:
        """Let go of the workers where no client is."""
        for path in self._folder.glob("seen-*"):
            pid = int(path.name.rpartition("-")[2])
            if pid not in but:
                path.unlink(missing_ok=True)
                self._linked.discard(pid)

    def _past(self, known: Known) -> Past:
        """What is read when the client comes back: until then its worker may go on, or die."""
        own, worker = self._names(known.pid)

        def read() -> int:
            try:
                seen = Seen([str(self._folder)], known.pid)
            except OSError:
                return -1
            try:
                if not 0 <= known.slot < seen.slots:
                    return -1
                # The name that the worker has given it goes with the worker; what had left then is being delivered.
                lives = worker.exists() and own.samefile(worker)
                return seen.taken(known.slot) if lives else seen.left(known.slot)
            except OSError:
                return seen.left(known.slot)
            finally:
                seen.close()

        return Past(known.pid, known.slot, read)

    def _names(self, pid: int) -> tuple[Path, Path]:
        """Of a worker's shared memory: ours, and the worker's."""
        name = f"seen-{pid}"
        return self._folder / name, self._gateway / name


def _read(descriptor: int, at: int, size: int) -> bytes:
    found = os.pread(descriptor, size, at)
    while len(found) < size:
        more = os.pread(descriptor, size - len(found), at + len(found))
        if not more:
            raise OSError(0, f"the file ends {size - len(found)} bytes too early")
        found += more
    return found
