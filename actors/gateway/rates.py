"""How often something may happen: a little memory per worker, and a sentence with the time to wait beyond it."""

import math
from collections import OrderedDict
from typing import Final

from actors.gateway.answers import Problem
from actors.runtime.clock import Clock

STARTS_PER_S: Final = 10.0
"""Kernels that may be started in the long run: more than people do, fewer than a loop would."""

FAILURES_BURST: Final = 200
FAILURES_PER_S: Final = 5.0
"""Wrong tokens from one address: a page with an old one asks for a lot at once, but 5 in a second are too few to guess."""

ADDRESSES_LIMIT: Final = 1000
"""Addresses whose wrong tokens are counted; the longest unheard of is forgotten."""


class Bucket:
    """So many at once, and so many more per second.

    Args:
        burst: how many at once.
        per_s: how many per second in the long run.
    """

    def __init__(self, burst: int, per_s: float, clock: Clock) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._left = float(burst)
        self._at = clock.monotonic()

    @property
    def wait_s(self) -> float:
        """How long until there is room; 0 if there is now."""
        self._fill()
        return max(0.0, (1.0 - self._left) / self._per_s)

    def take(self) -> None:
        """One has happened."""
        self._fill()
        self._left = max(0.0, self._left - 1.0)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(float(self._burst), self._left + (now - self._at) * self._per_s)
        self._at = now


class Failures:
    """Wrong tokens, by the address that they came from.

    A right one never waits: any page that a user opens can send wrong ones from her address, and would lock her out.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_address: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long a wrong token from there is answered with the time to wait alone."""
        bucket = self._by_address.get(address)
        return bucket.wait_s if bucket is not None else 0.0

    def add(self, address: str) -> None:
        """One has come from there."""
        bucket = self._by_address.setdefault(address, Bucket(FAILURES_BURST, FAILURES_PER_S, self._clock))
        self._by_address.move_to_end(address)
        bucket.take()
        if len(self._by_address) > ADDRESSES_LIMIT:
            self._by_address.popitem(last=False)


def count_failure(failures: Failures, address: str) -> None:
    """A token from there was compared, and is wrong.

    Raises:
        Problem: 429, too many have been.
    """
    if (wait_s := failures.wait_s(address)) > 0:
        raise too_often(wait_s, "wrong tokens from this address")
    failures.add(address)


def slow_down(bucket: Bucket, what: str) -> None:
    """Take one, if there is room.

    Raises:
        Problem: 429, there is none.
    """
    if (wait_s := bucket.wait_s) > 0:
        raise too_often(wait_s, what)
    bucket.take()


def too_often(wait_s: float, what: str) -> Problem:
    """What is answered beyond the limit."""
    seconds = math.ceil(wait_s)
    return Problem(429, f"More {what} than this gateway allows. Try again in {seconds} s.", headers={"Retry-After": str(seconds)})
