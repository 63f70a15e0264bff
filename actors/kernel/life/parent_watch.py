"""Watches the process that started the kernel: when the frontend's server dies, the kernel shuts down cleanly.

jupyter_client names its process in JPY_PARENT_PID. Only a parent that really is ours is watched: behind a wrapper, or started by
hand, nobody's death means anything.
"""

import os
from collections.abc import Callable, Mapping

from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle


def watch_parent(environment: Mapping[str, str], on_death: Callable[[], None]) -> ProcessHandle | None:
    """Call back once, from the running loop, when the frontend's server is gone.

    Returns:
        What holds the watch; None when there is nothing to watch.
    """
    named = environment.get("JPY_PARENT_PID", "")
    if not named.isdecimal() or int(named) in {0, 1}:
        return None
    parent = int(named)
    if os.getppid() != parent:
        # It died before we looked, and we were handed to init.
        if os.getppid() == 1:
            on_death()
        return None
    try:
        handle = ProcessHandle(parent)
    except NoSuchProcessError:
        on_death()
        return None
    handle.on_exit(on_death)
    return handle
