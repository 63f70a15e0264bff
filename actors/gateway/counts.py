"""What a worker counts of its work, and how Prometheus wants to read it.

Source: Prometheus documentation, "Exposition formats", text format 0.0.4.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Direction = Literal["in", "out"]
"""From clients, or to them."""

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


class Page:
    """One page of numbers, made line by line.

    Args:
        labels: of every number.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._lines: list[str] = []

    def add(self, name: str, kind: Literal["counter", "gauge"], words: str, values: Iterable[tuple[Mapping[str, str], int]]) -> None:
        """One metric.

        Args:
            words: what it is.
            values: each with the labels that tell it from the others.
        """
        self._lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
        self._lines += [f"{name}{_written({**self._labels, **labels})} {value}" for labels, value in values]

    def text(self) -> str:
        """All of it."""
        return "\n".join([*self._lines, ""])


def _written(labels: Mapping[str, str]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""
