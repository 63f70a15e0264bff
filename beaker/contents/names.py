"""Names for what has none yet: `Untitled1.ipynb`, `report-Copy2.md`."""

import itertools
import re
from collections.abc import Callable

from beaker.contents.models import Kind

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
    return _free(stem, suffix, "-Copy", taken)


def _free(stem: str, suffix: str, joint: str, taken: Callable[[str], bool]) -> str:
    for number in itertools.count():
        candidate = f"{stem}{joint}{number}{suffix}" if number else f"{stem}{suffix}"
        if not taken(candidate):
            return candidate
    raise AssertionError("counting ends never")
