"""What a worker counts of its work. What each number is, and the page that shows them: `beaker/gateway/figures.py`."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from beaker.messages.figures import Sample

Direction = Literal["in", "out"]
"""From clients, or to them."""

_DIRECTIONS: Final[tuple[Direction, ...]] = ("in", "out")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counts:
    """The numbers of one worker since it started."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By method and status."""
        self.messages: Counter[Direction] = Counter()
        """On websockets."""
        self.message_bytes: Counter[Direction] = Counter()
        self.websockets_opened = 0
        self.websockets_too_slow = 0
        """Closed with 1013."""
        self.fell_behind = 0
        """How often a websocket could not keep up and had to be told from the journal."""
        self.malformed = 0
        """Messages of clients that were dropped."""

    def request(self, method: str, status: int) -> None:
        """A request is over; methods that strangers make up count as one."""
        self.requests[method if method in _METHODS else "other", status] += 1

    def message(self, direction: Direction, size: int) -> None:
        """A message has passed."""
        self.messages[direction] += 1
        self.message_bytes[direction] += size

    def samples(self) -> Iterator[Sample]:
        """All of them, as they are told to whoever asks."""
        yield Sample(name="beaker_websockets_opened_total", value=self.websockets_opened)
        yield Sample(name="beaker_websockets_too_slow_total", value=self.websockets_too_slow)
        yield Sample(name="beaker_websockets_behind_total", value=self.fell_behind)
        yield Sample(name="beaker_messages_malformed_total", value=self.malformed)
        for direction in _DIRECTIONS:
            labels: dict[str, str] = {"direction": direction}
            yield Sample(name="beaker_messages_total", value=self.messages[direction], labels=labels)
            yield Sample(name="beaker_message_bytes_total", value=self.message_bytes[direction], labels=labels)
        for (method, status), number in sorted(self.requests.items()):
            yield Sample(name="beaker_requests_total", value=number, labels={"method": method, "status": str(status)})
