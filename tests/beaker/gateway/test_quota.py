"""What all kernels of a host may keep together, and who gives when that is too much."""

from typing import Any

from beaker.gateway.quota import LOOK_BYTES, Quota
from beaker.gateway.stream import Open
from beaker.gateway.telling import Telling
from beaker.wire.parts import CONTENT
from tests.beaker.gateway.test_telling import FIRST, Shelf, Way, message

MIB = 1024 * 1024


class Keeper:
    """Keeps so much, of which some cannot be given."""

    def __init__(self, size_bytes: int, *, vital_bytes: int = 0, trimmable_bytes: int = 0) -> None:
        self.size_bytes = size_bytes
        self._vital_bytes = vital_bytes
        self._trimmable_bytes = trimmable_bytes

    def trim(self, now: float) -> None:
        self.size_bytes -= self._trimmable_bytes
        self._trimmable_bytes = 0

    def give_up(self, wanted_bytes: int) -> None:
        self.size_bytes = max(min(self.size_bytes, wanted_bytes), self._vital_bytes)


def left(limit_bytes: int, *keepers: Keeper) -> list[int]:
    """What these keep, in MiB, once the quota was enforced."""
    quota = Quota(limit_bytes)
    for keeper in keepers:
        quota.join(keeper)
    quota.enforce(0.0)
    return [keeper.size_bytes // MIB for keeper in keepers]


def test_nobody_gives_anything_while_there_is_room() -> None:
    assert left(100 * MIB, Keeper(60 * MIB), Keeper(40 * MIB)) == [60, 40]


def test_the_one_that_keeps_most_gives_and_the_small_ones_keep_all() -> None:
    assert left(80 * MIB, Keeper(100 * MIB), Keeper(5 * MIB), Keeper(1 * MIB)) == [64, 5, 1]


def test_large_ones_give_alike() -> None:
    kept = left(80 * MIB, Keeper(100 * MIB), Keeper(90 * MIB), Keeper(5 * MIB))
    assert sum(kept) <= 70
    assert kept[2] == 5
    assert max(kept[:2]) <= 2 * min(kept[:2])


def test_what_nobody_lacks_goes_first() -> None:
    assert left(80 * MIB, Keeper(100 * MIB, trimmable_bytes=90 * MIB), Keeper(20 * MIB)) == [10, 20]


def test_one_that_has_nothing_to_give_is_passed_over() -> None:
    assert left(80 * MIB, Keeper(100 * MIB, vital_bytes=100 * MIB), Keeper(20 * MIB)) == [100, 0]


def test_without_a_limit_nobody_is_asked_and_one_that_has_left_is_not_either() -> None:
    quota, keeper = Quota(), Keeper(100 * MIB)
    quota.join(keeper)
    quota.enforce(0.0)
    limited = Quota(MIB)
    limited.join(keeper)
    limited.leave(keeper)
    limited.enforce(0.0)
    assert keeper.size_bytes == 100 * MIB


class Kernel:
    """One kernel's telling, with a client whose worker takes no more than two messages."""

    def __init__(self, quota: Quota) -> None:
        self.telling = Telling(
            Shelf(),
            lambda count, parent: message(f"{count} missed"),
            first=FIRST,
            limit_bytes=1000 * MIB,
            replay_s=100.0,
            memory_bytes=10_000,
            quota=quota,
        )
        self.way = Way(room=2)
        self.telling.open(self.way, Open(kernel_id="k", session="a", slot=1))
        self.telling.fetch(self.way, "a", -1)

    def flood(self, count: int, size_bytes: int) -> None:
        """Tell so many outputs."""
        for number in range(count):
            self.telling.tell("", "iopub", message(str(number).ljust(size_bytes)), vital=False, now=0.0)

    def read_on(self) -> list[Any]:
        """What comes when the worker takes everything."""
        self.way.room = 1_000_000
        self.telling.drained(self.way)
        return [parts[CONTENT].split()[0] + b" missed" * (b"missed" in parts[CONTENT]) for _, parts in self.way.sent if parts]


def test_a_flood_of_one_kernel_costs_its_own_clients_who_are_told_how_many_and_no_others() -> None:
    quota = Quota(4 * LOOK_BYTES)
    loud, quiet = Kernel(quota), Kernel(quota)
    quiet.flood(20, 1000)
    loud.flood(100, LOOK_BYTES // 10)
    assert loud.telling.size_bytes + quiet.telling.size_bytes <= 5 * LOOK_BYTES
    heard = quiet.read_on()
    assert heard == [str(number).encode() for number in range(20)]
    loud_heard = loud.read_on()
    (notice,) = [each for each in loud_heard if each.endswith(b" missed")]
    assert int(notice.split()[0]) == loud.telling.dropped > 0
    assert len(loud_heard) - 1 + loud.telling.dropped == 100
    assert quiet.telling.dropped == 0
