"""What `lifecycle.step` wants done; the Supervisor does it in the order given and decides nothing of its own."""

import msgspec

from beaker.messages.subkernel import SubkernelEvent, SupervisorReply
from beaker.subkernels.facts import Alarm


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """Start the process of this generation; `Launched` or `LaunchFailed` answers."""

    generation: int


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a signal to the process group of this generation, if it still lives."""

    generation: int
    signal: int


class Forget(msgspec.Struct, frozen=True, kw_only=True):
    """Remove the files of a generation that is over."""

    generation: int


class Tell(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the owner, if there is one; nobody else needs to know."""

    event: SubkernelEvent


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Answer the `Asking` of this number."""

    number: int
    reply: SupervisorReply


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """Come back with this fact after a while. Never cancelled: a fact that is late is recognised."""

    after_s: float
    alarm: Alarm


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Write down who lives, for a Supervisor that comes later and for the watcher."""


class Clear(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing lives: remove the runtime folder."""


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """All is done: the Supervisor ends."""


Action = Launch | Send | Forget | Tell | Reply | Ring | Record | Clear | Leave
