"""What clients get, whatever workers and links do: each message that concerns them once, in order."""

from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beaker.gateway.stream import FromHost, Open, Opened, Over, Reached, Superseded, Told
from beaker.gateway.telling import FETCH_BYTES, Telling
from beaker.wire.parts import CONTENT, Parts
from beaker.wire.websocket import WebsocketChannel

FIRST = 1000


class Shelf:
    """In memory."""

    def __init__(self) -> None:
        self.there: dict[int, Parts] = {}
        self._places = 0
        self.room = True

    def put(self, parts: Parts, *, vital: bool) -> int | None:
        if not self.room:
            return None
        self._places += 1
        self.there[self._places] = list(parts)
        return self._places

    def get(self, place: int) -> Parts:
        return self.there[place]

    def free(self, place: int) -> None:
        del self.there[place]


class Way:
    """A link to a worker whose connection takes what a test says."""

    pid = 1

    def __init__(self, room: int = 1_000_000) -> None:
        self.sent: deque[tuple[FromHost, Parts]] = deque()
        self.slots: dict[int, int] = {}
        self.sent_last: dict[int, int] = {}
        """Where it is not what was taken."""
        self.room = room

    @property
    def full(self) -> bool:
        return len(self.sent) >= self.room

    def send(self, head: FromHost, parts: Parts, *, may_wait: bool = False) -> None:
        self.sent.append((head, parts))

    def taken(self, slot: int) -> int:
        return self.slots.get(slot, 0)

    def left(self, slot: int) -> int:
        return self.sent_last.get(slot, self.taken(slot))

    def told(self, session: str = "") -> list[Any]:
        """The contents of what was told, for all and for one."""
        return [parts[CONTENT] for head, parts in self.sent if isinstance(head, Told) and head.session in ("", session)]

    def heads(self, kind: type) -> list[Any]:
        """All heads of a class."""
        return [head for head, _ in self.sent if isinstance(head, kind)]


def message(text: str | bytes) -> Parts:
    """A message with this content."""
    return [b"{}", b"{}", b"{}", text if isinstance(text, bytes) else text.encode()]


def missed(count: int, parent: bytes) -> Parts:
    return message(f"missed {count}")


class Stage:
    """A kernel that tells."""

    def __init__(self, **limits: Any) -> None:
        self.shelf = Shelf()
        options: dict[str, Any] = {"first": FIRST, "limit_bytes": 100_000_000, "replay_s": 100.0, **limits}
        self.telling = Telling(self.shelf, missed, **options)
        self.now = 0.0

    def tell(self, text: str | bytes, session: str = "", channel: WebsocketChannel = "iopub") -> None:
        self.telling.tell(session, channel, message(text), vital=bool(session), now=self.now)

    def come(self, way: Way, session: str, slot: int = 0, after: int = -1) -> None:
        self.telling.open(way, Open(kernel_id="k", session=session, slot=slot))
        self.telling.fetch(way, session, after)


def test_a_client_that_has_just_come_is_told_what_comes_from_then_on() -> None:
    stage, way = Stage(), Way()
    stage.tell("before")
    stage.come(way, "a")
    stage.tell("all")
    stage.tell("mine", "a", "shell")
    stage.tell("another's", "b", "shell")
    assert way.told("a") == [b"all", b"mine"]
    assert [type(head).__name__ for head, _ in way.sent] == ["Opened", "Reached", "Told", "Told"]
    assert way.heads(Reached) == [Reached(session="a", number=FIRST, live=True)]


def test_a_worker_is_told_once_what_concerns_all_of_its_clients() -> None:
    stage, way = Stage(), Way()
    for slot, session in enumerate("abc"):
        stage.come(way, session, slot)
    stage.tell("all")
    assert way.told() == [b"all"]


def test_a_client_that_comes_back_gets_what_it_lacks_and_no_more() -> None:
    stage, way, other = Stage(), Way(), Way()
    stage.come(way, "a")
    for text in ("1", "2", "3"):
        stage.tell(text)
    way.slots[0] = FIRST + 1
    stage.telling.close(way, "a", now=1.0)
    stage.tell("4", "a", "shell")
    stage.come(other, "a", 7)
    stage.tell("5", "a", "shell")
    assert other.told("a") == [b"3", b"4", b"5"]
    assert [head.fetched for head in other.heads(Told)] == [True, True, False]
    assert other.heads(Reached)[-1].live


def test_a_fetch_brings_a_piece_at_a_time() -> None:
    stage, way = Stage(), Way()
    stage.come(way, "a")
    stage.telling.close(way, "a", now=0.0)
    large = b"x" * (FETCH_BYTES // 2 + 1)
    for _ in range(3):
        stage.tell(large)
    stage.come(way, "a")
    reached = way.heads(Reached)[-1]
    assert (reached.live, reached.number, len(way.told("a"))) == (False, FIRST, 1)
    stage.tell("live would be too early")
    stage.telling.fetch(way, "a", reached.number)
    stage.telling.fetch(way, "a", FIRST + 1)
    assert way.told("a") == [large, large, large, b"live would be too early"]
    assert way.heads(Reached)[-1] == Reached(session="a", number=FIRST + 3, live=True)


def test_a_worker_that_takes_nothing_is_told_the_rest_when_it_does() -> None:
    stage, way = Stage(), Way(room=3)
    stage.come(way, "a")
    for text in ("1", "2", "3"):
        stage.tell(text)
    assert way.told("a") == [b"1"]
    way.room = 1000
    stage.telling.drained(way)
    assert way.told("a") == [b"1", b"2", b"3"]


def test_a_second_websocket_of_a_session_supersedes_the_first() -> None:
    stage, way, other = Stage(), Way(), Way()
    stage.come(way, "a")
    stage.tell("1")
    way.slots[0] = FIRST
    stage.come(other, "a")
    stage.tell("2")
    stage.telling.close(way, "a", now=0.0)
    stage.tell("3")
    assert (way.told("a"), way.heads(Superseded)) == ([b"1"], [Superseded(session="a")])
    assert other.told("a") == [b"2", b"3"]


def test_what_stood_in_a_slot_before_is_not_the_clients() -> None:
    stage, way = Stage(), Way()
    way.slots[0] = FIRST + 1
    stage.come(way, "a")
    for text in ("1", "2", "3"):
        stage.tell(text)
    stage.telling.lost(way, now=0.0)
    other = Way()
    stage.come(other, "a")
    assert other.told("a") == [b"1", b"2", b"3"]


@pytest.mark.parametrize(("is_lost", "wanted"), [(False, [b"2", b"3", b"4"]), (True, [b"4"])])
def test_what_has_left_counts_once_its_worker_is_lost_and_else_what_has_arrived(is_lost: bool, wanted: list[bytes]) -> None:
    stage = Stage()
    way, again = Way(), Way()
    stage.come(way, "a")
    for text in ("1", "2", "3"):
        stage.tell(text)
    way.slots[0], way.sent_last[0] = FIRST, FIRST + 2
    if is_lost:
        stage.telling.lost(way, now=0.0)
    else:
        stage.telling.close(way, "a", now=0.0)
    stage.tell("4")
    stage.come(again, "a")
    assert again.told("a") == wanted


def test_a_number_of_a_former_life_means_everything_of_this_one() -> None:
    stage, way = Stage(trims_from=60.0), Way()
    stage.tell("late reply", "a", "shell")
    stage.tell("late output")
    stage.come(way, "a", after=17)
    assert way.told("a") == [b"late reply", b"late output"]
    stage.come(way, "b", 1, after=FIRST + 5000)  # told by a host whose clock was ahead
    assert [head.session for head in way.heads(Reached)] == ["a", "b"]
    assert way.told("b")[-1] == b"late output"


def test_what_everybody_has_got_is_let_go() -> None:
    stage, way = Stage(memory_bytes=10_000), Way()
    stage.come(way, "a")
    for _ in range(2000):
        stage.tell(b"x" * 1000)
        way.slots[0] = way.heads(Told)[-1].number
        way.sent.clear()
    assert stage.telling.size_bytes < 1_200_000
    stage.telling.close(way, "a", now=0.0)
    assert (stage.telling.size_bytes, stage.shelf.there) == (0, {})


def test_a_client_that_has_gone_is_forgotten_after_a_while() -> None:
    stage, way = Stage(), Way()
    stage.come(way, "a")
    stage.telling.close(way, "a", now=0.0)
    stage.tell("kept")
    stage.now = 101.0
    stage.telling.trim(stage.now)
    assert stage.telling.size_bytes == 0
    stage.come(way, "a")
    assert way.told("a") == []


def test_outputs_that_are_too_much_are_dropped_and_counted_but_replies_stay() -> None:
    stage, way = Stage(limit_bytes=100_000, memory_bytes=10_000), Way()
    stage.come(way, "a")
    stage.telling.close(way, "a", now=0.0)
    stage.tell("reply", "a", "shell")
    for number in range(300):
        stage.tell(f"{number}".encode().ljust(1000))
    assert stage.telling.size_bytes <= 100_000
    stage.come(way, "a")
    told = way.told("a")
    kept = [int(text) for text in told if text[:1].isdigit()]
    assert kept == list(range(kept[0], 300))
    assert told[:2] == [b"reply", f"missed {kept[0]}".encode()]
    numbers = [head.number for head in way.heads(Told)]
    assert numbers == sorted(set(numbers))


def test_a_worker_that_took_nothing_for_too_long_tells_its_clients_what_they_missed() -> None:
    stage, way = Stage(limit_bytes=100_000, memory_bytes=10_000), Way(room=2)
    stage.come(way, "a")
    for number in range(300):
        stage.tell(f"{number}".encode().ljust(1000))
    way.room = 10_000
    stage.telling.drained(way)
    told = way.told("a")
    assert told[0] == f"missed {int(told[1])}".encode()
    assert [int(text) for text in told[1:]] == list(range(int(told[1]), 300))


def test_what_a_client_ignored_while_it_was_behind_in_its_worker_and_that_was_dropped_since_is_owned_up_to() -> None:
    stage, way = Stage(limit_bytes=100_000, memory_bytes=10_000), Way()
    stage.come(way, "a")
    for number in range(300):
        stage.tell(f"{number}".encode().ljust(1000))
    way.sent.clear()  # of which it took the first ten: only now its worker says that it has the others not
    stage.telling.fetch(way, "a", FIRST + 9)
    told = way.told("a")
    assert told[0] == f"missed {int(told[1]) - 10}".encode()
    assert [int(text) for text in told[1:]] == list(range(int(told[1]), 300))
    assert [head.number for head in way.heads(Told)] == list(range(FIRST + int(told[1]) - 1, FIRST + 300))


def test_a_disk_without_room_costs_outputs_and_nothing_else() -> None:
    stage, way = Stage(memory_bytes=10_000), Way()
    stage.come(way, "a")
    stage.telling.close(way, "a", now=0.0)
    stage.shelf.room = False
    for number in range(100):
        stage.tell(f"{number}".encode().ljust(1000))
    stage.come(way, "a")
    told = way.told("a")
    assert told[0] == f"missed {int(told[1])}".encode()
    assert int(told[-1]) == 99


def test_all_workers_hear_of_the_end() -> None:
    stage, way = Stage(), Way()
    stage.come(way, "a")
    stage.telling.over("the kernel has ended")
    assert way.heads(Over) == [Over(reason="the kernel has ended")]


# The whole, at random.


class Client:
    """A client as it sees things."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.got: list[bytes] = []
        self.wanted: list[bytes] = []
        self.known = False
        """It has been connected once: from then on it is owed everything."""


class Worker:
    """One worker as `docs` of the stream have it: queues of clients, of which some are behind."""

    QUEUE = 3

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.way = Way(room=4)
        self.queues: dict[str, deque[tuple[int, bytes]]] = {}
        self.slots: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.behind: set[str] = set()
        self.clients: dict[str, Client] = {}
        self.unopened: dict[str, int] = {}
        """How many `Opened` are awaited: what comes before the last is for a websocket that was there before."""
        self._free = 0

    def connect(self, client: Client) -> None:
        name = client.name
        self.clients[name], self.queues[name], self.last[name] = client, deque(), -1
        self._free += 1
        self.slots[name] = self._free
        self._open(name)

    def _open(self, name: str) -> None:
        self.behind.add(name)
        self.queues[name] = deque(piece for piece in self.queues[name] if piece[0] >= 0)  # what it would fetch is fetched now
        self.unopened[name] = self.unopened.get(name, 0) + 1
        self.stage.telling.open(self.way, Open(kernel_id="k", session=name, slot=self.slots[name]))
        self.stage.telling.fetch(self.way, name, self.last[name])

    def relink(self) -> None:
        """The link was cut; what was under way is lost."""
        slots = self.way.slots
        self.stage.telling.lost(self.way, now=0.0)
        self.way = Way(room=4)
        self.way.slots = slots
        self.unopened.clear()
        for name in list(self.clients):
            self._open(name)

    def read(self) -> None:
        """Take one piece from the link."""
        if self.way.sent:
            head, parts = self.way.sent.popleft()
            if isinstance(head, Opened):
                self.unopened[head.session] -= 1
            elif not isinstance(head, Over) and self.unopened.get(head.session):
                pass  # for another websocket
            elif isinstance(head, Told):
                for name in list(self.clients) if not head.session else [head.session]:
                    if name in self.clients and (name not in self.behind or head.fetched):
                        self._queue(name, head.number, parts)
            elif isinstance(head, Reached) and head.session in self.clients:
                if head.live:
                    self.behind.discard(head.session)
                else:
                    self.stage.telling.fetch(self.way, head.session, head.number)
                self.last[head.session] = head.number
            elif isinstance(head, Superseded):
                self._forget(head.session)
        self.stage.telling.drained(self.way)

    def _queue(self, name: str, number: int, parts: Parts) -> None:
        assert number > self.last[name], "told twice or out of order"
        self.queues[name].append((number, parts[CONTENT]))
        self.last[name] = number
        if name not in self.behind and len(self.queues[name]) > self.QUEUE:
            self.behind.add(name)
            self.queues[name].append((-1, b""))  # fetch when all before it has left

    def deliver(self, name: str) -> None:
        """A websocket takes one message."""
        if self.queues.get(name):
            number, text = self.queues[name].popleft()
            if number < 0:
                self.stage.telling.fetch(self.way, name, self.last[name])
                return
            self.clients[name].got.append(text)
            self.way.slots[self.slots[name]] = number

    def disconnect(self, name: str) -> None:
        if name in self.clients:
            self._forget(name)
            self.stage.telling.close(self.way, name, now=0.0)

    def _forget(self, name: str) -> None:
        for table in (self.clients, self.queues, self.slots, self.last):
            table.pop(name, None)
        self.behind.discard(name)

    def settle(self) -> bool:
        """Do what there is to do; whether there was any."""
        busy = bool(self.way.sent) or any(self.queues.values())
        self.read()
        for name in list(self.clients):
            self.deliver(name)
        return busy


NAMES = "abc"
STEPS = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from(["", "", *NAMES])),
    st.tuples(st.just("read"), st.integers(0, 1), st.integers(1, 5)),
    st.tuples(st.just("settle"), st.integers(0, 1)),
    st.tuples(st.just("deliver"), st.integers(0, 1), st.sampled_from(NAMES)),
    st.tuples(st.just("connect"), st.integers(0, 1), st.sampled_from(NAMES)),
    st.tuples(st.just("disconnect"), st.integers(0, 1), st.sampled_from(NAMES)),
    st.tuples(st.just("relink"), st.integers(0, 1)),
    st.tuples(st.just("kill"), st.integers(0, 1)),
    st.tuples(st.just("trim")),
)


class Play:
    """Two workers and some clients."""

    def __init__(self, **limits: int) -> None:
        self.stage = Stage(memory_bytes=2000, **limits)
        self.workers = [Worker(self.stage), Worker(self.stage)]
        self.clients = {name: Client(name) for name in NAMES}
        self._told = 0

    def tell(self, session: str) -> None:
        self._told += 1
        text = f"{self._told}".encode()
        for client in self.clients.values():
            if client.known and session in ("", client.name):
                client.wanted.append(text)
        self.stage.tell(text, session)

    def step(self, kind: str, *at: Any) -> None:
        match kind:
            case "tell":
                if not at[0] or self.clients[at[0]].known:
                    self.tell(at[0])
            case "read":
                for _ in range(at[1]):
                    self.workers[at[0]].read()
            case "settle":
                for _ in range(6):
                    self.workers[at[0]].settle()
            case "deliver":
                self.workers[at[0]].deliver(at[1])
            case "connect":
                if not any(at[1] in worker.clients for worker in self.workers):
                    self.clients[at[1]].known = True
                    self.workers[at[0]].connect(self.clients[at[1]])
            case "disconnect":
                self.workers[at[0]].disconnect(at[1])
            case "relink":
                self.workers[at[0]].relink()
            case "kill":
                self.stage.telling.lost(self.workers[at[0]].way, now=0.0)
                self.workers[at[0]] = Worker(self.stage)
            case _:
                self.stage.telling.trim(0.0)

    def finish(self) -> None:
        for client in self.clients.values():
            if client.known and not any(client.name in worker.clients for worker in self.workers):
                self.workers[0].connect(client)
        while sum(worker.settle() for worker in self.workers):  # not `any`: each of them
            continue


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=120))
def test_each_client_gets_all_that_concerns_it_once_and_in_order(steps: list[tuple[Any, ...]]) -> None:
    play = Play()
    for step in steps:
        play.step(*step)
    play.finish()
    assert {name: client.got for name, client in play.clients.items()} == {name: client.wanted for name, client in play.clients.items()}


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=120), st.booleans())
def test_each_client_is_told_of_everything_that_was_dropped(steps: list[tuple[Any, ...]], room: bool) -> None:
    play = Play(limit_bytes=4000)
    play.stage.shelf.room = room
    for step in steps:
        play.step(*step)
    play.finish()
    for client in play.clients.values():
        got = [text for text in client.got if text.isdigit()]
        missed = sum(int(text.split()[1]) for text in client.got if not text.isdigit())
        assert len(got) + missed == len(client.wanted)
        assert got == [text for text in client.wanted if text in set(got)]
