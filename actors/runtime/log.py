"""The logger that the runtime and the actors hold: structlog's, not imported before the first line is written.

structlog takes 28 ms to import, which a process that starts should spend on its user. `Log` keeps what was bound and
makes the real logger when something is logged. How lines look and where they go is `actors.runtime.logging`.
"""

from typing import Any

FIRST = 20
EVERY = 1000
"""Of what comes in floods these lines say enough: so many, and then one of so many."""


class Log:
    """A bound logger, made on first use.

    Args:
        bound: key-values that stand on every line.
    """

    def __init__(self, **bound: object) -> None:
        self._bound = bound
        self._logger: Any = None  # Any: structlog's loggers are typed by configuration, which comes later

    def bind(self, **more: object) -> "Log":
        """Make a logger whose lines carry these key-values as well."""
        return Log(**{**self._bound, **more})

    def debug(self, event: str, **values: object) -> None:
        """Log what only a developer asks for; the one level where code and prompts may stand."""
        self._made().debug(event, **values)

    def info(self, event: str, **values: object) -> None:
        """Log what happened."""
        self._made().info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        """Log what should not happen and was mended."""
        self._made().warning(event, **values)

    def error(self, event: str, **values: object) -> None:
        """Log what failed."""
        self._made().error(event, **values)

    def exception(self, event: str, **values: object) -> None:
        """Log what failed with the traceback of the exception being handled, or of `exc_info=`."""
        self._made().error(event, **{"exc_info": True, **values})

    def _made(self) -> Any:  # Any: see __init__
        if self._logger is None:
            from actors.runtime.bare_structlog import structlog  # here, not above: see the module

            self._logger = structlog.get_logger(**self._bound)
        return self._logger


class SparseLog:
    """Lines of one event that somebody else can cause as often as it likes: the first ones, and then every thousandth.

    Files of logs are bounded, and a flood of one line would push out all the others.

    Args:
        event: each has a number in `times`.
    """

    def __init__(self, log: Log, event: str) -> None:
        self._log = log
        self._event = event
        self._times = 0

    def info(self, **values: object) -> None:
        """It has happened once more, and may."""
        if self._is_told():
            self._log.info(self._event, **values, times=self._times)

    def warning(self, **values: object) -> None:
        """It has happened once more, and should not."""
        if self._is_told():
            self._log.warning(self._event, **values, times=self._times)

    def _is_told(self) -> bool:
        self._times += 1
        return self._times <= FIRST or self._times % EVERY == 0
