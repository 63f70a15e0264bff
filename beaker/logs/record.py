"""One line of a log file: what every line has in common, decoded fast, and the rest when it is shown.

A log of 100 MB has some 400 000 lines, of which a question about it wants a few. So a line is decoded twice: its head, which
decides whether it is wanted, and the whole of it only if it is.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

LEVELS: Final = ("debug", "info", "warning", "error")
"""From what only a developer asks for to what failed; as `actors.runtime.logging` writes them."""

HEAD_FIELDS: Final = frozenset({"time", "level", "event", "role", "kernel", "actor", "trace"})

BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
"""The time of a line that has none and stands before every line that has one."""


class Head(msgspec.Struct, frozen=True):
    """The fields that stand on every line."""

    event: str
    level: str = "info"
    time: datetime | None = None
    """None where it is missing: the line belongs to the moment of the one before it."""
    role: str = ""
    kernel: str = ""
    actor: str = ""
    trace: str = ""


class Line(NamedTuple):
    """A line that could be read. A tuple: four hundred thousand of them are made."""

    time: datetime
    head: Head
    raw: bytes

    @property
    def who(self) -> str:
        """Which process, and which actor in it where they are called differently."""
        role, actor = self.head.role, self.head.actor
        return f"{role}/{actor}" if role and actor and actor != role else role or actor

    def values(self) -> dict[str, object]:
        """Everything but the head."""
        whole = _decode_whole(self.raw)
        return {name: value for name, value in whole.items() if name not in HEAD_FIELDS}


_decode_head = msgspec.json.Decoder(Head).decode
_decode_whole = msgspec.json.Decoder(dict[str, object]).decode


def parse(raw: bytes, before: datetime) -> Line | None:
    """Read a line of a file.

    Args:
        raw: the line, with or without its newline.
        before: the time of the line before it.

    Returns:
        None for one that is torn, or not of beaker: no JSON object with an event and times that make sense.

    >>> line = parse(b'{"time":"2026-01-02T03:04:05Z","level":"info","event":"turn.began","turn":1}', BEFORE_ALL)
    >>> line.head.event, line.values()
    ('turn.began', {'turn': 1})
    >>> parse(b'{"time":"2026-01-02T03:0', BEFORE_ALL) is None
    True
    """
    try:
        head = _decode_head(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None
    time = head.time
    if time is None:
        time = before
    elif time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return Line(time, head, raw)
