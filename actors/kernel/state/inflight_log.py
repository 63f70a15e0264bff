"""The file that tells a successor of this process which requests are in flight; see `beaker.kernel.inflight`.

What went to the subkernel is forgotten when that dies, as it is answered then. What we answer ourselves (questions), and what
waits for a subkernel or was answered and not read, lives on, and is written anew into the emptied file.
"""

import errno
import os
import time
from pathlib import Path
from typing import Final

from actors.runtime.log import Log
from beaker import places
from beaker.kernel import inflight
from beaker.kernel.inflight import Replayed
from beaker.kernel.pending import Channel, ExecuteFlags, Pending
from beaker.wire.parts import read_header

UNREAD_LIMIT: Final = 10_000
"""Replies that are not read and that a successor is told of one by one: each takes half a kilobyte of memory, and a client that has
stopped reading may be owed any number. Of the others, which wait like these, it is told how many there were."""


def inflight_path(folder: str) -> str:
    """Where it lies in a kernel's runtime folder; it is there from the start of the first kernel process to the end of the kernel."""
    return f"{folder}/inflight"


class InflightLog:
    """Appends to the file.

    Args:
        path: in the runtime folder.
    """

    def __init__(self, path: str, log: Log) -> None:
        self._path = Path(path)
        self._file = _open(self._path)
        self._log = log
        self._bytes = 0
        self._least = 0
        """What was left of it when it was emptied."""
        self._kept: dict[tuple[Channel, str], Pending] = {}
        """Requests that are not over and that no subkernel has: we answer them ourselves, or they wait for one."""
        self._unread: dict[tuple[Channel, str], Pending] = {}
        """Requests that were answered, and whose clients have not read that."""
        self._more = 0
        """So many are there beyond these."""
        self._former = self.read()
        """Read before anything of ours is written, as clients are served before it is known what became of the subkernel."""
        os.ftruncate(self._file, self._former.end)

    def begun(self, pending: Pending) -> None:
        """A request was sent to the subkernel, waits for one, or is being answered by us."""
        if pending.own or not pending.sent:
            self._kept[pending.channel, pending.msg_id] = pending
        else:
            self._kept.pop((pending.channel, pending.msg_id), None)
        self._write(inflight.begun(pending, time.monotonic()))

    def over(self, msg_id: str, last_count: int, *, quiet: bool, channel: Channel) -> None:
        """A request was answered.

        Args:
            channel: that it came by.
            last_count: the highest number of a cell until then.
            quiet: no client waits for the subkernel, so the file may be emptied if it has grown.
        """
        self._kept.pop((channel, msg_id), None)
        self._write(inflight.over(msg_id, last_count, channel, time.monotonic()))
        if quiet and self._bytes > 2 * self._least + inflight.COMPACT_BYTES:
            self._write_anew(inflight.over("", last_count))

    def reply_waits(self, channel: Channel, idents: list[bytes], parent: bytes) -> None:
        """A request was answered, and the reply waits in this process until its client reads.

        Args:
            channel: that the reply is for.
            parent: the header document of the request.
        """
        if len(self._unread) >= UNREAD_LIMIT:
            self._count_more(1)
            return
        header = read_header(parent)
        flags = ExecuteFlags() if header.msg_type == "execute_request" else None
        pending = Pending(header.msg_id, header.session, header.msg_type, parent, idents, channel, flags, unread=True)
        self._unread[channel, header.msg_id] = pending
        self._write(inflight.begun(pending))

    def reply_left(self, channel: Channel, parent: bytes) -> None:
        """The client took it."""
        msg_id = read_header(parent).msg_id
        if self._unread.pop((channel, msg_id), None) is None:
            self._count_more(-1)
        else:
            self._write(inflight.over(msg_id, 0, channel))

    def asked(self, msg_id: str, idents: list[bytes]) -> None:
        """A cell asks its client for input."""
        self._write(inflight.asked(msg_id, idents))

    def input_answered(self, idents: list[bytes]) -> None:
        """The client has answered."""
        self._write(inflight.input_answered(idents))

    def forget(self, *, held_too: bool = False) -> None:
        """Nothing that went to the subkernel is in flight any more.

        Args:
            held_too: nor does anything wait for one.
        """
        if held_too:
            self._kept = {key: pending for key, pending in self._kept.items() if pending.own}
        self._write_anew()

    def take_former(self) -> Replayed:
        """What the process before us had in flight. The first to ask is told, and has to see to it."""
        former, self._former = self._former, Replayed([], 0, [])
        if former.more:
            self._write(inflight.more(0))
        return former

    def read(self) -> Replayed:
        """What a process after us would find."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            return inflight.replay(file.read())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _count_more(self, change: int) -> None:
        self._more = max(0, self._more + change)
        self._write(inflight.more(self._more))

    def _write_anew(self, first: bytes = b"") -> None:
        """Write down only what lives on, behind this.

        Whole or not at all: this process may be killed at any moment of it, and emptying a file takes a while on a busy disk.
        """
        entries = [first, *(inflight.begun(pending, time.monotonic()) for pending in (*self._kept.values(), *self._unread.values()))]
        if self._more:
            entries.append(inflight.more(self._more))
        document = b"".join(entries)
        if not document or not self._replace(document):
            os.ftruncate(self._file, 0)
            self._bytes = 0
            if document:
                self._write(document)
        self._least = self._bytes

    def _replace(self, document: bytes) -> bool:
        """Put another file into the place of this one; False where the folder takes none."""
        fresh = self._path.with_suffix(".new")
        try:
            file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            whole = os.write(file, document) == len(document)
            if whole:
                os.rename(fresh, self._path)
        except OSError:
            whole = False
        if not whole:
            os.close(file)
            fresh.unlink(missing_ok=True)
            return False
        os.close(self._file)
        self._file, self._bytes = file, len(document)
        return True

    def _write(self, entry: bytes) -> None:
        try:
            written = os.write(self._file, entry)
            if written < len(entry):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # A full runtime folder costs the successor's knowledge, never the cell.
            self._log.warning("inflight.unwritable", reason=error.strerror)
            return
        self._bytes += len(entry)


def _open(path: Path) -> int:
    """Open the file; its folder may have been cleaned away since it was made."""
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            places.renew(path.parent, uid=os.getuid())
