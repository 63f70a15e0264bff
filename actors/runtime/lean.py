"""Imports a library as if some others were not installed.

Libraries try what else there is: structlog takes rich where it can, msgspec typing_extensions. What a user has installed for her own work
would so come into every process of ours, with its time and its memory, and we use none of it.
"""

import sys
from collections.abc import Iterable


def import_without(name: str, unwanted: Iterable[str]) -> None:
    """Import a module, while imports of the unwanted say that there is no such thing; nothing happens where it is imported already.

    An unwanted one that is imported already stays, and all can be imported afterwards.

    Args:
        name: of a top-level module.
        unwanted: top-level modules too.
    """
    if name in sys.modules:
        return
    absent = [each for each in unwanted if each not in sys.modules]
    for each in absent:
        sys.modules[each] = None  # type: ignore[assignment]  # what the import system takes for "is not there"
    try:
        __import__(name)
    finally:
        for each in absent:
            del sys.modules[each]
