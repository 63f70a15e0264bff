"""The four kinds of message that actors exchange, and the ids they carry.

Every message is a frozen, tagged `msgspec.Struct`: the tag is `noun.verb`, unique over all vocabularies and public for
ever, because a tag is what stands on the wire between processes of different age. Fields are only ever added at the
end, with a default. A message holds no Python objects, no tracebacks and no secrets.

Two class attributes tell the mailbox how to treat a kind of message: `lane` ("control" overtakes "ordinary") and
`droppable` (a full mailbox may drop and count it). The runtime reads them by name and knows nothing else of this module.
"""

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, NewType, TypeVar

import msgspec

Reply = TypeVar("Reply", covariant=True)

PROTOCOL = 18
"""Number of these vocabularies as a whole. It grows when an old process would misunderstand a new one; links between processes of
different numbers are refused, and the older process makes room for one of the new code."""

KernelId = NewType("KernelId", str)
"""Names one Jupyter kernel for as long as its connection file lives; a hash, see `beaker.places`."""

TurnId = NewType("TurnId", int)
"""Numbers the questions of one kernel from 1; what `%beaker stop N` takes."""

Lane = Literal["control", "ordinary"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all messages share: how a mailbox treats them."""

    lane: ClassVar[Lane] = "ordinary"
    droppable: ClassVar[bool] = False


class Command(Message, frozen=True, kw_only=True):
    """Something is wanted; nobody waits for the answer."""


class Request(Message, Generic[Reply], frozen=True, kw_only=True):
    """Something is wanted and answered exactly once, by a `Reply` or a `Failure`."""

    if TYPE_CHECKING:

        def answered_by(self) -> Reply:
            """Never called: tells the type checker what an ask of this request returns."""
            ...


class Event(Message, frozen=True, kw_only=True):
    """Something has happened."""


class Failure(Message, frozen=True, kw_only=True):
    """Why a request could not be met, in a sentence for the user that names the value and the remedy."""
