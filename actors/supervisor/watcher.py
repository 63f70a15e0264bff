"""The watcher: one tiny shell per runtime folder that ends the subkernel when all its owners were killed.

The owners (the Supervisor and the kernel process) hold the writing end of a pipe that the shell reads. When the last of
them is gone it reads the end of the file, waits for the lease (step by step), closes the door, and looks whether a new owner has written
its line in the meantime; if not, it kills the process groups listed in the folder, after checking their start times, and removes the
folder. A group whose leader is gone is killed too: its number is not given to others while it has members. The shell is in a
session of its own, holds nothing of ours open, and leaves by itself when its pipe was removed.

The door is closed by a file beside the pipe. Whoever does not find that after writing has come in time, since the shell looks once it is
there. Whoever does waits until it is gone again, or the shell is: without a door one could come between the shell's look and what it does
to the folder, and lose the session that it had just taken over.

Nobody else reads the pipe (its `sleep` does not), so a broken pipe is how every owner hears of the watcher's own end,
whoever had started it.
"""

import contextlib
import errno
import os
import select
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from actors.supervisor.local_process import LocalProcess
from actors.supervisor.start_time import start_time
from beaker.places import KernelFolder

if TYPE_CHECKING:
    import asyncio

_PIPES = "owners-*"
"""The pipe has a name of its own for each watcher: an old one must not take a new kernel's folder for its own."""

_CLOSED = ".closed"
"""How the name of the pipe goes on in that of the file that closes the door; in the script too."""

LOOK_MS = 1
"""A door is closed for a moment, or for good: then until all is killed and the folder removed."""

LOOKS = 2000
"""So often a closed door is looked at; only a watcher that was stopped just there needs more. Counted, as one that stands still with the
machine needs no more than any."""

STEP_S = 5.0
"""While a watcher waits for the lease it looks so often whether its kernel has been ended by somebody: that of a gateway is long."""

REAP_LIMIT_S = 1.0
"""Only a machine that stands still takes longer; then the next launch of a process reaps it."""

SCRIPT = r"""
folder=$5 pipe=$6 step=$7 steps=$8
cd / || exit 1
start_of() {
  if [ -r /proc/self/stat ]; then
    read -r stat < "/proc/$1/stat" || return
    set -- ${stat##*) }
    echo "${20}"
  else
    LC_ALL=C ps -o lstart= -p "$1" | tr -s ' \n' '_' | sed 's/^_//; s/_$//'
  fi
}
while :; do
  while read -r line; do :; done
  [ -p "$pipe" ] || exit 0
  left=$steps
  while [ "$left" -gt 0 ]; do
    sleep "$step" < /dev/null
    [ -p "$pipe" ] || exit 0
    left=$((left - 1))
  done
  true > "$pipe.closed"
  read -r line || break
  rm -f "$pipe.closed"
done
mv "$folder" "$folder.$$" || exit 0
while read -r pid start; do
  now=$(start_of "$pid" 2>/dev/null)
  [ "${now:-$start}" = "$start" ] && kill -s KILL -- "-$pid"
done < "$folder.$$/living"
rm -rf "$folder.$$"
"""


class Watcher:
    """An owner's hold on the watcher, and its process if we started it.

    Attributes:
        process: None for a watcher that an earlier owner started.
    """

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes] | None") -> None:
        self._descriptor = descriptor
        self._loop: asyncio.AbstractEventLoop | None = None
        self.process = process

    def watch(self, on_end: Callable[[], None]) -> None:
        """Call `on_end` once, from the running loop, when the watcher has ended; `release` ends the watch."""
        import asyncio  # here, not above: the first launch comes before it

        loop = self._loop = asyncio.get_running_loop()

        def broken() -> None:
            self._stop_watching()
            on_end()

        # A writing end is never readable: what the loop tells of is the error of a pipe that nobody reads.
        loop.add_reader(self._descriptor, broken)

    def release(self) -> None:
        """Own no more. The watcher goes on for the other owners; without its pipe it leaves, and is reaped if a loop runs then."""
        was_watched = self._loop is not None
        self._stop_watching()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self.process is not None and self.process.poll() is None and was_watched:
            with contextlib.suppress(OSError):  # no descriptor is left: a zombie is the lesser harm
                _reap_later(self.process)

    def reap(self) -> None:
        """Let go of a watcher that has ended."""
        if self.process is not None:
            # Its pipe is closed some microseconds before its status is there.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(REAP_LIMIT_S)
        self.release()

    def _stop_watching(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
        self._loop = None


def _reap_later(process: "subprocess.Popen[bytes]") -> None:
    """Let no zombie stay in a process that goes on, as that of many kernels does."""
    leaving = LocalProcess(process.pid, start_time(process.pid), process)

    def reap() -> None:
        process.poll()
        leaving.close()

    leaving.watch(reap)


def pipes(folder: KernelFolder) -> list[Path]:
    """The pipes of its watchers, dead ones included."""
    return sorted(path for path in folder.path.glob(_PIPES) if path.suffix != _CLOSED)


def hold(folder: KernelFolder) -> Watcher | None:
    """Become one more owner; None if no watcher lives, or the lease has run out.

    Raises:
        TimeoutError: the watcher neither ends the kernel nor lets anybody in; it was stopped.
    """
    for pipe in pipes(folder):
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            continue  # nobody reads: its watcher is dead
        try:
            os.write(descriptor, b"owner\n")
            if _is_let_in(pipe, descriptor):
                return Watcher(descriptor, None)
        except BrokenPipeError:
            pass  # it died this very moment
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return None


def _is_let_in(pipe: Path, descriptor: int) -> bool:
    """Whether the watcher will read, or has read, what was written there; False when it is gone."""
    closed = _closed(pipe)
    poll = select.poll()
    poll.register(descriptor, 0)  # an error is all that is to be heard: nobody reads any more
    for _ in range(LOOKS):
        if not closed.exists():
            return pipe.exists()  # else that file went with the folder
        if poll.poll(LOOK_MS):
            return False
    raise TimeoutError(f"the watcher {pipe} stands still while it decides on the end of its kernel")


def _closed(pipe: Path) -> Path:
    return pipe.with_name(pipe.name + _CLOSED)


def ensure(folder: KernelFolder, *, kernel_id: str, lease_s: float) -> Watcher:
    """Become an owner, and start a watcher if none lives.

    Raises:
        FileNotFoundError: the lease has run out, and the folder is gone.
        OSError: there is no watcher; TimeoutError as `hold`.
    """
    held = hold(folder)
    if held is not None:
        return held
    for dead in pipes(folder):
        dead.unlink(missing_ok=True)
        _closed(dead).unlink(missing_ok=True)
    pipe = folder.path / f"owners-{os.urandom(4).hex()}"
    os.mkfifo(pipe, 0o600)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        writing = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(reading, True)
        role = ["beaker", "--role", "watcher", "--kernel", kernel_id]
        steps = max(1, round(lease_s / STEP_S))
        process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, *role, str(folder.path), str(pipe), f"{lease_s / steps:g}", str(steps)],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,
        )
    finally:
        os.close(reading)
    return Watcher(writing, process)
