"""Whether something leaves a descriptor behind: the system gives the lowest number that is free."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """What is opened in the block is closed there too."""
    before = _next()
    yield
    assert _next() == before


def _next() -> int:
    number = os.dup(0)
    os.close(number)
    return number
