"""Platform door: give large buffers back to the system as soon as they are freed.

glibc serves a buffer from its own heaps once one of that size was freed before, and a heap that threads share is returned
only where its end is free: after 200 MB of outputs 100 MB would stay. Buffers beyond the limit are mapped one by one
instead, which costs some 0.1 ms per MB.
"""

import sys

_M_MMAP_THRESHOLD = -3
"""glibc <malloc.h>; setting it also stops its growing."""
LARGE_BYTES = 256 * 1024
"""Above usual messages, which are not to pay for a mapping each; below the outputs of a megabyte that it is meant for."""


def return_large_buffers() -> bool:
    """From now on, buffers of LARGE_BYTES and more are returned when they are freed; False where that cannot be said."""
    if sys.platform != "linux":
        return False
    import ctypes  # here, not above: 4 ms that only processes which relay outputs spend

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none and needs none
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) == 1
