"""The log of a process of ours: where every role's lines go, by the settings of its kernel."""

import os
import sys
from typing import TYPE_CHECKING

from beaker import places
from beaker.settings.schema import LogSettings

if TYPE_CHECKING:
    from actors.runtime.fingerprint import Fingerprint
    from actors.runtime.logging import Logs


def configure_logs(settings: LogSettings, role: str, kernel_id: str, key: str | None, token: "Fingerprint | None" = None) -> "Logs | None":
    """Send this process's log lines to a file of its own; one that cannot be written is said once on stderr.

    Args:
        key: what must never stand in a log: the client's HMAC key, or in an agent the model's.
        token: of what must not either, and is not known here.

    Returns:
        What closes the file; None if there is none.
    """
    from actors.runtime.logging import configure  # not before the subkernel is launched

    try:
        return configure(
            places.state_folder(os.environ) / "logs",
            role=role,
            kernel=kernel_id,
            level=settings.level,
            max_bytes=settings.max_bytes,
            keep=settings.keep,
            secrets=[key] if key else [],
            fingerprints=[token] if token is not None else [],
        )
    except OSError as error:
        sys.stderr.write(f"beaker: no log is written: {error}\n")
        return None
