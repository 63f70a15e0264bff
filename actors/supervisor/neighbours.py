"""Kernels of the same user of which nobody is left who would end the subkernel.

Kernel process, Supervisor and watcher end each other's work, whichever of them is killed; killed all at once, as `kill -9` of
everything that is called beaker does, they leave a subkernel alone. It cannot see to itself: a signal at its parent's death would
end it with a Supervisor that is replaced, and a thread of ours in the user's process is out of the question. So the
Supervisor of another kernel, once it runs, gives it a watcher again, and that ends it after the lease that its own kernel had, as a
restarter may be on its way.
"""

import contextlib
import errno
import os
from collections.abc import Iterator

from actors.supervisor import lock, record, watcher
from actors.supervisor.local_process import LocalProcess
from actors.supervisor.start_time import start_time
from beaker.places import KernelFolder


def give_watchers(own: KernelFolder, *, lease_s: float) -> list[LocalProcess]:
    """Start a watcher for each kernel beside ours that has nobody.

    Args:
        own: the folder of our own kernel.
        lease_s: for a kernel whose own is not known.

    Returns:
        The watchers, for whoever reaps them.
    """
    started: list[LocalProcess] = []
    for folder in _beside(own):
        with contextlib.suppress(OSError):  # whoever cleans it away is no concern of ours
            if (process := _give_watcher(folder, lease_s)) is not None:
                started.append(process)
    return started


def _beside(own: KernelFolder) -> Iterator[KernelFolder]:
    for path in sorted(own.path.parent.iterdir()):
        folder = KernelFolder(path)
        if path != own.path and _lives_here(folder) and not _is_watched(folder):
            yield folder


def _lives_here(folder: KernelFolder) -> bool:
    """Whether a process that is named there lives on this machine: folders of temporary files are shared by some clusters and containers.

    There, locks and pipes need not tell of what another machine does.
    """
    try:
        lines = [line.split() for line in folder.living.read_text().splitlines()]
    except OSError:
        return False  # no folder of a kernel, or gone by now
    return any(len(words) == 2 and words[0].isdecimal() and start_time(int(words[0])) == words[1] for words in lines)


def _is_watched(folder: KernelFolder) -> bool:
    """Whether a watcher reads one of its pipes; nothing is written, so that one which waits for the lease waits no longer."""
    for pipe in watcher.pipes(folder):
        try:
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError as error:
            if error.errno not in {errno.ENXIO, errno.ENOENT}:
                raise
        else:
            return True
    return False


def _give_watcher(folder: KernelFolder, lease_s: float) -> LocalProcess | None:
    held = lock.take(folder)
    if held is None:
        return None  # its Supervisor lives, and starts a watcher itself
    try:
        known = record.read(folder)
        theirs = known.lease_s if known is not None and known.lease_s is not None else lease_s
        given = watcher.ensure(folder, kernel_id=folder.path.name, lease_s=theirs)
        given.release()  # we do not own what it watches
    finally:
        os.close(held)
    process = given.process
    return None if process is None else LocalProcess(process.pid, start_time(process.pid), process)
