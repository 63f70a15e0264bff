"""The Supervisor's process: launches the subkernel first, then listens for its owner, and leaves when all is done.

`fork_supervisor` is how the kernel process gets one, early and cheaply or late to replace one that died; `main` is the same
as a program of its own. Nothing heavy is imported at the top: a launch comes before asyncio.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from actors.supervisor.order import GAVE_UP, Order

TITLE = "beaker --role supervisor --kernel {}"

LET_GO_LIMIT_S: Final = 1.0
"""How long a copy is waited for that is to hold nothing of its original's: it needs a millisecond, and more only where it gets no turn."""


def fork_supervisor(order: Order, *, before_serving: Callable[[], object] | None = None, is_late: bool = False) -> int:
    """Fork a Supervisor into a session of its own, and return its pid at once.

    Works early, before anything is imported, and late, out of a process with a running loop and threads: the copy
    touches nothing of it, neither closing nor collecting, and never returns.

    Args:
        order: what it supervises.
        before_serving: runs in the copy once the subkernel is launched: logging, for example.
        is_late: return once the copy has let go of the sockets that clients wait at. Who crashed before that could not bind its ports
            again, nor could a successor of this process.
    """
    import warnings

    reading, writing = os.pipe() if is_late else (-1, -1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: see above
        pid = os.fork()
    if pid:
        if is_late:
            os.close(writing)
            _wait_for_its_end(reading)
        return pid
    status = 1
    try:
        os.setsid()
        _let_go_of_the_original(last=writing)
        status = run_supervisor(order, before_serving=before_serving)
    except BaseException:  # noqa: BLE001 -- the copy must not unwind into the frames of the original
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def _wait_for_its_end(reading: int) -> None:
    """Wait until nobody has the other end of a pipe; closes this one."""
    import select

    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.poll(LET_GO_LIMIT_S * 1000)
    os.close(reading)


def _let_go_of_the_original(*, last: int) -> None:
    """Give up signals and descriptors of the process we are a copy of.

    Descriptors become /dev/null instead of being closed: the copies of objects that own them may still close their
    numbers, which must not be ours by then.

    Args:
        last: a descriptor that goes behind all others, by which the original hears of it; -1: it does not listen.
    """
    import gc

    gc.freeze()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    listing = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    for name in os.listdir(listing):
        descriptor = int(name)
        if descriptor > 2 and descriptor not in {nothing, last} and _is_open(descriptor):
            os.dup2(nothing, descriptor, inheritable=False)
    if last >= 0:
        os.close(last)


def _is_open(descriptor: int) -> bool:
    """Whether a number from the listing is still a descriptor: the listing's own is not."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def run_supervisor(order: Order, *, before_serving: Callable[[], object] | None = None) -> int:
    """Supervise until all is done.

    Returns:
        The exit status of the process: LEFT, NOT_THE_FIRST or GAVE_UP.
    """
    from actors.supervisor.guard import Guard

    guard = Guard(order)
    try:
        if (refused := guard.open()) is not None:
            return refused
        # The subkernel imports its own from here on; what it does not need to be launched comes now.
        from actors.runtime.prctl import become_undumpable
        from actors.supervisor.serving import serve

        become_undumpable()
        if before_serving is not None:
            before_serving()
        _set_title(order.kernel_id)
        # Not ignored, or the subkernels would inherit that: a handler of Python's is gone after an exec.
        signal.signal(signal.SIGINT, lambda *_: None)
        return serve(guard)
    except OSError:
        if guard.abandon():
            raise
        return GAVE_UP


def main(argv: list[str]) -> int:
    """Supervise as a program of its own; the order comes on stdin, as msgpack, because it holds a secret.

    Args:
        argv: `--kernel ID`, for `ps` only.
    """
    del argv
    return run_supervisor(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order))


def _set_title(kernel_id: str) -> None:
    """Show the role in `ps`."""
    from setproctitle import setproctitle

    setproctitle(TITLE.format(kernel_id))
