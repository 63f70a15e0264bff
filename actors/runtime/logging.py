"""Structured logs: one JSON line per event, with role, kernel, actor and trace, without secrets.

`configure` is called once by each process when it knows who it is; before that structlog's own defaults hold. The
trace id is added by itself from the context variable, so that the lines of one request can be found in the files of all
processes. What is written where is `log_file`, what is taken out is `redact`.
"""

import os
import sys
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from actors.runtime.bare_structlog import structlog
from actors.runtime.fingerprint import Fingerprint
from actors.runtime.log_file import LogFile, prune
from actors.runtime.redact import Redactor
from actors.runtime.trace import current_trace

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_FIRST = ("time", "level", "event", "role", "kernel", "actor", "trace")
"""The order in which a person reads a line."""

EventDict = MutableMapping[str, Any]  # Any: structlog's own type


class Logs:
    """The logging of this process. Made by `configure`.

    Args:
        file: where lines go.
        redactor: what takes secrets out.
    """

    def __init__(self, file: LogFile, redactor: Redactor) -> None:
        self.file = file
        self._redactor = redactor

    def register_secret(self, secret: str) -> None:
        """Never log this value again, wherever it stands."""
        self._redactor.add(secret)

    def close(self) -> None:
        """Close the file; later lines open it again."""
        self.file.close()


class Renderer:
    """The last processor: redacts an event and makes its line.

    Args:
        redactor: what takes secrets out.
        bound: what stands on every line of this process.
    """

    def __init__(self, redactor: Redactor, bound: dict[str, str]) -> None:
        self._redactor = redactor
        self._bound = bound
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, _logger: object, _method: str, event: EventDict) -> bytes:
        whole: dict[str, object] = {**self._bound, **event}
        line: dict[str, object] = {name: whole[name] for name in _FIRST if name in whole}
        line.update(whole)
        redactor = self._redactor
        # The time is the stamp of a processor before this one, whatever the event said.
        redacted = {redactor.name(str(name)): value if name == "time" else redactor.named(str(name), value) for name, value in line.items()}
        return self._encode(redacted) + b"\n"


class _Writer:
    """What structlog calls a logger: takes finished lines of any level."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self.msg = write


def add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A processor: binds the trace of what runs now, unless the line names another."""
    trace = current_trace.get()
    if trace:
        event.setdefault("trace", trace)
    return event


def configure(
    folder: Path,
    *,
    role: str,
    kernel: str = "",
    level: str = "info",
    max_bytes: int = 10 * 1024 * 1024,
    keep: int = 5,
    secrets: Iterable[str] = (),
    fingerprints: Iterable[Fingerprint] = (),
) -> Logs:
    """Send the lines of this process to a file of its own, `<role>[-<kernel>]-<pid>.jsonl`.

    Args:
        folder: of the log files; made if it is not there.
        role: what this process is.
        kernel: id of the kernel it serves, if it serves one.
        level: the least that is written: debug, info, warning or error.
        max_bytes: size at which the file is put aside.
        keep: how many older parts stay.
        secrets: values never to be written.
        fingerprints: of further such values, which this process does not have.

    Raises:
        ValueError: an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"no log level {level!r}; there are: {', '.join(LEVELS)}")
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    for known in fingerprints:
        redactor.add_fingerprint(known)
    name = "-".join(part for part in (role, kernel, str(os.getpid())) if part)
    file = LogFile(folder / f"{name}.jsonl", max_bytes=max_bytes, keep=keep)
    prune(folder)
    bound = {"role": role, "kernel": kernel} if kernel else {"role": role}
    writer = _Writer(file.write)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            add_trace,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            Renderer(redactor, bound),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    return Logs(file, redactor)


def log_to_stderr(level: str = "warning") -> None:
    """Send readable lines to stderr: for tools that a person runs, and for tests."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, add_trace, structlog.processors.KeyValueRenderer(key_order=["level", "event"])],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
