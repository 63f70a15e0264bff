"""What a subkernel may take of the machine, as the operating system holds it: `ulimit` for the process and all that it starts.

Set in the child between fork and exec, so that not even its first instruction is without them. Off unless the user sets them: a limit
that fits every session does not exist, and Python's own libraries reserve address space generously.
"""

import sys
from collections.abc import Callable

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """0 means: as it is."""

    processes: int = 0
    """Processes and threads that its user may have when it starts another; the system counts all of that user's. It does not bind root."""
    memory_bytes: int = 0
    """Address space of each process."""
    open_files: int = 0
    """Descriptors, until it asks for more: what our own process had before it raised that for itself. No setting, and no real limit."""

    @property
    def any(self) -> bool:
        """Whether there are any that it cannot change."""
        return bool(self.processes or self.memory_bytes)

    @property
    def words(self) -> str:
        """The settings, as they are written; empty if nothing is limited.

        >>> Limits(processes=20, memory_bytes=60 << 20).words
        'subkernel.max_memory_mb = 60 and subkernel.max_processes = 20'
        """
        memory = f"subkernel.max_memory_mb = {self.memory_bytes >> 20}" if self.memory_bytes else ""
        processes = f"subkernel.max_processes = {self.processes}" if self.processes else ""
        return " and ".join(filter(None, (memory, processes)))


def setter(limits: Limits) -> Callable[[], None] | None:
    """What the child calls before it becomes the subkernel; None if nothing is limited."""
    if not limits.any:
        return None
    import resource  # before the fork, as a child should import nothing; and only whoever limits anything needs it

    pairs = [(which, _most(resource.getrlimit(which)[1], wanted)) for which, wanted in _wanted(limits)]

    def limit() -> None:
        for which, most in pairs:
            resource.setrlimit(which, (most, most))

    return limit


def limit_running(pid: int, limits: Limits) -> None:
    """Limit a process that runs already, as one that is adopted; on Linux alone.

    Raises:
        OSError: it is gone, or another user's.
    """
    import resource

    if sys.platform == "linux":
        for which, wanted in _wanted(limits):
            most = _most(resource.prlimit(pid, which)[1], wanted)
            resource.prlimit(pid, which, (most, most))


def lower_open_files(pid: int, limits: Limits) -> None:
    """Give a process that was just launched as many descriptors as it would have without us; on Linux alone.

    From outside and not between fork and exec, which would make each launch a slow one.

    Raises:
        OSError: it is gone, or another user's.
    """
    if limits.open_files and sys.platform == "linux":
        import resource

        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (_most(hard, limits.open_files), hard))


def _wanted(limits: Limits) -> list[tuple[int, int]]:
    from resource import RLIMIT_AS, RLIMIT_NPROC

    pairs = [(RLIMIT_NPROC, limits.processes), (RLIMIT_AS, limits.memory_bytes)]
    return [(which, wanted) for which, wanted in pairs if wanted]


def _most(hard: int, wanted: int) -> int:
    """Never above what the machine's administrator gave; a negative number is none, and everything on some systems."""
    return wanted if hard < 0 else min(wanted, hard)
