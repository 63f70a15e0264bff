"""The parent's side of a process of another role: start it, know that it is ready, know at once that it has ended.

No asyncio subprocess and no child watcher: those reap by a thread or a signal, and tell late. Death comes by `pidfd`.
"""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from actors.runtime.birth import FAILED, OPTION, READY, WORDS_LIMIT, hand_down
from actors.runtime.failures import RuntimeFault
from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle

LAST_BREATH_S: Final = 5.0
"""How long a process that has let go of its parent may take to end by itself: milliseconds, unless it stands still just there."""


class Exit(msgspec.Struct, frozen=True):
    """How a process ended."""

    status: int | None
    """Its exit status; None if a signal ended it, or if somebody else reaped it."""
    signal: int | None

    @property
    def words(self) -> str:
        """In words: `exited with status 3`, `killed by signal 9`."""
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return "ended, its status unknown" if self.status is None else f"exited with status {self.status}"


class NotReadyError(RuntimeFault):
    """A process did not become ready; it has been killed and reaped. The text says why, in its own words if it had any."""


class Child:
    """One process that this one started. Not usable before a loop runs, but for `pid` and `send_signal`.

    Args:
        pid: of the process, which is a child of this one.
        role: for words.
        channel: our side of its birth.
    """

    def __init__(self, pid: int, role: str, channel: socket.socket) -> None:
        self.pid = pid
        self.role = role
        self._channel = channel
        self._handle = ProcessHandle(pid)
        self._exited: asyncio.Future[Exit] | None = None

    @property
    def exited(self) -> "asyncio.Future[Exit]":
        """Becomes how it ended, some milliseconds after it did; it is reaped then."""
        if self._exited is None:
            self._exited = asyncio.get_running_loop().create_future()
            self._handle.on_exit(self._reap)
        return self._exited

    async def ready(self, timeout_s: float) -> None:
        """Wait until the process says that it is ready.

        Raises:
            NotReadyError: it said why not, or ended, or said nothing in time. It is killed and reaped then.
        """
        try:
            async with asyncio.timeout(timeout_s):
                words = await asyncio.get_running_loop().sock_recv(self._channel, WORDS_LIMIT + 1)
        except TimeoutError:
            reason = f"said nothing within {timeout_s:g} s"
        except ConnectionResetError:
            reason = ""
        else:
            if words.startswith(READY):
                return
            reason = words.removeprefix(FAILED).decode(errors="replace")
        if not reason:
            # It closed its end: as a rule because it is about to be gone, and then its status is the better reason.
            await asyncio.wait([self.exited], timeout=LAST_BREATH_S)
        self._kill()
        ended = await self.exited
        raise NotReadyError(f"the {self.role} process {self.pid} is not ready: {reason or ended.words}")

    def send_signal(self, number: int) -> None:
        """Signal exactly this process; nothing happens if it has ended."""
        if self._exited is None or not self._exited.done():
            try:
                self._handle.send_signal(number)
            except NoSuchProcessError:
                return

    async def end(self, grace_s: float) -> Exit:
        """Ask it to end by SIGTERM, insist by SIGKILL after `grace_s` seconds; returns how it ended."""
        exited = self.exited
        self.send_signal(signal.SIGTERM)
        await asyncio.wait([exited], timeout=grace_s)
        self._kill()
        return await exited

    def _kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        assert self._exited is not None
        try:
            _, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            ended = Exit(status=None, signal=None)
        else:
            code = os.waitstatus_to_exitcode(status)
            ended = Exit(status=None, signal=-code) if code < 0 else Exit(status=code, signal=None)
        self._handle.close()
        self._channel.close()
        if not self._exited.done():
            self._exited.set_result(ended)


def start(
    argv: Sequence[str],
    *,
    role: str,
    secret: bytes,
    environment: Mapping[str, str] | None = None,
    folder: str | None = None,
    output: int | None = None,
    stderr: int | None = None,
    inherit: Sequence[int] = (),
) -> Child:
    """Start a program in a session of its own; it finds its birth by `Birth.take(sys.argv)`.

    Args:
        argv: the program and its arguments; the birth option is appended.
        role: for words.
        secret: handed down by the birth.
        environment: None for our own.
        folder: where it runs; None for our own.
        output: descriptor for its stdout and stderr; None for our own.
        stderr: descriptor for its stderr alone.
        inherit: further descriptors it keeps, under the same numbers.

    Raises:
        OSError: the program cannot be run.
        ValueError: the secret is too long.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            hand_down(ours, secret)
            process = subprocess.Popen(
                [*argv, f"{OPTION}{theirs.fileno()}"],
                pass_fds=[theirs.fileno(), *inherit],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output if stderr is None else stderr,
                env=environment,
                cwd=folder,
            )
        ours.setblocking(False)
        child = Child(process.pid, role, ours)
    except BaseException:  # also a cancellation: our end must not stay open
        ours.close()
        raise
    # We reap by pidfd; without this Popen would complain about a child that it believes to run still.
    process.returncode = 0
    return child
