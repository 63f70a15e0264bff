"""The kernels that have logs, put together from what is known of each file: for `list`, and for naming one.

Pure. A file's own facts (size, first and last time, whether its writer lives) are read by whoever has the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from beaker.errors import BeakerError
from beaker.logs.file_names import Parts
from beaker.logs.record import BEFORE_ALL

LAST = "last"
_NO_NAMES: Final[Mapping[str, Sequence[str]]] = {}


class NoKernel(BeakerError):
    """A kernel that has no logs, or a name that may mean several."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of the files of one writer."""

    parts: Parts
    size_bytes: int
    first: datetime | None
    """Time of the first line that could be read."""
    last: datetime | None
    lives: bool
    """Whether the process that writes it is there."""
    names: tuple[str, ...] = ()
    """Of the notebooks that the kernel has had, or of its connection file, where this log says so; the latest last."""
    named: datetime | None = None
    """When a session gave it the last of them; None: it is that of its start."""


class KernelLogs(msgspec.Struct, frozen=True):
    """All that one kernel's processes wrote."""

    kernel: str
    """Its id; empty for files that belong to no kernel."""
    name: str
    """Of its notebook; empty: no log says any."""
    roles: tuple[str, ...]
    files: int
    size_bytes: int
    first: datetime | None
    last: datetime | None
    lives: bool
    """Whether the kernel process itself is there, or its host, which has not said that it ended."""
    names: tuple[str, ...] = ()
    """All that its notebook has had, the latest last."""


def sort_by_kernel(facts: Iterable[Facts]) -> list[KernelLogs]:
    """Put the files of each kernel together; the one that wrote last comes last."""
    by_kernel: dict[str, list[Facts]] = {}
    for fact in facts:
        by_kernel.setdefault(fact.parts.writer.kernel, []).append(fact)
    return sorted((_together(kernel, each) for kernel, each in by_kernel.items()), key=lambda logs: logs.last or BEFORE_ALL)


def _together(kernel: str, facts: Sequence[Facts]) -> KernelLogs:
    firsts = [fact.first for fact in facts if fact.first is not None]
    lasts = [fact.last for fact in facts if fact.last is not None]
    # A host that takes a kernel over says again, and later than any session, what it was started with.
    by_time = sorted(facts, key=lambda fact: (fact.named or BEFORE_ALL, fact.last or BEFORE_ALL))
    said = [name for fact in by_time for name in fact.names] if kernel else []
    names = tuple(dict.fromkeys(reversed(said)))[::-1]
    return KernelLogs(
        kernel=kernel,
        name=names[-1] if names else "",
        roles=tuple(sorted({fact.parts.writer.role or "?" for fact in facts}, key=_rank)),
        files=sum(len(fact.parts.names) for fact in facts),
        size_bytes=sum(fact.size_bytes for fact in facts),
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        lives=any(fact.lives and fact.parts.writer.role in ("kernel", "host") for fact in facts),
        names=names,
    )


def _rank(role: str) -> tuple[int, str]:
    """The order in which processes start."""
    known = ("host", "kernel", "supervisor", "agent_host", "agent")
    return (known.index(role) if role in known else len(known), role)


def find_kernel(given: str, kernels: Sequence[str], names: Mapping[str, Sequence[str]] = _NO_NAMES) -> str:
    """The id of the kernel that is meant.

    Args:
        given: `last`, the beginning of an id, or the name of a notebook, which means the last kernel that it has; or else that it had.
        kernels: the ids of those that have logs, the one that wrote last at the end.
        names: of their notebooks, where they are known, each kernel's latest at the end.

    Raises:
        NoKernel: none is meant, or several; the sentence lists those that exist.

    >>> find_kernel("last", ["ab12", "cd34"]), find_kernel("a", ["ab12", "cd34"])
    ('cd34', 'ab12')
    >>> find_kernel("work/a.ipynb", ["ab12", "cd34"], {"ab12": ["a.ipynb"]})
    'ab12'
    """
    known = [kernel for kernel in kernels if kernel]
    there_are = f"There are: {', '.join([*known[-10:], LAST]) if known else 'none'}."
    if given == LAST and known:
        return known[-1]
    fitting = [kernel for kernel in known if given and kernel.startswith(given)]
    if given in fitting:
        return given
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NoKernel(f"{given[:60]!r} may mean several kernels: {', '.join(fitting[:10])}. Write more of the id.")
    notebook = given.rpartition("/")[2]
    had = [kernel for kernel in known if notebook and notebook in names.get(kernel, ())]
    if had:
        return next((kernel for kernel in reversed(had) if names[kernel][-1] == notebook), had[-1])
    raise NoKernel(f"No kernel whose id begins with {given[:60]!r}, and none of a notebook of this name, has logs. {there_are}")
