"""A log that a test of sockets can read."""

from actors.runtime.log import Log


class Lines(Log):
    """Keeps the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[dict[str, object]] = []

    def warning(self, event: str, **values: object) -> None:
        self.warnings.append({"event": event, **values})
