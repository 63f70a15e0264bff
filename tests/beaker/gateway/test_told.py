"""How much a journal holds: bytes on its shelf, and not so many messages that knowing of them takes the memory."""

import pytest

from beaker.gateway.told import PLACE_COST_BYTES, ToldJournal
from beaker.wire.parts import Parts

LIMIT_BYTES = 1024 * 1024
MEMORY_BYTES = 10_000


class CountingShelf:
    """Knows how many lie there."""

    def __init__(self) -> None:
        self.count = 0

    def put(self, parts: Parts, *, vital: bool) -> int:
        self.count += 1
        return self.count

    def get(self, place: int) -> Parts:
        raise AssertionError("nobody reads here")

    def free(self, place: int) -> None:
        self.count -= 1


@pytest.mark.parametrize("vital", [False, True], ids=["outputs", "statuses"])
def test_of_tiny_messages_no_more_are_kept_than_memory_has_room_for(*, vital: bool) -> None:
    shelf = CountingShelf()
    journal = ToldJournal(shelf, first=1, limit_bytes=LIMIT_BYTES, memory_bytes=MEMORY_BYTES)
    for _ in range(2000):
        journal.add("", "iopub", [b"x"] * 4, vital=vital)
        journal.bound()
    assert 0 < shelf.count <= LIMIT_BYTES // PLACE_COST_BYTES
    journal.clear()
    assert (journal.size_bytes, shelf.count) == (0, 0)


def test_large_messages_are_kept_up_to_the_limit() -> None:
    journal = ToldJournal(CountingShelf(), first=1, limit_bytes=LIMIT_BYTES, memory_bytes=MEMORY_BYTES)
    for _ in range(10):
        journal.add("", "iopub", [bytes(100_000)], vital=False)
        journal.bound()
    assert (len(journal), journal.dropped) == (10, 0)
