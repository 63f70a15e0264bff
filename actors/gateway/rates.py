"""How often something may happen: a little memory per worker, and a sentence with the time to wait beyond it."""

import math
from collections import OrderedDict
from typing import Final

from actors.gateway.answers import Problem
from actors.runtime.clock import Clock
from beaker.gateway.bucket import Bucket

FAILURES_BURST: Final = 200
FAILURES_PER_S: Final = 5.0
"""Wrong tokens from one address: a page with an old one asks for a lot at once, but 5 in a second are too few to guess."""

ADDRESSES_LIMIT: Final = 1000
"""Addresses whose wrong tokens are counted; the longest unheard of is forgotten."""


class Failures:
    """Wrong tokens, by the address that they came from.

    A right one never waits: any page that a user opens can send wrong ones from her address, and would lock her out.

    Args:
        workers: of the gateway, which each count for themselves: together they allow no more than one would in the long run.
    """

    def __init__(self, clock: Clock, *, workers: int = 1) -> None:
        self._clock = clock
        self._per_s = FAILURES_PER_S / workers
        self._by_address: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long a wrong token from there is answered with the time to wait alone."""
        bucket = self._by_address.get(address)
        return bucket.wait_s if bucket is not None else 0.0

    def add(self, address: str) -> None:
        """One has come from there."""
        bucket = self._by_address.setdefault(address, Bucket(FAILURES_BURST, self._per_s, self._clock.monotonic))
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


def too_often(wait_s: float, what: str) -> Problem:
    """What is answered beyond the limit."""
    seconds = math.ceil(wait_s)
    return Problem(429, f"More {what} than this gateway allows. Try again in {seconds} s.", headers={"Retry-After": str(seconds)})
