"""The messages that tests of the runtime send, and an actor that understands them."""

from typing import TYPE_CHECKING, ClassVar, assert_never

import msgspec

from actors.runtime.actor import Actor, Asked
from actors.runtime.codec import Codec


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="test.note"):
    """An ordinary tell."""

    number: int
    text: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="test.progress"):
    """A tell that may be lost."""

    droppable: ClassVar[bool] = True
    number: int = 0


class Urgent(msgspec.Struct, frozen=True, kw_only=True, tag="test.urgent"):
    """A control message."""

    lane: ClassVar[str] = "control"
    number: int = 0


class Double(msgspec.Struct, frozen=True, kw_only=True, tag="test.double"):
    """An ask, answered by `Doubled`."""

    number: int

    if TYPE_CHECKING:

        def answered_by(self) -> "Doubled":
            """Say so to the type checker; see `Answerable`."""
            ...


class Doubled(msgspec.Struct, frozen=True, kw_only=True, tag="test.doubled"):
    """Answers Double."""

    number: int


class Refuse(msgspec.Struct, frozen=True, kw_only=True, tag="test.refuse"):
    """An ask that is failed with a `Sorry`."""


class Sorry(msgspec.Struct, frozen=True, kw_only=True, tag="test.sorry"):
    """A failure."""

    reason: str


class Keep(msgspec.Struct, frozen=True, kw_only=True, tag="test.keep"):
    """An ask that the actor keeps without answering."""


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag="test.forget"):
    """An ask that the actor lets go of."""


class Crash(msgspec.Struct, frozen=True, kw_only=True, tag="test.crash"):
    """Makes the actor raise."""

    lane: ClassVar[str] = "control"


Vocabulary = Note | Progress | Urgent | Double | Doubled | Refuse | Sorry | Keep | Forget | Crash

codec = Codec(Vocabulary)


class Worker(Actor[Vocabulary]):
    """Does what messages say and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Vocabulary] = []
        self.kept: list[Asked] = []
        self.stopped = 0

    def receive(self, message: Vocabulary, asked: Asked | None) -> None:
        self.seen.append(message)
        match message:
            case Note() | Progress() | Urgent() | Doubled() | Sorry() | Forget():
                return
            case Double(number=number):
                assert asked is not None
                asked.answer(Doubled(number=2 * number))
            case Refuse():
                assert asked is not None
                asked.fail(Sorry(reason="not today"))
            case Keep():
                assert asked is not None
                self.kept.append(asked)
            case Crash():
                raise ValueError("crashed as told")
            case _:
                assert_never(message)

    async def on_stop(self) -> None:
        self.stopped += 1


def numbers(messages: list[Vocabulary]) -> list[int]:
    """The numbers of the notes among messages."""
    return [message.number for message in messages if isinstance(message, Note)]
