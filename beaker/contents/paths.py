"""From a path in an address to a place on disk, and never out of the folder that is served.

A path of the interface is relative, with slashes, whatever the client's system writes. It is refused before the disk is asked
if it could mean something else (`..`, a NUL, an absolute one), and after, if a link leads out: what counts is where it ends.
"""

import os
from typing import Final, NamedTuple

from beaker.contents.failures import NotAllowed, NotThere

PATH_BYTES: Final = 4096
"""Linux takes no longer one."""

CHECKPOINTS: Final = ".ipynb_checkpoints"
"""Where Jupyter keeps them, beside the file."""


class Place(NamedTuple):
    """A file or folder, there or not."""

    path: str
    """Of the interface: without slashes at its ends; empty for the folder that is served."""
    real: str
    """On disk, absolute; its folder's links are resolved, its own is not."""
    root: str
    """On disk: what is served."""


class Root:
    """The folder that is served.

    Args:
        folder: links in it are followed once, here.
        hidden: whether names that begin with a dot are shown.
    """

    def __init__(self, folder: str, *, hidden: bool = False) -> None:
        self.real = os.path.realpath(folder)
        self._hidden = hidden

    def find(self, path: str) -> Place:
        """The place of a path.

        Raises:
            NotThere: it cannot be a path, or it is hidden.
            NotAllowed: it leads out of the folder.
        """
        steps = self._steps(path)
        clean = "/".join(steps)
        if not steps:
            return Place("", self.real, self.real)
        above = os.path.realpath(os.path.join(self.real, *steps[:-1]))
        real = os.path.join(above, steps[-1])
        if not is_within(self.real, above) or not is_within(self.real, os.path.realpath(real)):
            raise NotAllowed(f"{clean!r} leads out of the folder that is served")
        return Place(clean, real, self.real)

    def below(self, place: Place, name: str) -> Place:
        """A place in a folder."""
        return self.find(f"{place.path}/{name}")

    def shows(self, name: str) -> bool:
        """Whether a name in a folder is listed."""
        return (self._hidden or not name.startswith(".")) and name != CHECKPOINTS and _is_text(name)

    def _steps(self, path: str) -> list[str]:
        try:
            longer = len(os.fsencode(path)) > PATH_BYTES
        except UnicodeEncodeError:
            longer = True  # half a surrogate pair: no name on any disk
        if longer or "\0" in path:
            raise NotThere(f"{path[:200]!r} is no path")
        steps = [step for step in path.split("/") if step]
        if any(step in {".", ".."} for step in steps):
            raise NotThere(f"{path[:200]!r} is no path: it may not hold '.' or '..' as a step")
        if not self._hidden and any(step.startswith(".") for step in steps):
            raise NotThere(f"there is no {path[:200]!r}")  # whether or not there is one
        return steps


def beside(place: Place, file: str, *steps: str) -> str:
    """Where something of ours lies that belongs to a file and has a hidden name, there or not.

    Nothing of ours is a link. Its folder may be one, within what is served.

    Args:
        place: of the file, as it was asked for.
        file: on disk, with the links in its folder resolved.
        steps: from the folder of the file.

    Returns:
        The path on disk, with the links in its folder resolved.

    Raises:
        NotAllowed: it leads out of the folder that is served, or is a link.
    """
    name = "/".join(steps)
    folder = os.path.realpath(os.path.join(os.path.dirname(file), *steps[:-1]))
    real = os.path.join(folder, steps[-1])
    if not is_within(place.root, folder):
        raise NotAllowed(f"{name!r} beside {place.path!r} leads out of the folder that is served")
    if os.path.islink(real):
        raise NotAllowed(f"{name!r} beside {place.path!r} is a link; it is neither followed nor written over")
    return real


def is_within(root: str, real: str) -> bool:
    """Whether a path on disk lies in a folder, or is it; both without links.

    >>> is_within("/w/test", "/w/test/a"), is_within("/w/test", "/w/testtest")
    (True, False)
    """
    # By whole steps: `/w/test` holds nothing of `/w/testtest`.
    return real == root or real.startswith(root.rstrip("/") + "/")


def _is_text(name: str) -> bool:
    """Names on a disk are bytes; one that is no UTF-8 cannot be said to a client, nor be asked for."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
