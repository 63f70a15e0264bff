"""What the Registry and the gateway's workers say to a kernel host, the process that holds many KernelActors.

What Jupyter clients send goes another way, as bytes: see `beaker.gateway.stream`.
"""

from typing import ClassVar, Literal

import msgspec

from beaker.messages.base import Command, Event, Failure, Lane, Request
from beaker.messages.figures import FiguresTold, TellFigures
from beaker.messages.registry import KernelEntry


class Serve(Request["Served"], frozen=True, kw_only=True, tag="host.serve"):
    """A kernel is this host's from now on: a new one, or one whose former host was lost. Its Supervisor listens already."""

    kernel: KernelEntry
    """Which one."""
    runtime_folder: str
    """Where its Supervisor listens, and what a lost host has left lies."""
    secret: bytes
    """What its Supervisor wants to hear."""
    environment: dict[str, str]
    """Of the subkernel, by which the settings of this kernel are read too."""


class Served(Event, frozen=True, kw_only=True, tag="host.served"):
    """Answers Serve: clients may come."""


class End(Request["HostEnded"], frozen=True, kw_only=True, tag="host.end"):
    """A kernel is to end: politely, then by force. Answered once it has."""

    kernel_id: str
    """Which one."""


class HostEnded(Event, frozen=True, kw_only=True, tag="host.ended"):
    """Answers End."""


class EndUnused(Request["EndBegun"], frozen=True, kw_only=True, tag="host.end_unused"):
    """A kernel is to end because nobody uses it, if that is so: only its host knows what has come meanwhile. Refused as `in_use`."""

    kernel_id: str
    """Which one."""
    last_activity: float
    """With which it was seen: any other one is use."""


class EndBegun(Event, frozen=True, kw_only=True, tag="host.end_begun"):
    """Answers EndUnused: it ends, and nobody can use it any more."""


class InterruptKernel(Request["KernelInterrupted"], frozen=True, kw_only=True, tag="host.interrupt"):
    """Stop what runs in a kernel, a cell or a question."""

    lane: ClassVar[Lane] = "control"
    kernel_id: str
    """Which one."""


class KernelInterrupted(Event, frozen=True, kw_only=True, tag="host.interrupted"):
    """Answers InterruptKernel: it was sent."""


class RestartKernel(Request["KernelRestarted"], frozen=True, kw_only=True, tag="host.restart"):
    """A fresh session is wanted. Answered once it answers."""

    lane: ClassVar[Lane] = "control"
    kernel_id: str
    """Which one."""


class KernelRestarted(Event, frozen=True, kw_only=True, tag="host.restarted"):
    """Answers RestartKernel."""


class KernelStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a kernel is at the moment."""

    kernel_id: str
    """Which one."""
    execution_state: Literal["starting", "idle", "busy", "restarting", "dead"]
    """As clients were told last."""
    last_activity: float
    """Wall clock of the last message from or to a client, seconds since the epoch."""
    connections: int
    """Websockets that are open."""
    at_work: bool
    """A cell or a question runs: not to be culled."""
    waits_for_user: bool = False
    """Something that the model wants waits, parked, for the user's word, which would be lost with the kernel: not to be culled either."""


class ListStandings(Request["Standings"], frozen=True, kw_only=True, tag="host.list_standings"):
    """How all kernels of this host are."""


class Standings(Event, frozen=True, kw_only=True, tag="host.standings"):
    """Answers ListStandings."""

    kernels: list[KernelStanding]
    """One for each."""


class SavingChanged(Command, frozen=True, kw_only=True, tag="host.saving_changed"):
    """Whether the Registry can write down what there is: for people, in every kernel."""

    lane: ClassVar[Lane] = "control"
    not_saving: str
    """Why it cannot; empty: it can."""


class HostFailure(Failure, frozen=True, kw_only=True, tag="host.failure"):
    """What was wanted of a host cannot be done."""

    kind: Literal["unknown_kernel", "not_done", "in_use"]
    """`unknown_kernel`: it is not here; `in_use`: it was to end only if nobody uses it."""
    reason: str
    """A sentence for the user."""


HostRequest = Serve | End | EndUnused | InterruptKernel | RestartKernel | ListStandings | TellFigures | SavingChanged
HostReply = Served | HostEnded | EndBegun | KernelInterrupted | KernelRestarted | Standings | FiguresTold | HostFailure
