"""Starting processes as an ordinary user has them, also where the tests run as root.

To read what an undumpable process holds root needs one of three capabilities; without them the rules are those of a user among her
own processes. A thread drops them and starts what is to be without them; the dropping ends with the thread.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PR_CAPBSET_DROP = 24
_READING_OTHERS = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38}
"""From <linux/prctl.h> and <linux/capability.h>."""


def without_ptrace(start: Callable[[], T]) -> T:
    """Call `start` so that what it starts may not read what it could not read as an ordinary user."""
    if sys.platform != "linux" or os.getuid() != 0:
        return start()
    made: list[T] = []

    def run() -> None:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        assert [prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) for number in _READING_OTHERS.values()] == [0, 0, 0]
        made.append(start())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]
