"""With which number a kernel host begins to count what it tells the clients of a kernel.

Clients know what they have got by numbers, over the lives of hosts. So each life begins above all that the one before it can have
told, also when the clock was set back meanwhile: the last beginning stands in the kernel's runtime folder.
"""

import time
from pathlib import Path
from typing import Final

FILE: Final = "told-from"
LIFE: Final = 10**12
"""More than one life can tell: a thousand messages in each millisecond for ten days."""
_DIGITS: Final = 19
"""Of the largest number in 8 bytes."""


def next_beginning(folder: str) -> int:
    """The number of the first message of this life."""
    path = Path(folder) / FILE
    begin = time.time_ns()
    try:
        former = path.read_text(encoding="ascii", errors="replace").strip()
        if former.isdigit() and len(former) <= _DIGITS:
            begin = max(begin, int(former) + LIFE)
    except OSError:
        pass  # the first life, or its folder was cleaned away
    try:
        path.write_text(f"{begin}\n", encoding="ascii")
    except OSError:
        return begin  # the clock will do, unless it is set back before the next life
    return begin
