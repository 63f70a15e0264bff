"""One client of iopub, whose connection a test describes."""

import pytest

from actors.kernel.sockets.connection import Progress
from actors.kernel.sockets.lane import UNWRITTEN_S, WINDOW_BYTES, Lane, Rules
from actors.kernel.sockets.spill import cost_of
from actors.runtime.log import Log

SIZE_BYTES = WINDOW_BYTES // 4


class Connection:
    """What the operating system would say, and what libzmq was given."""

    def __init__(self) -> None:
        self.progress = Progress(0, 0)
        self.given: list[list[bytes]] = []
        self.now = 50.0
        self.unread: list[bytes] = []
        """What waits or is under way behind that."""
        rules = Rules(
            notice=lambda count, parent: [b"notice", b"%d" % count, parent],
            describe=lambda frames: (frames[0].decode(), frames[0]),
            lag_bytes=100 * WINDOW_BYTES,
            stopped_s=1.0,
            now=lambda: self.now,
            log=Log(),
            event="iopub.dropped",
            waits=lambda frames: self.unread.append(frames[0]),
            left=self.unread.remove,
        )
        self.lane = Lane(rules, self.given.append, lambda: self.progress)

    def put(self, count: int) -> None:
        for _ in range(count):
            frames = [b"stream", bytes(SIZE_BYTES)]
            self.lane.put(frames, cost_of(frames))

    def flushed(self) -> int:
        """How many messages libzmq was given in all, after it was given what it may be."""
        while self.lane.flush():
            pass
        return len(self.given)

    @property
    def given_bytes(self) -> int:
        return sum(len(frame) for frames in self.given for frame in frames)


def test_what_libzmq_has_had_no_turn_to_write_is_not_taken() -> None:
    connection = Connection()
    connection.put(20)
    assert connection.flushed() == 4, "one window"
    connection.progress = Progress(0, connection.given_bytes - 1)
    assert connection.flushed() == 4
    connection.progress = Progress(0, connection.given_bytes)
    assert connection.flushed() == 8


def test_what_is_never_written_holds_the_client_up_for_a_moment_only() -> None:
    connection = Connection()
    connection.put(20)
    assert connection.flushed() == 4
    connection.now += UNWRITTEN_S + 0.1
    assert connection.flushed() == 8, "and the moment begins anew"


@pytest.mark.parametrize(("unsent", "given"), [(0, 20), (1, 4)])
def test_where_the_system_does_not_say_what_was_taken_that_nothing_is_unsent_must_do(unsent: int, given: int) -> None:
    connection = Connection()
    connection.progress = Progress(unsent)
    connection.put(20)
    assert connection.flushed() == given


def test_what_a_former_connection_was_given_does_not_hold_up_what_the_next_one_is() -> None:
    connection = Connection()
    connection.put(20)
    assert connection.flushed() == 4
    connection.progress = Progress(0, 100)
    assert connection.flushed() == 4, "all that the next one was sent are a hundred bytes, and libzmq has more"
    connection.lane.begin_anew()
    assert connection.flushed() == 8


def test_what_had_to_wait_is_noted_until_it_was_taken() -> None:
    connection = Connection()
    connection.put(3)
    assert connection.unread == [], "libzmq may hold them"
    connection.put(3)
    assert connection.flushed() == 4, "one window"
    assert len(connection.unread) == 3
    connection.progress = Progress(0, connection.given_bytes)
    assert connection.flushed() == 6
    assert len(connection.unread) == 2, "those that are under way"
    assert connection.lane.behind, "who looks after lanes has to look on"
    connection.progress = Progress(0, connection.given_bytes)
    connection.flushed()
    assert connection.unread == []
    assert not connection.lane.behind


def test_what_was_given_to_a_connection_that_is_over_is_noted_no_more() -> None:
    connection = Connection()
    connection.put(4)
    assert connection.flushed() == 4
    assert len(connection.unread) == 1
    connection.lane.begin_anew()
    assert connection.unread == []
