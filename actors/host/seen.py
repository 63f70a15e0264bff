"""The shared memory in which a gateway worker notes what has left for each of its clients, and what they have taken: read here, written
there.

It outlives the worker, so that whoever comes after one that was killed knows what each client has got: who has it mapped reads on,
though its file goes with the worker. Each slot is two numbers of 8 bytes, little-endian, each written at once.
"""

import mmap
import os
import struct
from collections.abc import Sequence
from typing import Final

SLOT_BYTES: Final = 16
"""Of two numbers."""

_WORD = struct.Struct("<q")


class Seen:
    """The slots of one worker.

    Args:
        folders: where it may lie, the first that has it: the gateway's runtime folder, or its state folder where that was full.
        pid: of the worker.

    Raises:
        OSError: there is no such file, or it is empty.
    """

    def __init__(self, folders: Sequence[str], pid: int) -> None:
        paths = [f"{folder}/seen-{pid}" for folder in folders]
        path = next(filter(os.path.exists, paths), paths[-1])
        with open(path, "rb") as file:
            try:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise OSError(f"{path}: {error}") from None
        self.slots = len(self._map) // SLOT_BYTES
        """How many there are."""

    def left(self, slot: int) -> int:
        """Number of the last message that has left the worker."""
        value: int = _WORD.unpack_from(self._map, slot * SLOT_BYTES)[0]
        return value

    def taken(self, slot: int) -> int:
        """Number of the last message that the client's system has."""
        value: int = _WORD.unpack_from(self._map, slot * SLOT_BYTES + _WORD.size)[0]
        return value

    def close(self) -> None:
        """Let go of it; the file is the worker's, or where that was killed the guardian's to remove."""
        self._map.close()
