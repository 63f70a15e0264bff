"""Records in a file that is appended to: each behind its size, so that a torn last one is noticed.

The logs of a kernel's runtime folder are made of them (`beaker/kernel/inflight.py`, `beaker/gateway/told_log.py`).

Pure.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from beaker.wire.parts import UNREADABLE

T = TypeVar("T")

_SIZE: Final = 4
"""Bytes of the size in front of a record."""


def framed(document: bytes) -> bytes:
    """A record as it stands in the file."""
    return len(document).to_bytes(_SIZE, "little") + document


def read_records(log: bytes, decode: Callable[[bytes], T]) -> Iterator[tuple[T, int, int]]:
    """Each record, where it begins, and where it ends; what is torn, and all behind it, is not read.

    >>> list(read_records(framed(b"one") + framed(b"two")[:-1], bytes.decode))
    [('one', 0, 7)]
    """
    at = 0
    while at + _SIZE <= len(log):
        end = at + _SIZE + int.from_bytes(log[at : at + _SIZE], "little")
        if end > len(log):
            return
        try:
            record = decode(log[at + _SIZE : end])
        except UNREADABLE:
            return
        yield record, at, end
        at = end
