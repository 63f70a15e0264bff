"""Where the cells of a document begin: in its folder, as with every Jupyter server; never outside of the root folder."""

import os

from beaker.contents.failures import ContentsError
from beaker.contents.paths import Root
from beaker.errors import BeakerError


class BadPath(BeakerError):
    """No cells can begin there; the sentence says why."""


def cell_folder(root: Root, path: str) -> str:
    """The absolute path of the folder where cells begin.

    Args:
        root: with hidden files, as cells may use them.
        path: of a document or a folder below the root, there or not; the nearest folder above it that is there is taken.

    Raises:
        BadPath: it leads out of the root, or is no path.
    """
    try:
        place = root.find(path)
    except ContentsError as error:
        raise BadPath(f"No kernel can begin at this path: {error}.") from None
    folder = place.real
    while not os.path.isdir(folder) and folder != root.real:
        folder = os.path.dirname(folder)
    return folder
