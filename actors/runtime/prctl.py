"""Platform door: what Linux lets a process say about itself. Elsewhere each function does nothing and returns False."""

import sys

_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
"""From <linux/prctl.h>."""


def become_undumpable() -> bool:
    """Forbid other processes of this user to read our memory, environment and descriptors. Does not survive an exec."""
    return _prctl(_PR_SET_DUMPABLE, 0)


def is_undumpable() -> bool:
    """Tell whether `become_undumpable` holds."""
    return _prctl_value(_PR_GET_DUMPABLE, 0) == 0


def become_subreaper() -> bool:
    """Adopt orphaned descendants, so that they can be reaped and their exit status is known."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> bool:
    return _prctl_value(option, value) == 0 and sys.platform == "linux"


def _prctl_value(option: int, value: int) -> int:
    if sys.platform != "linux":
        return -1
    import ctypes  # here, not above: 4 ms that only processes which say something about themselves spend

    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
