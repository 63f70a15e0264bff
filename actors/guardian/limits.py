"""How many descriptors each process may have, and what follows for websockets, of which each takes two (`actors/gateway/receipts.py`).

The limit that is in force as a rule, 1024, is a precaution for programs of long ago; the one that it may be raised to is the
system's word.
"""

import resource
import sys
from typing import Final

_ENOUGH: Final = 1_048_576
"""Where the system names no limit; Linux allows no more by itself."""
_RESERVE: Final = 200
"""For everything else in a worker: libraries, logs, links to hosts, requests that are no websockets."""


def users_descriptor_limit() -> int:
    """The soft limit, for whom we start on the user's behalf, while it is hers; 0: there is none."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one; gives what holds now. Processes that we start inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            assert sys.platform != "linux"
            return soft  # macOS refuses what is beyond its own, unnamed limit
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def websocket_limit(wanted: int, *, descriptors: int, workers: int) -> int:
    """How many websockets may be open in all workers.

    >>> websocket_limit(2000, descriptors=1024, workers=1), websocket_limit(2000, descriptors=1024, workers=3)
    (412, 1236)
    >>> websocket_limit(2000, descriptors=256, workers=1)
    64
    """
    return max(min(wanted, websockets_each(descriptors) * workers), 1)


def websockets_each(descriptors: int) -> int:
    """How many one worker may have open: all that the gateway may, as long as others have few and the system allows it.

    >>> websockets_each(1024), websockets_each(256)
    (412, 64)
    """
    return max(descriptors - _RESERVE, descriptors // 2) // 2
