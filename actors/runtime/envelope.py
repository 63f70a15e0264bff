"""The envelope: what the runtime writes around a message, apart from what actors say in it.

One class serves both ways of travel. Within a process it is what lies in a mailbox; between processes it is encoded as
an array (no field names on the wire) with the message, typed, as its last element, so that one pass of the encoder or
decoder does both.
"""

from typing import Final, Generic, TypeVar

import msgspec

from actors.runtime.failures import AskError, AskFailed, AskTimeout, Busy, Crashed, Stopped, Unanswered, Unreachable

Content = TypeVar("Content")

TELL: Final = 0
ASK: Final = 1
ANSWER: Final = 2
FAILED: Final = 3
BUSY: Final = 4
UNREACHABLE: Final = 5
STOPPED: Final = 6
CRASHED: Final = 7
UNANSWERED: Final = 8
EXPIRED: Final = 9
"""The kinds of envelope. Plain integers, not an Enum: two are compared per message and an Enum costs 50 ns each. From
ANSWER on they are outcomes of an ask."""

ANY_LIFE: Final = 0
"""The generation of a message that is meant for whichever life of the actor it finds; lives count from 1."""


class Envelope(msgspec.Struct, Generic[Content], array_like=True, gc=False):
    """One message on its way. Fields are only ever added at the end, with a default.

    Not frozen only because a frozen Struct is slower to make; nobody changes one. Not watched by the garbage
    collector: messages are trees.
    """

    target: str
    """Name of the actor on the receiving node. For an outcome other than ANSWER and FAILED: why, in words, or empty."""
    kind: int
    """One of the constants of this module."""
    ask_id: int
    """Chosen by the asking side of a link, repeated in the outcome; 0 for a tell."""
    trace_id: str
    """What request this follows from; may be empty."""
    deadline: float
    """Monotonic seconds after which nobody waits for the answer; 0 for never."""
    generation: int
    """The life of the actor that is meant, or ANY_LIFE."""
    message: Content
    """The message, reply or failure itself; None for the other outcomes."""


def error_of(kind: int, content: object, target: str) -> AskError:
    """Make the exception that an outcome other than ANSWER raises in the asker.

    Args:
        kind: one of the outcomes of this module.
        content: for FAILED the failure; otherwise a sentence or None.
        target: the actor that was asked, for the text.
    """
    if kind == FAILED:
        return AskFailed(content)
    error, words = _OUTCOMES.get(kind, (Unreachable, f"unknown outcome {kind}"))
    return error(f"no answer from {target!r}: {content or words}")


_OUTCOMES: dict[int, tuple[type[AskError], str]] = {
    BUSY: (Busy, "its mailbox is full"),
    UNREACHABLE: (Unreachable, "it is not there"),
    STOPPED: (Stopped, "it stopped before it answered"),
    CRASHED: (Crashed, "it crashed before it answered"),
    UNANSWERED: (Unanswered, "it let go of the request without an answer"),
    EXPIRED: (AskTimeout, "the request was too old when its turn came"),
}
