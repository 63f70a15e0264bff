"""Where the cells of a document begin: in its folder, as with every Jupyter server; never outside of the root folder."""

import os
from typing import Final

from beaker.contents.failures import ContentsError
from beaker.contents.paths import Root
from beaker.errors import BeakerError


class BadPath(BeakerError):
    """No cells can begin there; the sentence says why."""


WORKING_FOLDER: Final = "KERNEL_WORKING_DIR"
"""The variable by which a Jupyter server in front of a gateway says where a document lies: it sends no path, and means its own disk."""


def cell_folder(root: Root, path: str, working: str = "") -> str:
    """The absolute path of the folder where cells begin.

    Args:
        root: with hidden files, as cells may use them.
        path: of a document or a folder below the root, there or not; the nearest folder above it that is there is taken.
        working: an absolute path that holds where there is no other, if it is one of the root's folders; another machine's need not be.

    Raises:
        BadPath: it leads out of the root, or is no path.
    """
    if not path and os.path.isabs(working) and "\0" not in working:
        real = os.path.realpath(working)
        if os.path.isdir(real) and os.path.commonpath([real, root.real]) == root.real:
            return real
    try:
        place = root.find(path)
    except ContentsError as error:
        raise BadPath(f"No kernel can begin at this path: {error}.") from None
    folder = place.real
    while not os.path.isdir(folder) and folder != root.real:
        folder = os.path.dirname(folder)
    return folder
