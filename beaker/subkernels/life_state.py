"""The state of one subkernel's life, and what a step from it is: values only, the decisions are in `lifecycle`."""

from typing import Literal, TypeAlias

import msgspec

from beaker.messages.subkernel import Subkernel
from beaker.subkernels.actions import Action
from beaker.subkernels.restart_intensity import RestartIntensity


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that decide; all in seconds."""

    start_timeout_s: float = 30.0
    lease_s: float = 10.0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about one subkernel."""

    spec_name: str
    spec_path: str = ""
    """Known from the first launch on."""
    limits: str = ""
    """The settings that limit what it may take, in words."""
    policy: Policy = Policy()
    intensity: RestartIntensity = RestartIntensity()
    phase: Literal["new", "launching", "up", "ending", "dead", "gone"] = "new"
    """`ending`: it is on its way out, for the sake of `purpose`; `dead`: given up; `gone`: the Supervisor leaves."""
    purpose: Literal["restart", "leave", "hung"] = "leave"
    generation: int = 0
    subkernel: Subkernel | None = None
    """Set while its process may live."""
    answered: bool = False
    owner: int | None = None
    last_owner: int | None = None
    owner_lost_at: float | None = None
    """Wall clock; since then nobody listens to the subkernel."""
    heard: int = 0
    """The last generation that an owner said was ready; an owner that comes later is told if that one is over."""
    reachable: bool = True
    """False where the sockets of this life were cleaned away: only the owner of then still speaks to it."""
    watch: int = 0
    """Counts owners and their losses; what fences off their timers."""
    restarters: tuple[int, ...] = ()
    """Asks for a restart that wait for the launch."""
    leavers: tuple[int, ...] = ()
    """Asks for a shutdown that wait for the end."""
    reason: str = ""
    """For `dead`: the sentences told in GaveUp."""


Step: TypeAlias = tuple[State, list[Action]]
