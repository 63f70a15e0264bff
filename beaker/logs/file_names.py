"""What the name of a log file says: `<role>[-<kernel>]-<pid>.jsonl`, and `.1`, `.2`, ... for what was put aside, newest first."""

import re
from collections.abc import Iterable

import msgspec

_KERNEL = r"[0-9a-f]{4,}(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?"
"""A hash; a UUID under the gateway."""
_NAME = re.compile(rf"(?P<role>[a-z_]+)(?:-(?P<kernel>{_KERNEL}))?-(?P<pid>\d{{1,10}})\.jsonl(?:\.(?P<part>\d{{1,4}}))?")
_ANY = re.compile(r"(?P<stem>.+\.jsonl)(?:\.(?P<part>\d{1,4}))?")


class Writer(msgspec.Struct, frozen=True, order=True):
    """One process that writes, or wrote, a log."""

    role: str
    kernel: str
    """Id of the kernel it serves; empty if none, or several: then it stands on each line."""
    pid: int
    """0 where the name says none: a file of somebody else."""


class Parts(msgspec.Struct, frozen=True):
    """All files of one writer, oldest first."""

    writer: Writer
    names: tuple[str, ...]


def group(names: Iterable[str]) -> list[Parts]:
    """Sort file names into writers and their parts.

    >>> [(p.writer.role, p.names) for p in group(["agent-ab12-7.jsonl", "agent-ab12-7.jsonl.2", "agent-ab12-7.jsonl.1", "x.txt"])]
    [('agent', ('agent-ab12-7.jsonl.2', 'agent-ab12-7.jsonl.1', 'agent-ab12-7.jsonl'))]
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := _ANY.fullmatch(name):
            found.setdefault(match["stem"], []).append((int(match["part"] or 0), name))
    return sorted(
        (Parts(writer_of(stem), tuple(name for _, name in sorted(parts, reverse=True))) for stem, parts in found.items()),
        key=lambda parts: (parts.writer, parts.names),
    )


def writer_of(name: str) -> Writer:
    """Who writes the file of this name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return Writer("", "", 0)
    return Writer(match["role"], match["kernel"] or "", int(match["pid"]))
