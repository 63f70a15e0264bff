"""Processes that may end between two looks at them, as tests see them: never an exception, always an answer."""

from collections.abc import Callable

import psutil


def lives(process: int | psutil.Process) -> bool:
    """Whether a process is there and runs, sleeps or is stopped; a zombie is none."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return bool(found.is_running() and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def is_zombie(process: psutil.Process) -> bool:
    """Whether a process has ended and nobody has asked for its status yet."""
    try:
        return bool(process.is_running() and process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def living(wanted: Callable[[str], bool]) -> list[psutil.Process]:
    """The living processes whose command line, in one line of words, is wanted."""
    words = {process: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    return [process for process, line in words.items() if wanted(line) and lives(process)]
