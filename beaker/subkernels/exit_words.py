"""Sentences about subkernels that ended or never began: what happened, where to look, what to do.

Pure functions from statuses and texts to words for the user; who shows them is the kernel's business.
"""

import errno
import os
import re
import signal
from collections.abc import Sequence

TAIL_BYTES = 4096
"""How much of stderr is kept: some fifty lines, enough for a traceback."""

_HINTS: dict[int, str] = {
    signal.SIGKILL: "out of memory?",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGBUS: "bus error",
    signal.SIGABRT: "aborted by itself",
    signal.SIGFPE: "arithmetic error",
    signal.SIGILL: "illegal instruction",
    signal.SIGXCPU: "processor time limit",
    signal.SIGTERM: "asked to end",
}

_MEMORY = re.compile(r"MemoryError|bad_alloc|[Cc]annot allocate memory|[Oo]ut of memory|ENOMEM")


def of_exit(status: int | None, stderr_tail: str = "") -> str:
    """Say how a process ended.

    Args:
        status: as `subprocess.Popen.returncode`: an exit status, or minus the signal number; None where it is unknown,
            because the process was nobody's child that we know.
        stderr_tail: its last words, searched for signs that memory ran out.

    Example:
        >>> of_exit(-9), of_exit(3), of_exit(1, "MemoryError"), of_exit(None)
        ('killed by signal 9 (out of memory?)', 'exited with status 3', 'exited with status 1 (out of memory)', 'it is gone')
    """
    memory = bool(_MEMORY.search(stderr_tail))
    if status is None:
        return "it is gone (out of memory)" if memory else "it is gone"
    if status >= 0:
        return f"exited with status {status}" + (" (out of memory)" if memory else "")
    hint = "out of memory" if memory else _HINTS.get(-status)
    return f"killed by signal {-status}" + (f" ({hint})" if hint else "")


def of_launch_error(program: str, error: OSError) -> str:
    """Say why a program could not be run.

    Example:
        >>> of_launch_error("/no/such", FileNotFoundError(2, "No such file or directory"))
        '/no/such cannot be run: there is no such program'
    """
    if error.errno == errno.ENOENT:
        return f"{program} cannot be run: there is no such program"
    if error.errno == errno.EACCES:
        return f"{program} cannot be run: it is not executable"
    return f"{program} cannot be run: {os.strerror(error.errno) if error.errno else error}"


def of_unknown_spec(name: str, installed: Sequence[str]) -> str:
    """Say that no kernelspec has this name, and which names there are."""
    valid = ", ".join(sorted(installed)) or "none"
    return f"There is no kernelspec {name!r}. Installed are: {valid}. Choose one with --subkernel, BEAKER_SUBKERNEL or subkernel.spec."


def of_failed_start(name: str, path: str, words: str, stderr_tail: str, *, limits: str = "", remedy: str = "") -> str:
    """Say that a subkernel never came up, where its kernelspec lies, by which settings it is limited, and what to do."""
    return _joined(
        f"The subkernel {name} did not start: {words}. Its kernelspec is {path}.{_of_limits(limits)}",
        stderr_tail,
        remedy or "Mend the kernelspec or choose another one, then restart the kernel.",
    )


def of_crash_loop(name: str, path: str, words: str, stderr_tail: str, *, deaths: int, window_s: float, limits: str = "") -> str:
    """Say that a subkernel died too often to be started again."""
    died = f"The subkernel {name} died {deaths} times within {window_s:g} s, the last time: {words}."
    return _joined(
        f"{died} Its kernelspec is {path}.{_of_limits(limits)}",
        stderr_tail,
        "It is not started again by itself; restart the kernel to try once more.",
    )


def _of_limits(limits: str) -> str:
    return f" It is limited by {limits}, which may be too little for it." if limits else ""


def tail(written: bytes) -> str:
    """The last lines of stderr as text, at most `TAIL_BYTES` bytes, from the beginning of a line where there is one."""
    kept = written[-TAIL_BYTES:]
    if len(kept) < len(written) and (newline := kept.find(b"\n")) >= 0:
        kept = kept[newline + 1 :]
    return kept.decode("utf-8", "replace").strip()


def _joined(what: str, stderr_tail: str, remedy: str) -> str:
    """Sentence, last words if there are any, remedy."""
    return f"{what}\nIt wrote:\n{stderr_tail}\n{remedy}" if stderr_tail else f"{what} {remedy}"
