"""What a client is told, and when more is fetched for it, by tables and by a host that does whatever it may."""

from hypothesis import given
from hypothesis import strategies as st

from beaker.gateway.delivery import WINDOW_BYTES, Delivery
from beaker.gateway.stream import NOTHING_YET


class _Client:
    """Takes what is put, when the test lets it."""

    def __init__(self) -> None:
        self.delivery: Delivery[str] = Delivery(self._put)
        self.waiting: list[tuple[int, str | None]] = []
        self.sizes: dict[int, int] = {}
        self.got: list[str] = []

    def _put(self, number: int, message: str | None) -> None:
        self.waiting.append((number, message))

    def told(self, number: int, message: str, size: int = 1, *, alone: bool = False) -> bool:
        self.sizes[number] = size
        return self.delivery.told(number, message, size, alone=alone)

    def take(self) -> None:
        """All that waits leaves."""
        for number, message in self.waiting:
            if message is not None:
                self.got.append(message)
                self.delivery.sent(self.sizes[number])
        self.waiting.clear()


def _live(at: int = 0) -> _Client:
    client = _Client()
    client.delivery.open()
    client.delivery.opened()
    client.delivery.reached(at, live=True)
    client.take()
    return client


def test_what_comes_before_it_is_opened_is_for_an_earlier_one() -> None:
    client = _Client()
    client.delivery.open()
    client.told(1, "early")
    client.told(2, "early too", alone=True)
    client.delivery.reached(2, live=True)
    assert (client.waiting, client.delivery.last, client.delivery.phase) == ([], NOTHING_YET, "opening")


def test_a_live_one_is_told_everything_in_order() -> None:
    client = _live()
    client.told(1, "a")
    client.told(3, "c", alone=True)
    client.told(3, "c again")
    client.take()
    assert client.got == ["a", "c"]


def test_one_that_takes_nothing_falls_behind_and_is_brought_up_again() -> None:
    client = _live()
    assert client.told(1, "large", WINDOW_BYTES + 1) is False
    assert client.told(2, "missed", 7) is True
    assert client.told(3, "missed too", 8, alone=True) is False
    assert (client.delivery.missed_bytes, client.delivery.wants_more) == (15, False)
    client.take()
    assert (client.delivery.wants_more, client.delivery.last) == (True, 1)
    client.delivery.fetch()
    client.told(4, "live in between")
    client.told(2, "missed", 7, alone=True)
    client.told(3, "missed too", 8, alone=True)
    client.delivery.reached(3, live=False)
    client.take()
    assert (client.got, client.delivery.wants_more) == (["large", "missed", "missed too"], True)


def test_what_was_sent_before_the_fetch_was_heard_is_told_once_and_in_its_place() -> None:
    client = _live()
    client.told(1, "a", WINDOW_BYTES + 1)
    client.told(2, "b")
    client.take()
    client.delivery.fetch()
    client.told(4, "d", alone=True)  # the host did not know yet
    for number, message in ((2, "b"), (3, "c"), (4, "d")):
        client.told(number, message, alone=True)
    client.delivery.reached(4, live=True)
    client.told(5, "e")
    client.take()
    assert client.got == ["a", "b", "c", "d", "e"]


def test_numbers_that_concern_others_are_passed_over() -> None:
    client = _live(5)
    assert client.delivery.last == 5
    client.told(4, "old")
    client.take()
    assert client.got == []


@given(st.lists(st.tuples(st.sampled_from(["tell", "tell large", "tell alone", "hear", "take", "lose"]), st.booleans()), max_size=60))
def test_nothing_is_lost_doubled_or_out_of_order(steps: list[tuple[str, bool]]) -> None:
    """The host hears of a fetch later than it was asked for, and the link may be lost; what is in flight keeps its order."""
    client = _Client()
    journal: list[tuple[int, str, int]] = []
    heard_live = False
    in_flight: list[tuple[str, int]] = []  # from the client: what it asked for, and after which number
    client.delivery.open()
    in_flight.append(("open", client.delivery.last))

    def hear() -> None:
        nonlocal heard_live
        if not in_flight:
            return
        kind, after = in_flight.pop(0)
        if kind == "open":
            client.delivery.opened()
        missed = [kept for kept in journal if kept[0] > after]
        piece, rest = missed[:2], missed[2:]
        for number, message, size in piece:
            client.told(number, message, size, alone=True)
        heard_live = not rest
        client.delivery.reached(piece[-1][0] if rest else len(journal), live=heard_live)

    def fetch() -> None:
        if client.delivery.wants_more:
            client.delivery.fetch()
            in_flight.append(("fetch", client.delivery.last))

    for step, yes in steps:
        if step.startswith("tell"):
            number = len(journal) + 1
            size = WINDOW_BYTES + 1 if step == "tell large" else 1
            journal.append((number, f"m{number}", size))
            if heard_live:
                client.told(number, f"m{number}", size, alone=step == "tell alone")
        elif step == "hear":
            hear()
        elif step == "take":
            client.take()
        elif yes:
            in_flight.clear()
            heard_live = False
            client.delivery.open()
            in_flight.append(("open", client.delivery.last))
        fetch()
    while True:
        client.take()
        fetch()
        if not in_flight:
            break
        hear()
    assert client.got == [message for _, message, _ in journal]
