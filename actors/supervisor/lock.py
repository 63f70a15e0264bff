"""The lock that makes a Supervisor the only one of its kernel: held by flock, so it is free the moment its holder dies."""

import contextlib
import fcntl
import os

from beaker.places import KernelFolder


def take(folder: KernelFolder) -> int | None:
    """Become the Supervisor of this kernel.

    Returns:
        A descriptor that holds the lock until it is closed, which is at the latest when the process ends; None while
        another living Supervisor holds it.
    """
    while True:
        descriptor = os.open(folder.supervisor_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if holds(folder, descriptor):
            with contextlib.suppress(OSError):  # the pid is for people, and no disk is too full for a lock
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
            return descriptor
        os.close(descriptor)  # the folder went, with a Supervisor that left, between the open and the lock


def holds(folder: KernelFolder, descriptor: int) -> bool:
    """Whether the file that was locked is the one that others find; else the folder is gone, or another Supervisor's by now."""
    try:
        return os.path.samestat(os.stat(folder.supervisor_lock), os.fstat(descriptor))
    except FileNotFoundError:
        return False
