"""Where messages lie that clients lack and memory should not hold: files that have no name.

Written one behind the other in segments; a segment goes when nothing of it is wanted any more, so that a client which is away for an
hour does not keep what all the others have got. Vital messages have segments of their own: they stay when the outputs around them are
dropped, and one status would keep sixteen megabytes of those on the disk. Reads and writes go to the page cache and are done on the
loop: a thread would cost more than they do.
"""

import errno
import os
import struct
import tempfile
from typing import BinaryIO, Final

from actors.runtime.log import Log, SparseLog
from actors.runtime.malloc import return_free_memory
from beaker.places import FULL
from beaker.wire.parts import Parts

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""At this size the next is begun: few files for what may be kept, and not much that is kept in vain."""
_OFFSET_BITS: Final = 40
"""Of a place: a terabyte, behind the number of its segment."""

PREFIX: Final = "beaker-told-"
"""Of files while they have a name, on systems where they have one for a moment."""
_NO_ROOM: Final = FULL | {errno.EMFILE, errno.ENFILE}
"""Failures that are no reason to fill another file system."""

_SIZE = struct.Struct("<I")


class _Segment:
    __slots__ = ("end", "file", "held")

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.end = 0
        self.held = 0
        """Messages in it that are wanted."""


class FileShelf:
    """See `beaker.gateway.told.Shelf`.

    Args:
        folder: where the files lie; where none can be made there, or empty: the folder for temporary files, which is memory on many
            machines.
    """

    def __init__(self, log: Log, folder: str = "") -> None:
        self._log = log
        self._folder = folder
        self._full = SparseLog(log, "journal.no_room")
        self._segments: dict[int, _Segment] = {}
        self._begun = 0
        """Segments, in all."""
        self._latest = {True: 0, False: 0}
        """By whether what lies there is vital: the number of the segment that is written to."""

    def put(self, parts: Parts, *, vital: bool) -> int | None:
        record = b"".join([_SIZE.pack(len(parts)), *(_SIZE.pack(len(part)) for part in parts), *parts])
        try:
            number, segment = self._segment(vital=vital)
            written = 0
            while written < len(record):
                # Half a record that a full disk leaves behind is overwritten by the next one.
                written += os.pwrite(segment.file.fileno(), record[written:] if written else record, segment.end + written)
        except OSError as error:
            self._full.warning(reason=error.strerror)
            return None
        place = number << _OFFSET_BITS | segment.end
        segment.end += len(record)
        segment.held += 1
        return place

    def get(self, place: int) -> Parts:
        descriptor = self._segments[place >> _OFFSET_BITS].file.fileno()
        at = place & ((1 << _OFFSET_BITS) - 1)
        (count,) = _SIZE.unpack(_read(descriptor, _SIZE.size, at))
        table = _read(descriptor, count * _SIZE.size, at + _SIZE.size)
        at += _SIZE.size * (1 + count)
        parts: Parts = []
        for (size,) in _SIZE.iter_unpack(table):
            parts.append(_read(descriptor, size, at))
            at += size
        return parts

    def free(self, place: int) -> None:
        number = place >> _OFFSET_BITS
        segment = self._segments[number]
        segment.held -= 1
        if not segment.held:
            segment.file.close()
            del self._segments[number]
            if not self._segments:
                return_free_memory()  # which the flood has left behind

    def _segment(self, *, vital: bool) -> tuple[int, _Segment]:
        segment = self._segments.get(self._latest[vital])
        if segment is None or segment.end >= SEGMENT_BYTES:
            made = _Segment(self._file())
            self._begun += 1
            self._latest[vital] = self._begun
            segment = self._segments[self._begun] = made
        return self._latest[vital], segment

    def _file(self) -> BinaryIO:
        if self._folder:
            try:
                return tempfile.TemporaryFile(prefix=PREFIX, buffering=0, dir=self._folder)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise
                self._log.warning("journal.elsewhere", folder=self._folder, reason=error.strerror)
                self._folder = ""
        return tempfile.TemporaryFile(prefix=PREFIX, buffering=0)


def _read(descriptor: int, size_bytes: int, at: int) -> bytes:
    found = os.pread(descriptor, size_bytes, at)
    while len(found) < size_bytes:
        more = os.pread(descriptor, size_bytes - len(found), at + len(found))
        if not more:
            raise OSError(f"the journal's file ends {size_bytes - len(found)} bytes too early")
        found += more
    return found
