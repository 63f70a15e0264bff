"""What every process of the gateway says of itself in numbers, whatever its role."""

import os
import time
from collections.abc import Iterable

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
        Sample(name="beaker_process_cpu_seconds_total", value=round(time.process_time(), 3)),
        Sample(name="beaker_dead_letters_total", value=node.dead_letters.total + dead_letters),
        *(Sample(name="beaker_mailbox_messages", value=waiting, labels={"actor": name}) for name, waiting in node.waiting.items()),
    ]
    if (resident := resident_bytes()) is not None:
        mine.append(Sample(name="beaker_process_resident_memory_bytes", value=resident))
    return Figures(role=role, number=order.number, started_at=_BEGUN_AT, samples=[*mine, *samples])


def resident_bytes() -> int | None:
    """Memory of this process; None where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None
