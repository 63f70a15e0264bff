"""Large files come in pieces: they gather beside their place, under a name that is not listed, and are put there with the last.

So a browser that goes away in the middle leaves what was there before as it was. The next upload of the same name begins anew, but not
while pieces of the other come: the interface has no names for uploads, and two that gathered in one file would make a file of both.
So each piece must come from whoever sent the first, also the last, which has no number to go by. Two windows of one browser are one and
the same here: if one goes on with an upload after the other has begun it anew, only the numbers of the pieces can give that away.
"""

import contextlib
import hashlib
import os
import struct
import time
from collections.abc import Iterable
from typing import BinaryIO, Final

import msgspec

from beaker.contents.failures import NotFree, NotThat, NotThere
from beaker.contents.models import Model, describe
from beaker.contents.names import derived
from beaker.contents.paths import Place, beside
from beaker.contents.whole_file import open_itself, put_in_place, said
from beaker.contents.within import must_lie_within

FIRST: Final = 1
LAST: Final = -1
"""How the interface counts pieces: 1, 2, ..., and the last one is -1, whatever its number would be."""
UNDER_WAY_S: Final = 15.0
"""An upload whose last piece is older was given up: JupyterLab sends a piece of 1 MB as soon as the one before is answered."""
_PREFIX: Final = ".beaker-upload-"
_SIGN: Final = b"\0up\0"
_MARK: Final = struct.Struct("!4sI16s")


def take_piece(place: Place, data: bytes, number: int, who: str = "") -> Model:
    """Add a piece; the last one makes the file.

    Args:
        who: sends it; whatever stays the same from piece to piece and is another's as seldom as can be.

    Returns:
        The model of what has come so far.

    Raises:
        NotThat: pieces are not numbered so.
        NotThere: it is the next piece of an upload that nobody has begun.
        NotFree: another upload of this name is under way, or has begun meanwhile.
        NotAllowed: what has come would lie elsewhere.
        ContentsError: it could not be written.
    """
    if number < LAST or number == 0:
        raise NotThat(f"{place.path!r} was not saved: pieces are numbered 1, 2, ... and -1, not {number}")
    target = os.path.realpath(place.real)
    part = beside(place, target, derived(os.path.basename(target), prefix=_PREFIX))
    with said(place.path):
        if number == FIRST and _is_under_way(part, data + _mark(FIRST, who)):
            raise NotFree(
                f"{place.path!r} was not saved: another upload of this name is under way. Wait until it has ended, or for "
                f"{UNDER_WAY_S:g} s if nobody goes on with it"
            )
        try:
            with open_itself(part, "wb" if number == FIRST else "r+b") as file:
                must_lie_within(file.fileno(), place.root, place.path)
                if number != FIRST:
                    _find_end(file, number, who, place)
                try:
                    file.write(data if number == LAST else data + _mark(number, who))
                    file.truncate()
                    file.flush()
                except OSError:
                    os.unlink(part)  # nothing follows half a piece
                    raise
        except FileNotFoundError:
            if number == FIRST:
                raise
            raise NotThere(f"{place.path!r} was not saved: its first piece did not come, or another upload has ended it") from None
    if number != LAST:
        gathered = describe(place.path, part, "file")
        return msgspec.structs.replace(gathered, size=None if gathered.size is None else gathered.size - _MARK.size)
    put_in_place(part, target)
    return describe(place.path, place.real, "file")


def given_up(place: Place, names: Iterable[str]) -> set[str]:
    """Those of these names in a folder that are uploads with which nobody goes on."""
    found: set[str] = set()
    for name in names:
        if name.startswith(_PREFIX):
            with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
                if not _is_young(os.lstat(os.path.join(place.real, name))):
                    found.add(name)
    return found


def _is_young(there: os.stat_result) -> bool:
    # A clock that was set back makes no upload a young one.
    return 0 <= time.time() - there.st_mtime < UNDER_WAY_S


def _is_under_way(part: str, first: bytes) -> bool:
    """Whether somebody else sends pieces; one who sends the first once more, as its answer was lost, is not somebody else."""
    try:
        with open_itself(part, "rb") as file:
            there = os.fstat(file.fileno())
            if not _is_young(there):
                return False
            return there.st_size != len(first) or file.read() != first
    except FileNotFoundError:
        return False


def _find_end(file: BinaryIO, number: int, who: str, place: Place) -> None:
    """Go to the end of what has come, if this piece follows it."""
    end = file.seek(0, os.SEEK_END) - _MARK.size
    file.seek(max(end, 0))
    last = file.read(_MARK.size)
    sign, before, whose = _MARK.unpack(last) if len(last) == _MARK.size else (b"", 0, b"")
    if (sign, whose) != (_SIGN, _digest(who)) or number not in {LAST, before + 1}:
        raise NotFree(
            f"{place.path!r} was not saved: piece {number} does not follow the one before, as another upload has begun. Begin anew"
        )
    file.seek(end)


def _mark(number: int, who: str) -> bytes:
    """Stands behind what has come until the next piece takes its place: the number of the last one, and whose it is."""
    return _MARK.pack(_SIGN, number, _digest(who))


def _digest(who: str) -> bytes:
    return hashlib.blake2b(who.encode(errors="surrogateescape"), digest_size=16).digest()
