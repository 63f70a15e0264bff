"""Reading what interfaces send: one place that says what is wrong with a message, in a sentence.

Unknown fields are passed over, as Jupyter clients like to add some; missing ones and wrong types are named.
"""

from typing import TypeVar

import msgspec

from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.words import size_words
from beaker.wire.parts import UNREADABLE

CONTENT_LIMIT_BYTES = 8_000_000
"""Of the content of one message: what a whole notebook with cut outputs takes. Larger ones are not decoded."""

T = TypeVar("T")


def read(document: bytes, kind: type[T], *, msg_type: str, part: str = "content") -> T | Refused:
    """Decode one part of a message.

    Args:
        document: JSON as it came.
        kind: the Struct that it is to be.
        msg_type: of the message, for the sentence.
        part: which one of its parts, for the sentence.
    """
    if len(document) > CONTENT_LIMIT_BYTES:
        sizes = f"{size_words(len(document))} long, and {size_words(CONTENT_LIMIT_BYTES)} is the most"
        return Refused(reason=f"The {part} of {msg_type} is {sizes}. Put the data into a file or a variable.")
    try:
        return msgspec.json.decode(document, type=kind)
    except UNREADABLE as error:
        what = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        return Refused(reason=f"The {part} of {msg_type} cannot be read: {what}.")
