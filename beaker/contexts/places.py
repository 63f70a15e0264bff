"""Where contexts are found: entry points of the group `beaker_kernel.contexts`; none of them is imported here.

Ours come through the same door as everybody's. In a checkout that was never installed there is no such door, and in an
installation from before a context was added it does not show it: ours are known by name as well.
"""

from typing import NamedTuple

GROUP = "beaker_kernel.contexts"
DEFAULT = "default"

OURS = {"default": "beaker.contexts.default:Default", "dataframes": "beaker.contexts.dataframes:DataFrames"}
"""As `pyproject.toml` has them."""


class Place(NamedTuple):
    """Where a context is found."""

    value: str
    """`module:Class`."""
    distribution: str
    """Empty if it is not known."""


def is_ours(name: str) -> bool:
    """Whether a context, by the name that a question has for it, is code of ours and nobody else's.

    >>> is_ours(""), is_ours("dataframes"), is_ours("lakes")
    (True, True, False)
    """
    return not name or name in OURS


def find_places() -> dict[str, Place]:
    """Look up what is installed, without importing any of it: ours first, then by name."""
    from importlib.metadata import entry_points  # 20 ms that only whoever asks for contexts has to pay

    found = {name: Place(value, "beaker-kernel") for name, value in OURS.items()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        distribution = point.dist.name if point.dist is not None else ""
        if point.name not in OURS:  # nobody else's takes the place of ours
            found[point.name] = Place(point.value, distribution)
    return found
