"""What the rooms of the KernelActor share: one kernel as clients see it, and the subkernel behind it.

One event loop, one thread: whoever changes a field here does so between two awaits. Rooms (shell, control, iopub, ...) hold no
state that another room needs; it stands here.
"""

import enum
import time
from dataclasses import dataclass, field

from actors.kernel.sockets.front import Front
from actors.kernel.sockets.subkernel_link import SubkernelLink
from actors.kernel.state.granted_cells import GrantedCells
from actors.kernel.state.inflight_log import InflightLog
from actors.kernel.state.keeping import Keeping
from actors.kernel.state.publisher import Publisher
from actors.kernel.state.surroundings import Surroundings
from actors.runtime.log import Log
from beaker.kernel.comms import OpenComms
from beaker.kernel.missed_variable import MissedVariable
from beaker.kernel.pending import Channel
from beaker.kernel.requests import Requests
from beaker.kernel.stdin_routing import StdinRouting
from beaker.kernel.transcript import Transcript
from beaker.messages.base import KernelId
from beaker.messages.subkernel import Subkernel
from beaker.settings.schema import Settings
from beaker.wire import compose
from beaker.wire.compose import Composer
from beaker.wire.parts import Parts


class Phase(enum.Enum):
    """Where the subkernel is in its life, as requests see it."""

    STARTING = "starting"
    """Requests wait for it."""
    READY = "running"
    """Requests go straight through."""
    RESTARTING = "restarting"
    """As STARTING; an earlier life is over."""
    DEAD = "dead"
    """Given up; requests get an error until a restart."""
    CLOSING = "stopped"
    """The kernel shuts down; nothing is taken any more."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What is said of a session that outlived the kernel process before this one; true until it ends."""

    notice: str
    """For the next cell."""
    lost_words: str
    """What became of cells whose reply nobody heard."""


@dataclass(slots=True)
class KernelState:
    """One kernel."""

    kernel_id: KernelId
    settings: Settings
    front: Front
    publisher: Publisher
    transcript: Transcript
    private: Composer
    """Composes requests of our own to the subkernel; their echoes are told by its session id, the same in all lives of this process."""
    log: Log
    inflight: InflightLog
    """What a successor of this process has to answer."""
    keeping: Keeping
    """What a successor goes on with."""
    missed_variable: MissedVariable
    """Tells a cell of the variable that it does not get."""
    surroundings: Surroundings
    """Its environment and the notebook's folder."""
    phase: Phase = Phase.STARTING
    link: SubkernelLink | None = None
    """Connected from `Started` on; used for clients' requests only in READY."""
    subkernel: Subkernel | None = None
    subkernel_start: str | None = None
    """Start time of its process."""
    generation: int = 0
    leaving: int = 0
    """The generation of a life that the user has ended, and whose successor may not be announced yet."""
    asked_aside: bool = False
    """A client asks for a fresh session beside its connection, as over REST: it clears up by itself, and takes `restarting` for a death."""
    requests: Requests = field(default_factory=Requests)
    """On the shell channel."""
    control_requests: Requests = field(default_factory=Requests)
    stdin_routing: StdinRouting = field(default_factory=StdinRouting)
    comms: OpenComms = field(default_factory=OpenComms)
    granted: GrantedCells = field(default_factory=GrantedCells)
    """Code by the model that runs or ran."""
    language: str = "python"
    features: tuple[str, ...] = ()
    """The subkernel's `supported_features`."""
    debug_parent: bytes = compose.EMPTY
    """Header of the last debug_request of a client."""
    dead_reason: str = ""
    notices: list[str] = field(default_factory=list[str])
    """Sentences that the next cell of a client shows first, each once."""
    died_at: list[float] = field(default_factory=list[float])
    started_at: float = field(default_factory=time.time)
    taken_over: TakenOver | None = None
    """This process took the session that there is over from one that was lost; see `take_over` and `session_over`."""
    magics_ours: bool = True
    """False when the user has left `%%ai`, `%%ask` and `%ai` to the session's own magics; `%beaker` is always ours."""
    magics_decided: bool = False
    """The user has said whose they are."""
    known_to_clients: bool = False
    """A client has sent a message of our own kind: it can read more than stock clients do."""
    supervisor_pid: int | None = None
    info: Parts = field(default_factory=list[bytes])
    """The first kernel_info_reply of the subkernel that there is."""
    hang_words: str | None = None
    """What to say about the subkernel now; None when it answers."""
    supervisor_trouble: str = ""
    """`not responding since 12:03:04`; empty while it answers."""
    last_interrupt_at: float | None = None

    @property
    def logs_cells(self) -> bool:
        """Whether every step of an ordinary cell is logged: at level debug, since at info it would cost more than the hop."""
        return self.settings.logs.level == "debug"

    def leave(self) -> None:
        """The user wants a fresh session: from here on cells wait for it."""
        self.phase = Phase.RESTARTING
        self.leaving = self.generation
        self.hang_words = None

    @property
    def coming_generation(self) -> int:
        """Of the session that runs what is sent now."""
        return self.generation + (self.phase is Phase.RESTARTING and self.leaving == self.generation)

    def answered(self, msg_id: str, channel: Channel = "shell") -> None:
        """Note, for a successor of this process, that a request owes nothing any more."""
        # The file may be emptied only when nobody waits on either channel.
        quiet = self.requests.quiet and self.control_requests.quiet
        self.inflight.over(msg_id, self.requests.last_count, quiet=quiet, channel=channel)

    def take_over(self, session: TakenOver) -> None:
        """The session was another process's."""
        self.taken_over = session
        self.notices.append(session.notice)

    def session_over(self, *, wanted: bool) -> None:
        """The session has ended: what was said of it is true no more.

        Args:
            wanted: the user asked for a fresh one, and needs no notice of what had happened before.
        """
        if wanted:
            self.notices.clear()
        elif self.taken_over is not None and self.taken_over.notice in self.notices:
            self.notices.remove(self.taken_over.notice)
        self.taken_over = None
        self.hang_words = None
        self.transcript.session_over()

    def lived_before(self) -> SubkernelLink | None:
        """The link to a session that has answered once, this process or one before it: it should answer now."""
        taking_over = self.phase is Phase.STARTING and self.taken_over is not None
        return self.link if taking_over or self.phase is Phase.READY else None

    def ready_link(self) -> SubkernelLink | None:
        """The link, if requests may pass."""
        return self.link if self.phase is Phase.READY else None
