"""Names for what has none yet: `Untitled1.ipynb`, `report-Copy2.md`; and names made of others, which must not be too long for a disk."""

import hashlib
import itertools
import os
import re
from collections.abc import Callable
from typing import Final

from beaker.contents.models import Kind

NAME_BYTES: Final = 255
"""Most disks take no longer name."""
_SUFFIX_BYTES: Final = 64
"""What is longer is no suffix, but a name with a dot in it."""
_DIGITS: Final = 16
"""Of a hash: no two files of a folder get the same by chance."""
_LETTER_BYTES: Final = 4
"""Of the longest letter: what was shortened has fewer bytes than that to spare."""

_COPY = re.compile(r"-Copy\d*(?=\.|$)")


def untitled(kind: Kind, extension: str, taken: Callable[[str], bool]) -> str:
    """A free name for something new.

    Args:
        extension: with its dot; notebooks have their own.
        taken: whether there is something of that name.
    """
    match kind:
        case "notebook":
            return _free("Untitled", ".ipynb", "", taken)
        case "directory":
            return _free("Untitled Folder", "", " ", taken)
        case "file":
            return _free("untitled", extension, "", taken)


def copy_name(name: str, taken: Callable[[str], bool]) -> str:
    """A free name for a copy: its own, where that is free, as in another folder; else with a number.

    The number stands in front of all of `.tar.gz`, but of notebooks in front of the last dot alone.

    >>> copy_name("a.b.ipynb", lambda name: name == "a.b.ipynb"), copy_name("x-Copy1.tar.gz", lambda name: "Copy2" not in name)
    ('a.b-Copy1.ipynb', 'x-Copy2.tar.gz')
    >>> copy_name("a.txt", lambda name: False)
    'a.txt'
    """
    name = _COPY.sub("", name, count=1)
    if name.endswith(".ipynb"):
        stem, suffix = name[: -len(".ipynb")], ".ipynb"
    else:
        stem, dot, rest = name.partition(".")
        suffix = dot + rest
        if _size(suffix) > _SUFFIX_BYTES:
            stem, suffix = parted(name)
    return _free(stem, suffix, "-Copy", taken)


def parted(name: str) -> tuple[str, str]:
    """A name and its suffix, as `os.path.splitext`, but for what is too long to be one."""
    stem, suffix = os.path.splitext(name)
    return (stem, suffix) if _size(suffix) <= _SUFFIX_BYTES else (name, "")


def derived(name: str, *, prefix: str = "", joint: str = "") -> str:
    """A name made of another, with something in front of it, or of its suffix; the same each time, and another for each.

    Where it would be too long the end of the stem gives way to a hash of the whole; and where it could be what another one became by that.

    >>> derived("a.b.ipynb", joint="-checkpoint"), derived("x" * 250, prefix=".part-")[-20:]
    ('a.b-checkpoint.ipynb', 'xxx~086d4a1c293bde31')
    """
    stem, suffix = parted(name)
    whole = f"{prefix}{stem}{joint}{suffix}"
    if _size(whole) <= NAME_BYTES - _LETTER_BYTES or (_size(whole) <= NAME_BYTES and not _looks_hashed(whole, joint)):
        return whole
    end = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:_DIGITS]}{joint}{suffix}"
    return f"{_shortened(prefix + stem, NAME_BYTES - _size(end))}{end}"


def _looks_hashed(name: str, joint: str) -> bool:
    return re.search(rf"~[0-9a-f]{{{_DIGITS}}}{re.escape(joint)}(\.[^.]*)?\Z", name) is not None


def _shortened(text: str, size: int) -> str:
    """As many whole characters of its beginning as have room."""
    while _size(text) > size:
        text = text[:-1]
    return text


def _size(text: str) -> int:
    return len(os.fsencode(text))


def _free(stem: str, suffix: str, joint: str, taken: Callable[[str], bool]) -> str:
    for number in itertools.count():
        if not number:
            candidate = f"{stem}{suffix}"
        else:
            end = f"{joint}{number}{suffix}"
            candidate = f"{_shortened(stem, NAME_BYTES - _size(end))}{end}"
        if not taken(candidate):
            return candidate
    raise AssertionError("counting ends never")
