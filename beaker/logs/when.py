"""Moments as a person says them (`10m`, `14:05`, `2026-11-25T14:05Z`) and as a person reads them.

Pure: what time it is now comes from outside. A moment without a zone is meant in the reader's own.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from beaker.errors import BeakerError

FORMS: Final = "10m (or s, h, d: so long ago), 14:05, 14:05:30, 2026-11-25, 2026-11-25T14:05, 2026-11-25T14:05:30Z"

_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(s|m|h|d)(?:\s+ago)?")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?")


class NoMoment(BeakerError):
    """Words that are no moment; the text names the forms that are."""


def parse_moment(words: str, *, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Read a moment.

    Args:
        words: in one of `FORMS`.
        now: aware.
        zone: what a moment without a zone is meant in; None: the machine's own.

    Raises:
        NoMoment: the words are in none of the forms.

    >>> noon = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    >>> parse_moment("90m", now=noon, zone=UTC).isoformat()
    '2026-11-25T10:30:00+00:00'
    >>> parse_moment("09:15", now=noon, zone=UTC).isoformat()
    '2026-11-25T09:15:00+00:00'
    """
    given = words.strip()
    try:
        if ago := _AGO.fullmatch(given):
            return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
        if _CLOCK.fullmatch(given):
            # The last time that the clock showed it: at 00:10, "23:50" means yesterday.
            given = f"{given:0>5}" if given.count(":") == 1 else f"{given:0>8}"
            today = _aware(datetime.fromisoformat(f"{now.astimezone(zone).date().isoformat()}T{given}"), zone)
            return today if today <= now else today - timedelta(days=1)
        return _aware(datetime.fromisoformat(given), zone)
    except (ValueError, OverflowError):
        raise NoMoment(f"{words[:60]!r} is no time. Write one of: {FORMS}.") from None


def _aware(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return (moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()).astimezone(UTC)


def show_duration(seconds: float) -> str:
    """A duration in the unit that reads best, in at most eight characters.

    >>> [show_duration(s) for s in (0, 0.0004, 0.0123, 1.6, 75, 7300)]
    ['0 ms', '0.4 ms', '12 ms', '1.60 s', '1m 15s', '2h 01m']
    """
    if seconds < 0.000_05:
        return "0 ms"
    if seconds < 0.009_95:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.999_5:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def show_size(size_bytes: int) -> str:
    """A size in the unit that reads best.

    >>> [show_size(n) for n in (0, 999, 12_345, 9_876_543)]
    ['0 B', '999 B', '12 kB', '9.9 MB']
    """
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes < 999_500:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / 1e6:.1f} MB"
