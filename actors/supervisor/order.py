"""What a Supervisor is told before it begins, and what its exit status tells."""

from collections.abc import Mapping

import msgspec

from actors.supervisor.limits import Limits
from beaker.messages.subkernel import Subkernel

LEFT = 0
"""Exit status: all is done, nothing of the kernel lives."""
NOT_THE_FIRST = 3
"""Exit status: another living Supervisor has this kernel."""
GAVE_UP = 4
"""Exit status: the actor crashed; the next Supervisor adopts what lives."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner knows of the subkernel's life so far."""

    generation: int
    subkernel: Subkernel | None
    """The one it is linked to."""
    start: str | None
    """Start time of its process."""
    dead_reason: str
    """Why it was given up; empty where it was not."""
    greeted: bool = True
    """It has answered its owner. Until then its sockets are only found by their names."""
    owner: int | None = None
    """The process that owns it; None: the one that started the Supervisor."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """All that a Supervisor must know."""

    folder: str
    """The kernel's runtime folder, which exists and is private."""
    kernel_id: str
    secret: bytes
    """What the owner must say to be let in."""
    spec_name: str
    environment: Mapping[str, str]
    """The user's own, without what beaker took out of it; what the subkernel is given."""
    connection_file_name: str
    """The name of the client's connection file: the subkernel's has the same, because code finds its notebook by it."""
    start_timeout_s: float = 30.0
    restart_limit: int = 5
    restart_window_s: float = 30.0
    lease_s: float = 10.0
    limits: Limits = Limits()
    """What the subkernel may take of the machine."""
    remembered: "Remembered | None" = None
    """For a Supervisor that replaces one, in case that the record was cleaned away with the folder."""
    working_folder: str = ""
    """Where cells begin; empty: where the Supervisor's process is."""
    search_environment: Mapping[str, str] | None = None
    """The variables by which kernelspecs are looked for; None: those of the subkernel."""
    gathers_stdout: bool = False
    """The subkernel's stdout goes where its stderr does: it may outlive whoever reads ours."""
