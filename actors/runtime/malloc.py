"""Platform door: give large buffers back to the system as soon as they are freed.

glibc serves a buffer from its own heaps once one of that size was freed before, and a heap that threads share is returned
only where its end is free: after 200 MB of outputs 100 MB would stay. Buffers beyond the limit are mapped one by one
instead, which costs some 0.1 ms per MB. Of smaller ones a flood leaves holes, which stay until somebody asks for them to be returned.
"""

import sys
from collections.abc import Callable

_M_MMAP_THRESHOLD = -3
"""glibc <malloc.h>; setting it also stops its growing."""
LARGE_BYTES = 256 * 1024
"""Above usual messages, which are not to pay for a mapping each; below the outputs of a megabyte that it is meant for."""


def return_large_buffers() -> bool:
    """From now on, buffers of LARGE_BYTES and more are returned when they are freed; False where that cannot be said."""
    if sys.platform != "linux":
        return False
    mallopt = _glibc("mallopt")
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) == 1


def return_free_memory() -> bool:
    """Return all that is free now, whatever lies behind it; False where there was none, or where that cannot be said.

    Takes 1 ms, and 0.2 ms for each MB (m): for the end of a flood, not for every message.
    """
    if sys.platform != "linux":
        return False
    trim = _glibc("malloc_trim")
    return trim is not None and trim(0) == 1


def _glibc(name: str) -> "Callable[..., int] | None":
    import ctypes  # here, not above: 4 ms that only processes which relay outputs spend

    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)  # musl has none and needs none
    return found
