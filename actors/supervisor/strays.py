"""Platform door: a process whose launch was cut short, because its Supervisor was killed between its start and its record.

It has the folder of a life that nobody has written down. The next Supervisor would launch into the same folder, both would
bind its sockets, and cells could run in the one that nobody watches. So it is ended first. What gives it away is the pipe that it
writes its stderr to: whoever holds that is of this life, from its first moment on and whatever it is called. Only Linux
tells who holds what; elsewhere the process stays.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from beaker.places import KernelFolder

LIMIT_S = 2.0
"""A process that was forked this moment takes milliseconds until it can be seen, and to end."""
LOOK_AGAIN_S = 0.005
"""Between two looks at who is there, each of some milliseconds."""


def end_strays(folder: KernelFolder, *, newest: int) -> None:
    """End what was launched into lives behind the newest one that anybody knows of."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(FileNotFoundError):  # the folder is cleaned away this moment, which is seen soon
        for life in list(folder.path.iterdir()):
            if life.name.isdigit() and int(life.name) > newest:
                _end_holders(life / "stderr")


def _end_holders(pipe: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while _is_read(pipe) and time.monotonic() < deadline:
        for pid in _writers(os.path.realpath(pipe)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_AGAIN_S)


def _is_read(pipe: Path) -> bool:
    """Whether anybody holds it: those who write there hold it for reading too."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _writers(pipe: str) -> list[int]:
    """Whose stderr it is."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):  # it has ended, or is none of ours
                if os.readlink(f"/proc/{name}/fd/2") == pipe:
                    found.append(int(name))
    return found
