"""The record of the living subkernel in its runtime folder: what a Supervisor that comes later needs to adopt it.

Written by the Supervisor whenever something in it changes, read when one begins. It holds the subkernel's key, so it is
0600 like a connection file; it is replaced by a rename, so nobody reads half of it. Beside it lies `living`, the same in
the words of the watcher's shell.
"""

import contextlib
import errno
import os
from pathlib import Path

import msgspec

from actors.supervisor.start_time import start_time
from beaker.messages.subkernel import Subkernel
from beaker.places import FULL, KernelFolder
from beaker.subkernels.facts import Found


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One subkernel and its owner."""

    subkernel: Subkernel
    start: str | None
    """Start time of its process; None where it is not a process of this machine."""
    answered: bool
    spec_path: str
    owner: int | None
    owner_lost_at: float | None
    provisioner: dict[str, object] | None = None
    """What a provisioner that is not ours said about it."""
    heard: int = 0
    """The last generation that an owner said was ready."""
    reachable: bool = True
    """False where its sockets were cleaned away."""
    lease_s: float | None = None
    """How long it lives without an owner: what a Supervisor of another kernel goes by; None where its own did not say."""


_decoder = msgspec.json.Decoder(Record)


def write(folder: KernelFolder, record: Record) -> None:
    """Replace the record and the watcher's list."""
    _replace(folder.record, msgspec.json.encode(record))
    local = record.start is not None and record.subkernel.pid is not None
    _replace(folder.living, f"{record.subkernel.pid} {record.start}\n".encode() if local else b"")


def remove(folder: KernelFolder) -> None:
    """Nothing lives."""
    for path in (folder.record, folder.living):
        path.unlink(missing_ok=True)


def read(folder: KernelFolder) -> Record | None:
    """The record; None if there is none, or not one that this version understands."""
    try:
        return _decoder.decode(folder.record.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def found(record: Record) -> Found:
    """What the record means now: whether the process it names is still there."""
    pid = record.subkernel.pid
    alive = pid is not None and record.start is not None and start_time(pid) == record.start
    return Found(
        subkernel=record.subkernel,
        alive=alive,
        answered=record.answered,
        spec_path=record.spec_path,
        owner=record.owner,
        owner_lost_at=record.owner_lost_at,
        heard=record.heard,
        reachable=record.reachable,
    )


def _replace(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 at once or not at all; where there is no room for a second one, over the one that is there.

    Raises:
        OSError: it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        scratch.unlink()
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        if error.errno not in FULL or not path.exists():
            raise
        _write_over(path, content)


def _write_over(path: Path, content: bytes) -> None:
    # Of its first page, which it has: a life that follows another in a full folder is recorded. Half of it would not be read.
    with path.open("r+b", buffering=0) as file:
        if file.write(content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        file.truncate()
