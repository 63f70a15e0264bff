"""What every process of the gateway says of itself in numbers, whatever its role; and what can be seen of the guardian, whom nobody asks.

Descriptors are counted as Linux gives their number since 6.2; where the system does not tell a number, that is not there.
"""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from actors.guardian.order import GatewayOrder
from actors.runtime.node import Node
from beaker.messages.figures import Figures, GatewayRole, Sample

_BEGUN_AT = time.time()
"""This process, as nearly as it matters: the roles import this before they do anything."""


def own_figures(role: GatewayRole, order: GatewayOrder, node: Node, samples: Iterable[Sample], *, dead_letters: int = 0) -> Figures:
    """All numbers of this process.

    Args:
        samples: those of its role.
        dead_letters: of nodes of this process beside its own.
    """
    mine = [
        Sample(name="beaker_process_starts_total", value=order.starts),
        Sample(name="beaker_process_start_time_seconds", value=round(_BEGUN_AT, 3)),
        Sample(name="beaker_dead_letters_total", value=node.dead_letters.total + dead_letters),
        *(Sample(name="beaker_mailbox_messages", value=waiting, labels={"actor": name}) for name, waiting in node.waiting.items()),
    ]
    return Figures(role=role, number=order.number, started_at=_BEGUN_AT, samples=[*mine, *_used("self", time.process_time()), *samples])


def guardian_figures(order: GatewayOrder, pid: int) -> Figures:
    """All numbers of the guardian, as another process sees them.

    Args:
        pid: its.
    """
    samples = [
        Sample(name="beaker_process_starts_total", value=1),
        Sample(name="beaker_process_start_time_seconds", value=round(order.began_at, 3)),
        *_used(str(pid), _cpu_seconds(pid)),
    ]
    return Figures(role="guardian", number=0, started_at=order.began_at, samples=samples)


def _used(process: str, cpu_s: float | None) -> Iterator[Sample]:
    """What a process takes of the machine."""
    if cpu_s is not None:
        yield Sample(name="beaker_process_cpu_seconds_total", value=round(cpu_s, 3))
    place = Path("/proc", process)
    try:
        pages = int((place / "statm").read_text(encoding="ascii").split()[1])
        open_files = (place / "fd").stat().st_size
    except (OSError, IndexError, ValueError):
        return
    yield Sample(name="beaker_process_resident_memory_bytes", value=pages * os.sysconf("SC_PAGE_SIZE"))
    if (proportional := _proportional_bytes(place)) is not None:
        yield Sample(name="beaker_process_proportional_memory_bytes", value=proportional)
    if open_files:
        yield Sample(name="beaker_process_open_fds", value=open_files)


def _proportional_bytes(place: Path) -> int | None:
    """None where it cannot be read: of another process by root only, as ours are undumpable."""
    try:
        lines = (place / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def _cpu_seconds(pid: int) -> float | None:
    """Of another process; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc_pid_stat(5)
    except (OSError, IndexError, ValueError):
        return None
