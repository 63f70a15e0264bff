"""Reaping orphans, for the kernel process: as a child subreaper it inherits what a killed Supervisor had started.

Subkernels and watchers whose Supervisor was killed come to it when they end, and would stay zombies as long as it lives.
Children of its own are left to whoever waits for them.
"""

import os
from collections.abc import Container


def reap_orphans(ours: Container[int]) -> bool:
    """Take the status of every ended child that is not ours; to be called at each SIGCHLD.

    Args:
        ours: pids of the children that others of this process wait for.

    Returns:
        Whether none is left. If not, a child of ours stands in front that nobody has reaped yet: call again soon.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        if ended is None:
            return True
        if ended.si_pid in ours:
            return False
        os.waitpid(ended.si_pid, os.WNOHANG)
