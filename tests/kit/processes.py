"""Processes that may end between two looks at them, as tests see them: never an exception, always an answer."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

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


def words_of(process: psutil.Process) -> str:
    """What a process was called with, in one line of words; nothing of one that has ended."""
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.NoSuchProcess:  # or a zombie by now
        return ""


def living(wanted: Callable[[str], bool]) -> list[psutil.Process]:
    """The living processes whose command line, in one line of words, is wanted."""
    found: list[psutil.Process] = []
    for pid in (pid for pid, line in command_lines().items() if wanted(line)):
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return [process for process in found if lives(process)]


def eldest(found: list[psutil.Process]) -> psutil.Process | None:
    """The first of these that is no child of another: before a child runs a program of its own, it is called what its parent is."""
    pids = {process.pid for process in found}
    for process in found:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                return process
    return None


def command_lines() -> dict[int, str]:
    """What each process of the machine was called with, in one line of words, by its pid.

    Tests look again and again until somebody is there or gone: read from /proc, a look costs a quarter of what psutil takes.
    """
    if not sys.platform.startswith("linux"):
        return {process.pid: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    found: dict[int, str] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:  # it may have ended meanwhile
                found[int(name)] = file.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return found
