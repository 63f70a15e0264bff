"""What the KernelActor and the Supervisor say to each other about one subkernel's life and death.

A *generation* counts the lives of one subkernel from 1. Whoever hears a message of a generation that is over drops it.
"""

from typing import ClassVar, Literal

import msgspec

from beaker.messages.base import Command, Event, Failure, KernelId, Lane, Request
from beaker.messages.consent import ConsentReply, ConsentRequest


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subkernel listens: the content of its connection file, as far as we read it."""

    transport: Literal["ipc", "tcp"]
    """`ipc` where the subkernel is known to bind unix sockets."""
    ip: str
    """An address for tcp; the common path prefix of the five sockets for ipc."""
    shell_port: int
    """For ipc the number behind `ip` in the path of the socket; so with the other four."""
    iopub_port: int
    """Where it publishes outputs."""
    stdin_port: int
    """Where it asks for input."""
    control_port: int
    """Where it takes what must not wait behind a cell."""
    hb_port: int
    """Where it echoes: its heartbeat."""
    key: str
    """The subkernel's own HMAC key: never the client's."""
    signature_scheme: str = "hmac-sha256"
    """What `key` is used with."""


class Subkernel(msgspec.Struct, frozen=True, kw_only=True):
    """One living subkernel."""

    generation: int
    """Which life this is."""
    spec_name: str
    """The name of its kernelspec, as `jupyter kernelspec list` has it."""
    display_name: str
    """How the kernelspec wants it to be shown."""
    language: str
    """As the kernelspec names it."""
    pid: int | None
    """None where the provisioner runs it on another machine."""
    interrupt_mode: Literal["signal", "message"]
    """As the kernelspec wants it: a SIGINT, or an `interrupt_request` on control."""
    connection: Connection
    """Where it listens."""
    started_at: float
    """Wall clock, seconds since the epoch, for people to read."""
    adopted: bool
    """True when an earlier Supervisor started it and this one found it alive."""


class Attach(Request["Attached"], frozen=True, kw_only=True, tag="supervisor.attach"):
    """A KernelActor took up (or took over) the kernel; from now on it hears the events below."""

    lane: ClassVar[Lane] = "control"
    kernel_id: KernelId
    """The kernel that was taken up."""
    pid: int
    """The kernel process, so that the Supervisor can say who its owner is."""


class Attached(Event, frozen=True, kw_only=True, tag="supervisor.attached"):
    """Answers Attach: what is there now. What comes next arrives as events."""

    subkernel: Subkernel | None
    """None while one is starting, or after giving up."""
    generation: int
    """Of the life that runs, starts or ended last; 0: none was ever launched."""
    state: Literal["starting", "running", "restarting", "stopped", "dead"]
    """`restarting`: starting, and not for the first time; `stopped`: shut down; `dead`: given up, until the user asks for a restart."""
    reason: str = ""
    """For `dead`: the sentence, with the last lines of stderr."""
    first_owner: bool = True
    """False when another kernel process owned this Supervisor before: the front process was replaced."""
    owner_lost_at: float | None = None
    """Wall clock at which the former owner's link broke: since then nobody listened to the subkernel."""
    session_lost: bool = False
    """The life that the former owner knew is over: it ended while nobody listened."""
    used: bool = True
    """Some owner has said that this life is ready, so it may hold variables; before that nothing can have run in it."""


class Ready(Command, frozen=True, kw_only=True, tag="subkernel.ready"):
    """The subkernel answered its first request; ends the time it is given to start.

    Only the KernelActor speaks to the subkernel, so only it knows. An exit before this is a failed start, not tried again.
    """

    lane: ClassVar[Lane] = "control"
    generation: int
    """Of the life that answered."""


class Restart(Request["Restarted"], frozen=True, kw_only=True, tag="subkernel.restart"):
    """The user wants a fresh subkernel; also the way out of `dead`. Answered once it was launched."""

    lane: ClassVar[Lane] = "control"
    grace_s: float = 0.0
    """How long the old one may take to leave by itself (whoever asks sends it a shutdown_request first); 0 kills it at once."""


class Restarted(Event, frozen=True, kw_only=True, tag="subkernel.restarted"):
    """Answers Restart; a `Started` of the same generation went out before it."""

    generation: int
    """Of the life that was launched."""


class Interrupt(Request["Interrupted"], frozen=True, kw_only=True, tag="subkernel.interrupt"):
    """Send SIGINT to the subkernel's process group."""

    lane: ClassVar[Lane] = "control"
    generation: int
    """Of the life that is meant."""


class Interrupted(Event, frozen=True, kw_only=True, tag="subkernel.interrupted"):
    """Answers Interrupt: the signal was sent."""


class Shutdown(Request["ShutDown"], frozen=True, kw_only=True, tag="supervisor.shutdown"):
    """End the subkernel (politely, then by SIGKILL), then the Supervisor itself."""

    lane: ClassVar[Lane] = "control"
    grace_s: float
    """How long a subkernel may take to leave by itself before it is killed."""


class ShutDown(Event, frozen=True, kw_only=True, tag="supervisor.shut_down"):
    """Answers Shutdown: no process of this kernel is left but the Supervisor, which leaves now."""


class Ping(Request["Pong"], frozen=True, kw_only=True, tag="supervisor.ping"):
    """Say that you are there; asked all the time."""

    lane: ClassVar[Lane] = "control"


class Pong(Event, frozen=True, kw_only=True, tag="supervisor.pong"):
    """Answers Ping."""


class Starting(Event, frozen=True, kw_only=True, tag="subkernel.starting"):
    """A launch began."""

    lane: ClassVar[Lane] = "control"
    generation: int
    """Of the life that begins."""


class Started(Event, frozen=True, kw_only=True, tag="subkernel.started"):
    """The process runs and its sockets are named; it may need a moment before it answers."""

    lane: ClassVar[Lane] = "control"
    subkernel: Subkernel
    """The one that runs from now on."""


class Died(Event, frozen=True, kw_only=True, tag="subkernel.died"):
    """The process is gone and nobody had asked for it."""

    lane: ClassVar[Lane] = "control"
    generation: int
    """Of the life that ended."""
    reason: str
    """A sentence: `killed by signal 9 (out of memory?)`, `exited with status 3`."""
    at: float
    """Wall clock, seconds since the epoch."""
    stderr_tail: str
    """The last lines it wrote to stderr, at most 4 kB."""
    restarting: bool
    """False: given up, see `GaveUp` which follows."""


class GaveUp(Event, frozen=True, kw_only=True, tag="subkernel.gave_up"):
    """No subkernel runs and none will be started until the user asks for a restart."""

    lane: ClassVar[Lane] = "control"
    generation: int
    """Of the last life."""
    reason: str
    """Sentences for the user: what happened, the path of the kernelspec, the last lines of stderr, the remedy."""


class SubkernelFailure(Failure, frozen=True, kw_only=True, tag="subkernel.failure"):
    """A Restart, Interrupt or Attach that could not be done."""

    reason: str
    """A sentence for the user: what stood in the way, and the remedy."""


SupervisorMessage = Attach | Ready | Restart | Interrupt | Shutdown | Ping | ConsentRequest
SupervisorReply = Attached | Restarted | Interrupted | ShutDown | Pong | SubkernelFailure | ConsentReply
SubkernelEvent = Starting | Started | Died | GaveUp
