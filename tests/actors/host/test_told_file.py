"""What outlives a kernel host: whoever dies, and in whatever order, clients get each message once."""

import itertools
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.host import told_file
from actors.host.told_file import FILE, ToldFile
from actors.runtime.log import Log
from beaker.gateway.stream import Reached
from beaker.gateway.telling import Telling
from beaker.gateway.told_log import LONG_BYTES, MESSAGE_BYTES
from tests.beaker.gateway.test_telling import FIRST, NAMES, STEPS, Play, Shelf, Stage, Way, Worker, message, missed

LOG = Log(role="test")
LIFE = 10**6
"""Of numbers: more than any test tells."""
SLOT = struct.Struct("<qq")


class Slots(dict[int, int]):
    """Of a worker: the number that has left for a client, who has it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(SLOT.size * 1000))

    def __setitem__(self, slot: int, number: int) -> None:
        super().__setitem__(slot, number)
        self.note(slot, number, number)

    def note(self, slot: int, left: int, taken: int) -> None:
        """As the worker does."""
        with self.path.open("r+b") as file:
            file.seek(slot * SLOT.size)
            file.write(SLOT.pack(left, taken))


class Places:
    """The runtime folders of a gateway and of a kernel, and who lives there."""

    def __init__(self, root: Path) -> None:
        self.gateway, self.kernel = root / "gateway", root / "kernel"
        for folder in (self.gateway, self.kernel):
            folder.mkdir()
        self._pids = itertools.count(1000)
        self._lives = itertools.count()
        self.told: ToldFile | None = None

    def live(self, stage: Stage) -> Stage:
        """The next life of a host."""
        if self.told is not None:
            self.told.close()
        self.told = ToldFile(str(self.kernel), str(self.gateway), LOG)
        options: dict[str, Any] = {"first": FIRST + LIFE * next(self._lives), "limit_bytes": 10**8, "replay_s": 100.0}
        stage.telling = Telling(Shelf(), missed, **options, lasting=self.told, former=self.told.former)
        return stage

    def way(self, room: int = 1_000_000) -> Way:
        """To the next worker."""
        way = Way(room)
        way.pid = next(self._pids)
        way.slots = Slots(self.gateway / f"seen-{way.pid}")
        return way

    def kill(self, way: Way) -> None:
        """A worker; the guardian removes what is its own."""
        (self.gateway / f"seen-{way.pid}").unlink()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def come(stage: Stage, way: Way, after: int = -1) -> list[bytes]:
    """A client comes, and its worker fetches until it is live; gives what it was told."""
    way.sent.clear()
    stage.come(way, "a", 0, after)
    while not (reached := way.heads(Reached)[-1]).live:
        stage.telling.fetch(way, "a", reached.number)
    return way.told("a")


def test_what_no_client_has_got_is_told_by_the_next_life_though_the_worker_died_with_the_host(places: Places) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    for text, session in (("1", ""), ("2", "a"), ("3", ""), ("another's", "b")):
        stage.tell(text, session)
    way.slots[0] = FIRST
    places.kill(way)
    places.live(stage)
    stage.tell("4")
    assert come(stage, places.way()) == [b"2", b"3", b"4"]


def test_a_worker_that_lives_on_gets_what_was_under_way_to_it(places: Places) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    for text in ("1", "2", "3"):
        stage.tell(text)
    places.live(stage)
    assert come(stage, way, after=FIRST) == [b"2", b"3"]


@pytest.mark.parametrize(("dies", "expected"), [(True, [b"3"]), (False, [b"2", b"3"])])
def test_what_has_left_counts_where_the_worker_has_died_and_what_was_taken_where_it_lives(
    places: Places, dies: bool, expected: list[bytes]
) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    for text in ("1", "2", "3"):
        stage.tell(text)
    places.live(stage)
    assert isinstance(way.slots, Slots)
    way.slots.note(0, FIRST + 1, FIRST)
    if dies:
        places.kill(way)  # later than the host
    assert come(stage, places.way()) == expected


def test_a_client_that_nobody_knows_is_told_nothing_of_a_former_life(places: Places) -> None:
    stage = places.live(Stage())
    stage.tell("1")
    places.live(stage)
    assert come(stage, places.way()) == []


def test_a_client_that_had_gone_before_the_host_died_gets_what_it_lacks(places: Places) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    stage.tell("1")
    way.slots[0] = FIRST
    stage.telling.close(way, "a", now=0.0)
    stage.tell("2", "a")
    for _ in range(3):
        places.live(stage)
    assert come(stage, places.way()) == [b"2"]
    assert come(stage, places.way()) == [b"2"], "it has not got it yet"


def test_of_what_is_too_large_the_next_life_tells_a_stand_in_or_that_it_was_dropped(places: Places) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    large = message(b"x" * (MESSAGE_BYTES + 1))
    stage.telling.tell("a", "shell", large, vital=True, now=0.0, stand_in=message("its place"))
    stage.telling.tell("", "iopub", large, vital=False, now=0.0)
    stage.tell("3")
    assert len(way.told("a")[-3]) == MESSAGE_BYTES + 1
    places.live(stage)
    assert come(stage, places.way()) == [b"its place", b"missed 1", b"3"]


def test_the_file_stays_short_and_gives_up_the_oldest_outputs_and_no_reply(places: Places) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    for number in range(60):
        stage.telling.tell("", "iopub", message(b"x" * (MESSAGE_BYTES - 100)), vital=False, now=0.0)
        stage.tell(f"{number}", "a")
        assert (places.kernel / FILE).stat().st_size <= LONG_BYTES + 2 * MESSAGE_BYTES
    places.live(stage)
    told = come(stage, places.way())
    outputs = sum(len(text) > 1000 for text in told)
    dropped = sum(int(text.split()[1]) for text in told if text.startswith(b"missed"))
    assert [int(text) for text in told if text.isdigit()] == list(range(60))
    assert 0 < outputs < 60
    assert outputs + dropped == 60


def test_a_worker_that_nobody_is_at_takes_no_room_also_where_it_was_of_a_former_life(places: Places) -> None:
    stage, way, following = places.live(Stage()), places.way(), places.way()
    come(stage, way)
    places.live(stage)
    stage.telling.trim(0.0)
    assert [path.name for path in places.kernel.glob("seen-*")] == [f"seen-{way.pid}"], "it says what the client has"
    come(stage, following)
    stage.telling.trim(0.0)
    stage.telling.lost(following, now=0.0)
    stage.telling.trim(0.0)
    assert list(places.kernel.glob("seen-*")) == []


def test_what_everybody_has_takes_no_room(places: Places) -> None:
    stage, following = places.live(Stage()), places.way()
    come(stage, following)
    for number in range(2000):
        stage.tell("x" * 100)
        following.slots[0] = FIRST + number
    stage.telling.trim(0.0)
    assert (places.kernel / FILE).stat().st_size <= told_file.TIDY_BYTES + 1000


@pytest.mark.parametrize("cut", [1, 10])
def test_a_torn_end_costs_no_more_than_itself(places: Places, cut: int) -> None:
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    for text in ("1", "2"):
        stage.tell(text)
    path = places.kernel / FILE
    os.truncate(path, path.stat().st_size - cut)
    places.live(stage)
    stage.tell("3")
    assert come(stage, places.way()) == [b"1", b"3"]
    places.live(stage)
    assert come(stage, places.way()) == [b"1", b"3"]


def test_a_folder_that_takes_nothing_costs_the_next_lifes_knowledge_and_nothing_else(places: Places) -> None:
    places.kernel.rmdir()
    stage, way = places.live(Stage()), places.way()
    come(stage, way)
    stage.tell("1")
    stage.telling.trim(0.0)
    assert way.told("a") == [b"1"]
    places.live(stage)
    assert come(stage, places.way()) == []


# The whole, at random.


class MortalWorker(Worker):
    """One whose slots outlive it."""

    def __init__(self, stage: Stage, places: Places) -> None:
        super().__init__(stage)
        self._places = places
        self.way = places.way(room=4)

    def relink(self) -> None:
        """To a next life of the host, too."""
        way = Way(room=4)
        way.pid, way.slots = self.way.pid, self.way.slots
        self.stage.telling.lost(self.way, now=0.0)
        self.way = way
        self.unopened.clear()
        for name in list(self.clients):
            self._open(name)


class MortalPlay(Play):
    """Hosts and workers die."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places
        places.live(self.stage)
        self.mortals = [MortalWorker(self.stage, places) for _ in range(2)]
        self.workers = list(self.mortals)

    def step(self, kind: str, *at: Any) -> None:
        if kind == "kill":
            self.stage.telling.lost(self.workers[at[0]].way, now=0.0)
            self._kill(at[0])
        elif kind == "die":
            self.die(*at)
        else:
            super().step(kind, *at)

    def die(self, pieces: int, killed: set[int], gone: str, when: str) -> None:
        """The host does.

        Args:
            pieces: which are in the links, and are read there.
            killed: workers that die too.
            gone: a client that goes meanwhile.
            when: workers die, `before` the next life begins or `behind` that.
        """
        for worker in self.workers:
            for _ in range(pieces):
                worker.read()
            if gone in worker.clients:
                worker._forget(gone)
        if when == "before":
            for number in killed:
                self._kill(number)
        self.places.live(self.stage)
        if when == "behind":
            for number in killed:
                self._kill(number)
        for worker in self.workers:
            worker.relink()

    def _kill(self, number: int) -> None:
        self.places.kill(self.workers[number].way)
        self.workers[number] = MortalWorker(self.stage, self.places)


DEATHS = st.tuples(
    st.just("die"), st.integers(0, 4), st.sets(st.integers(0, 1)), st.sampled_from(["", *NAMES]), st.sampled_from(["before", "behind"])
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(STEPS, STEPS, STEPS, DEATHS), min_size=20, max_size=120))
def test_whoever_dies_each_client_gets_all_that_concerns_it_once_and_in_order(steps: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as root:
        patch.setattr(told_file, "TIDY_BYTES", 200)
        play = MortalPlay(Places(Path(root)))
        for kind, *at in steps:
            play.step(kind, *at)
        play.finish()
        assert {name: client.got for name, client in play.clients.items()} == {name: client.wanted for name, client in play.clients.items()}
        assert play.places.told is not None
        play.places.told.close()
