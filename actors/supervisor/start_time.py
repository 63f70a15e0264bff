"""Platform door: when a process started, which together with its pid names it for ever.

A pid alone may be somebody else's by the time it is looked at again. Linux: clock ticks since boot, from /proc. Elsewhere:
what `ps` prints, to the second. Both as a word without blanks, so that a shell can compare it too.
"""

import os
import subprocess
import sys
from pathlib import Path

_HAS_PROC = sys.platform == "linux"

_STATE, _START = 0, 19
"""Fields of /proc/PID/stat counted from behind the name, which may itself hold blanks and brackets."""


def start_time(pid: int) -> str | None:
    """The start time of a living process; None if there is none, or only a zombie."""
    if _HAS_PROC:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:
            return None
        return None if fields[_STATE] in "ZX" else fields[_START]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False)
    state, _, started = run.stdout.strip().partition(" ")
    return "_".join(started.split()) if started and not state.startswith("Z") else None
