"""What may happen in the life of one subkernel: all that `lifecycle.step` is told.

Facts are what the Supervisor tells itself (a process ended, a timer ran out) or makes of what others ask. They never
travel between processes. Times called `now` are monotonic seconds.
"""

from typing import ClassVar

import msgspec

from beaker.messages.base import Event, Lane
from beaker.messages.subkernel import Attach, Interrupt, Ready, Restart, Shutdown, Subkernel


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The subkernel of an earlier Supervisor, as its record describes it."""

    subkernel: Subkernel
    alive: bool
    """Its process is there and is the one that was started."""
    answered: bool
    spec_path: str
    owner: int | None
    """The kernel process that owned it last."""
    owner_lost_at: float | None = None
    """Wall clock; None where that owner was there to the last that is known."""
    heard: int = 0
    """The last generation that an owner said was ready."""
    reachable: bool = True
    """False where its sockets were cleaned away: only who is linked to it already still speaks to it."""


class Opened(Event, frozen=True, kw_only=True, tag="lifecycle.opened"):
    """The Supervisor begins."""

    lane: ClassVar[Lane] = "control"
    now: float
    at: float
    """Wall clock, for the words."""
    found: Found | None = None


class Launched(Event, frozen=True, kw_only=True, tag="lifecycle.launched"):
    """A process runs."""

    lane: ClassVar[Lane] = "control"
    subkernel: Subkernel
    spec_path: str
    """The kernelspec that it was started from."""


class LaunchFailed(Event, frozen=True, kw_only=True, tag="lifecycle.launch_failed"):
    """No process could be made."""

    lane: ClassVar[Lane] = "control"
    generation: int
    reason: str
    """Sentences for the user with path and remedy."""


class Exited(Event, frozen=True, kw_only=True, tag="lifecycle.exited"):
    """A process ended, asked for or not."""

    lane: ClassVar[Lane] = "control"
    generation: int
    status: int | None
    """As `Popen.returncode`; None where it is unknown."""
    stderr_tail: str
    now: float
    at: float
    """Wall clock, for the words."""


class Asking(Event, frozen=True, kw_only=True, tag="lifecycle.asking"):
    """Somebody asks and waits for exactly one `Reply` with the same number."""

    lane: ClassVar[Lane] = "control"
    number: int
    request: Attach | Restart | Interrupt | Shutdown


class OwnerLost(Event, frozen=True, kw_only=True, tag="lifecycle.owner_lost"):
    """The link to a kernel process is gone without a Shutdown."""

    lane: ClassVar[Lane] = "control"
    pid: int
    at: float
    """Wall clock: since then nobody listens to the subkernel."""


class ToldToLeave(Event, frozen=True, kw_only=True, tag="lifecycle.told_to_leave"):
    """SIGTERM: whoever sent it wants nothing of this kernel to stay."""

    lane: ClassVar[Lane] = "control"


class StartTimedOut(Event, frozen=True, kw_only=True, tag="lifecycle.start_timed_out"):
    """The time to answer is over; `watch` fences off the timers of former owners."""

    lane: ClassVar[Lane] = "control"
    generation: int
    watch: int


class GraceOver(Event, frozen=True, kw_only=True, tag="lifecycle.grace_over"):
    """Half of the grace to leave is over (`last` False), or all of it."""

    lane: ClassVar[Lane] = "control"
    generation: int
    last: bool


class LeaseOver(Event, frozen=True, kw_only=True, tag="lifecycle.lease_over"):
    """The time without an owner is over; `watch` fences off the leases of former owners."""

    lane: ClassVar[Lane] = "control"
    watch: int


Fact = Opened | Launched | LaunchFailed | Exited | Ready | Asking | OwnerLost | ToldToLeave | StartTimedOut | GraceOver | LeaseOver
Alarm = StartTimedOut | GraceOver | LeaseOver
"""The facts that come from a timer."""
