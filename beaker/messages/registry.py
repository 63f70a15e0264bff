"""What the gateway's workers and kernel hosts say to the Registry, which knows all kernels and sessions of one gateway.

A kernel has a UUID here, as its clients see it. A *session* is what Jupyter calls one: the bond of a document's path to a kernel.
"""

from typing import ClassVar, Literal

import msgspec

from beaker.messages.base import Command, Event, Failure, Lane, Request
from beaker.messages.figures import FiguresGathered, GatherFigures


class KernelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel of the gateway."""

    kernel_id: str
    """A UUID, as clients see it."""
    spec_name: str
    """The kernelspec that was asked for."""
    subkernel: str
    """The kernelspec that runs the cells: the same, or for `beaker` the one behind it."""
    host: int
    """Which kernel host serves it, from 0."""
    folder: str
    """Absolute; where its cells begin."""
    started_at: float
    """Wall clock, seconds since the epoch."""


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    session_id: str
    """A UUID."""
    path: str
    """Of the document, below the root folder."""
    name: str
    """As the client wants it shown."""
    kind: str
    """`notebook`, `console`, `file` or what a client calls it."""
    kernel: KernelEntry
    """The kernel it is bound to."""


class StartKernel(Request["KernelStarted"], frozen=True, kw_only=True, tag="registry.start_kernel"):
    """A kernel is wanted. Answered once it is written down and its subkernel was launched, which may need a moment to answer."""

    spec_name: str = ""
    """Empty: the default."""
    kernel_id: str = ""
    """A UUID that the client has chosen; empty: a new one."""
    path: str = ""
    """Of the document, or of its folder, below the root folder: there its cells begin."""
    environment: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """The client's own variables, for the subkernel: see `beaker/gateway/environment.py`."""


class KernelStarted(Event, frozen=True, kw_only=True, tag="registry.kernel_started"):
    """Answers StartKernel."""

    kernel: KernelEntry
    """The new one."""


class EndKernel(Request["KernelEnded"], frozen=True, kw_only=True, tag="registry.end_kernel"):
    """A kernel is to end, with all its sessions. Answered once no process of it is left."""

    kernel_id: str
    """Which one."""


class KernelEnded(Event, frozen=True, kw_only=True, tag="registry.kernel_ended"):
    """Answers EndKernel; and said by a host whose kernel has ended because a client wanted it."""

    kernel_id: str
    """Which one."""


class ListKernels(Request["Kernels"], frozen=True, kw_only=True, tag="registry.list_kernels"):
    """Which kernels there are."""


class Kernels(Event, frozen=True, kw_only=True, tag="registry.kernels"):
    """Answers ListKernels."""

    kernels: list[KernelEntry]
    """In the order in which they were started."""
    not_saving: str = ""
    """Why nothing is written down at the moment, as on a full disk, so that kernels would be forgotten; empty: all is."""


class ListSessions(Request["Sessions"], frozen=True, kw_only=True, tag="registry.list_sessions"):
    """Which sessions there are."""


class Sessions(Event, frozen=True, kw_only=True, tag="registry.sessions"):
    """Answers ListSessions."""

    sessions: list[SessionEntry]
    """In the order in which they were opened; none of a kernel that is gone."""


class OpenSession(Request["SessionOpened"], frozen=True, kw_only=True, tag="registry.open_session"):
    """A document wants a kernel. One that has a session already gets that one."""

    path: str
    """Of the document."""
    name: str = ""
    """As it is shown."""
    kind: str = "notebook"
    """See SessionEntry."""
    kernel_id: str = ""
    """A kernel that runs; empty: a new one."""
    spec_name: str = ""
    """Of a new kernel; empty: the default."""
    environment: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """As in StartKernel."""


class SessionOpened(Event, frozen=True, kw_only=True, tag="registry.session_opened"):
    """Answers OpenSession and ChangeSession."""

    session: SessionEntry
    """As it is now."""
    is_new: bool = False
    """It was made for this request."""


class ChangeSession(Request["SessionOpened"], frozen=True, kw_only=True, tag="registry.change_session"):
    """A document was renamed, or wants another kernel, which ends the old one unless another session has it."""

    session_id: str
    """Which one."""
    path: str | None = None
    """None: as it was; so with the others."""
    name: str | None = None
    """As it is shown."""
    kind: str | None = None
    """See SessionEntry."""
    kernel_id: str | None = None
    """Another kernel that runs."""
    spec_name: str | None = None
    """A new kernel of this kernelspec."""
    environment: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """As in StartKernel."""


class CloseSession(Request["SessionClosed"], frozen=True, kw_only=True, tag="registry.close_session"):
    """A session is to end, and its kernel with it, unless another session has that."""

    session_id: str
    """Which one."""


class SessionClosed(Event, frozen=True, kw_only=True, tag="registry.session_closed"):
    """Answers CloseSession."""


class EndAll(Request["AllEnded"], frozen=True, kw_only=True, tag="registry.end_all"):
    """The gateway is being stopped: all kernels are to end, and none is started any more. Only the guardian says so."""

    lane: ClassVar[Lane] = "control"


class AllEnded(Event, frozen=True, kw_only=True, tag="registry.all_ended"):
    """Answers EndAll: no process of any kernel is left."""


class HostHere(Command, frozen=True, kw_only=True, tag="registry.host_here"):
    """A kernel host has started and can be given kernels."""

    lane: ClassVar[Lane] = "control"
    number: int
    """Which one, from 0."""
    pid: int = 0
    """Its process, by which its link is known; 0: of the host that was linked last."""


class RegistryFailure(Failure, frozen=True, kw_only=True, tag="registry.failure"):
    """What was wanted of the Registry cannot be done."""

    kind: Literal["unknown_kernel", "unknown_session", "unknown_spec", "taken", "limit", "bad_path", "not_started", "busy", "bad_id"]
    """`limit`: as many kernels run as may, or too many were started just now; `taken`: a kernel of this id runs; `busy`: the part that is
    needed is being replaced, or the gateway is being stopped; `bad_id`: what a client has chosen is no UUID."""
    reason: str
    """A sentence for the user."""
    retry_after_s: float | None = None
    """In how long it can be done; None: nobody knows, as when a kernel has to end first."""


RegistryRequest = StartKernel | EndKernel | ListKernels | ListSessions | OpenSession | ChangeSession | CloseSession
WorkerRequest = RegistryRequest | GatherFigures
"""All that a worker asks."""
RegistryReply = KernelStarted | KernelEnded | Kernels | Sessions | SessionOpened | SessionClosed | FiguresGathered | RegistryFailure
GuardianRequest = EndAll | ListKernels
GuardianReply = AllEnded | Kernels | RegistryFailure
HostSaid = HostHere | KernelEnded
"""What a host says to the Registry by itself."""
