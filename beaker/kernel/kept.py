"""What a kernel process leaves to the one that takes over from it: the conversation, and what the user has chosen.

It is one document, written whole after every question and read once, by a successor that goes on with the same kernel. The journal it is
not: it dies with the runtime folder, and holds no more of the past than the next questions need.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from beaker.kernel.conversation import Talk
from beaker.kernel.tally import Tally
from beaker.messages.turn import ModelQuirks
from beaker.wire.parts import UNREADABLE

KEPT_BYTES = 1_000_000
"""Of all talks: some hundred usual questions; the runtime folder lies in memory on most machines. What is told to the model is less."""

READ_BYTES = 4 * KEPT_BYTES
"""A file that is larger is not ours: the talks, one that is too large for them alone, and the rest fit into it."""

Magics = Literal["undecided", "beaker", "off"]
"""Whose `%%ai` is, as the user has said."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: Literal[1] = 1
    last_turn: int
    """The number of the newest question, answered or not."""
    model: str
    """As chosen; empty: as configured."""
    context: str
    magics: Magics
    answered_by: str
    """What answered last, as it is shown."""
    talks: Sequence[Talk]
    """Oldest first."""
    left_out: int = 0
    """Older talks that were known and are not here."""
    quirks: list[ModelQuirks] = []
    """What was learned of models."""
    tally: Tally = Tally()
    """What the questions took."""
    last_approval: int = 0
    """The number in the newest name of an approval, decided or not."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


def encode(kept: Kept, *, budget_bytes: int = KEPT_BYTES) -> bytes:
    """The document; the oldest talks are left out if all together are too large, but never the newest."""
    first, size_bytes = len(kept.talks), 0
    while first and (size_bytes := size_bytes + len(_encoder.encode(kept.talks[first - 1]))) <= budget_bytes:
        first -= 1
    first = min(first, max(len(kept.talks) - 1, 0))
    return _encoder.encode(msgspec.structs.replace(kept, talks=list(kept.talks[first:]), left_out=kept.left_out + first))


def decode(document: bytes) -> Kept | None:
    """Read it back; None if it is no such document, or one of another version."""
    try:
        return _decoder.decode(document)
    except UNREADABLE:
        return None


def kept_words(kept: Kept) -> str:
    """What the user is told of the conversation; empty if there was none.

    >>> kept_words(Kept(last_turn=0, model="", context="", magics="off", answered_by="", talks=[]))
    ''
    """
    if not kept.talks:
        return ""
    if kept.left_out:
        return f"of the conversation the latest {len(kept.talks)} questions were kept"
    return "the conversation was kept"


FORGOTTEN = "what was asked before is forgotten"
