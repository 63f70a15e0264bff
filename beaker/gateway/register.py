"""What the Registry knows of kernels and sessions, what it is told and what it does: values only, decided upon in `registering`.

A *session* is the bond of a document to a kernel. Nothing here is written down or sent; the actor does that, and it knows
nothing else of kernels than what stands here.
"""

from typing import ClassVar, Literal, TypeAlias

import msgspec

from beaker.messages.base import Lane
from beaker.messages.registry import ChangeSession, KernelEntry, RegistryFailure, RegistryReply, RegistryRequest, SessionEntry


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """Who waits for a kernel to be there."""

    number: int
    """Of the ask; each is answered once."""
    session_id: str = ""
    """The session that is to be told; empty: the kernel is."""
    is_new: bool = False
    """The session was made for this ask."""
    change: ChangeSession | None = None
    """What becomes of the session once the kernel is there; it is as it was if that fails."""


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel."""

    entry: KernelEntry
    """As clients see it."""
    path: str = ""
    """Of its first document, below the root folder; empty: there was none."""
    environment: dict[str, str] = {}
    """The client's own variables."""
    phase: Literal["starting", "up", "ending"] = "starting"
    """`starting`: its host does not serve it yet; `ending`: for whatever reason, its processes are on their way out."""
    starters: tuple[Starter, ...] = ()
    """Who waits until it is up."""
    enders: tuple[int, ...] = ()
    """The asks that wait until it is gone for an EndKernel."""
    closers: tuple[int, ...] = ()
    """The same for a CloseSession."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    session_id: str
    path: str
    name: str
    kind: str
    kernel_id: str


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """All kernels and sessions of one gateway, in the order in which they began."""

    max_kernels: int
    """As many may be there, those included that start or end."""
    max_sessions: int
    """A document has one, so this bounds what a client that makes up documents can fill."""
    host_count: int
    """How many hosts there are, numbered from 0."""
    starts_per_s: float = 10.0
    """As many kernels may be started in the long run."""
    hosts: frozenset[int] = frozenset()
    """Those that are linked now."""
    kernels: dict[str, Kernel] = {}
    sessions: dict[str, Session] = {}
    leaving: tuple[int, ...] = ()
    """The asks that wait for the end of all kernels."""
    closed: bool = False
    """The gateway is being stopped: nothing is started any more."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked up and made up for a request that may need a new kernel."""

    specs: dict[str, str]
    """The names that may be asked for, with the kernelspec behind each that runs the cells."""
    default: str
    """The one that is meant where none is named."""
    folder: str
    """Where cells of the path begin."""
    bad_path: str = ""
    """Why no cells can begin there, in a sentence; empty: they can."""
    kernel_id: str
    """A new UUID."""
    session_id: str
    """Another."""
    at: float
    """Wall clock."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks, and waits for exactly one `Reply` of the same number."""

    number: int
    request: RegistryRequest
    offer: Offer | None = None
    """For StartKernel, OpenSession and ChangeSession."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Its host serves a kernel."""

    kernel_id: str


class NotStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel will not come up."""

    kernel_id: str
    failure: RegistryFailure


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a kernel is wanted, and nobody waits for it: a client has said so to the kernel itself, or nobody has used it for long."""

    kernel_id: str


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """No process of a kernel is left."""

    kernel_id: str


class HostCame(msgspec.Struct, frozen=True, kw_only=True):
    """A host is linked, for the first time or after it was replaced."""

    number: int


class HostWent(msgspec.Struct, frozen=True, kw_only=True):
    """The link to a host is gone."""

    lane: ClassVar[Lane] = "control"
    number: int


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway is being stopped."""

    number: int
    """Of the ask."""


Fact: TypeAlias = Asked | Served | NotStarted | Ending | Gone | HostCame | HostWent | Closing
"""What the Registry is told."""


class Open(msgspec.Struct, frozen=True):
    """Open its Supervisor, which launches the subkernel, and have its host serve it; `Served` or `NotStarted` follows."""

    kernel: Kernel


class HandOver(msgspec.Struct, frozen=True):
    """Have its host serve a kernel whose Supervisor is there already."""

    kernel: Kernel


class End(msgspec.Struct, frozen=True):
    """End its processes; `Gone` follows."""

    kernel: Kernel


class Write(msgspec.Struct, frozen=True):
    """Write a kernel or a session down, as it is now."""

    what: Kernel | Session


class Strike(msgspec.Struct, frozen=True):
    """A kernel or a session is over."""

    what: Kernel | Session


class Reply(msgspec.Struct, frozen=True):
    """Answer an ask."""

    number: int
    reply: RegistryReply


class AllGone(msgspec.Struct, frozen=True):
    """Answer a `Closing`."""

    number: int


Action: TypeAlias = Open | HandOver | End | Write | Strike | Reply | AllGone
"""What the Registry does."""

Step: TypeAlias = tuple[Register, list[Action]]


def shown(register: Register, session: Session) -> SessionEntry:
    """A session as clients see it."""
    return SessionEntry(
        session_id=session.session_id,
        path=session.path,
        name=session.name,
        kind=session.kind,
        kernel=register.kernels[session.kernel_id].entry,
    )


def with_kernel(register: Register, kernel: Kernel) -> Register:
    """The register with a kernel as it is now; a new one comes last."""
    return msgspec.structs.replace(register, kernels=register.kernels | {kernel.entry.kernel_id: kernel})


def with_session(register: Register, session: Session) -> Register:
    """The register with a session as it is now; a new one comes last."""
    return msgspec.structs.replace(register, sessions=register.sessions | {session.session_id: session})


def without_session(register: Register, session: Session) -> Register:
    """The register without a session."""
    return msgspec.structs.replace(register, sessions={key: each for key, each in register.sessions.items() if key != session.session_id})


def sessions_of(register: Register, kernel_id: str) -> list[Session]:
    """The sessions of a kernel."""
    return [session for session in register.sessions.values() if session.kernel_id == kernel_id]
