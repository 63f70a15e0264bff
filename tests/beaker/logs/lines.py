"""Lines of a log, made as the processes write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from beaker.logs.record import BEFORE_ALL, Line, parse

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def raw(event: str, *, at_s: float = 0.0, role: str = "kernel", **values: Any) -> bytes:
    """One line, so many seconds after noon."""
    time = (NOON + timedelta(seconds=at_s)).isoformat().replace("+00:00", "Z")
    head = {"time": time, "level": values.pop("level", "info"), "event": event, "role": role}
    return msgspec.json.encode({**head, "kernel": "ab12cd34ef56", "actor": role, **values}) + b"\n"


def line(event: str, **values: Any) -> Line:
    """The same, parsed."""
    parsed = parse(raw(event, **values), BEFORE_ALL)
    assert parsed is not None
    return parsed
