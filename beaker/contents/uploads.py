"""Large files come in pieces: they gather beside their place, under a name that is not listed, and are put there with the last.

So a browser that goes away in the middle leaves what was there before as it was. The next upload of the same name begins anew.
"""

import os
from typing import Final

from beaker.contents.failures import NotThat, NotThere
from beaker.contents.models import Model, describe
from beaker.contents.paths import Place, beside
from beaker.contents.whole_file import open_itself, put_in_place, said

FIRST: Final = 1
LAST: Final = -1
"""How the interface counts pieces: 1, 2, ..., and the last one is -1, whatever its number would be."""


def take_piece(place: Place, data: bytes, number: int) -> Model:
    """Add a piece; the last one makes the file.

    Returns:
        The model of what has come so far.

    Raises:
        NotThat: pieces are not numbered so.
        NotThere: it is the next piece of an upload that nobody has begun.
        NotAllowed: what has come would lie elsewhere.
        ContentsError: it could not be written.
    """
    if number < LAST or number == 0:
        raise NotThat(f"{place.path!r} was not saved: pieces are numbered 1, 2, ... and -1, not {number}")
    target = os.path.realpath(place.real)
    part = beside(place, target, f".beaker-upload-{os.path.basename(target)}")
    with said(place.path):
        try:
            # The first begins anew; a later one only goes on.
            with open_itself(part, "wb" if number == FIRST else "r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(data)
        except FileNotFoundError:
            if number == FIRST:
                raise
            raise NotThere(f"{place.path!r} was not saved: its first piece did not come, or another upload has ended it") from None
    if number != LAST:
        return describe(place.path, part, "file")
    put_in_place(part, target)
    return describe(place.path, place.real, "file")
