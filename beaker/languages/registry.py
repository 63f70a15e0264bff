"""Which language serves which subkernel: the entry points `beaker_kernel.subkernels`.

An entry point's name is a language as kernelspecs name it, in lower case; its object is a `Language`, called with that name.
Our own are declared like everybody's. They stand here a second time, because reading the entry points of a
large environment takes longer than a whole question may, and the common languages should not wait for it.
"""

from collections.abc import Callable
from importlib import import_module

from beaker.languages.language import Language

GROUP = "beaker_kernel.subkernels"

BUILT_IN = {
    "python": "beaker.languages.python:Python",
    "python3": "beaker.languages.python:Python",
    "r": "beaker.languages.r:R",
    "julia": "beaker.languages.julia:Julia",
    "bash": "beaker.languages.bash:Bash",
}
"""As in our pyproject.toml; a test compares them."""


def language_for(name: str) -> Language:
    """The language with that name, one of which nothing is known if there is none.

    >>> type(language_for("Julia")).__name__, type(language_for("cobol")).__name__
    ('Julia', 'Language')
    """
    wanted = name.lower()
    place = BUILT_IN.get(wanted) or _installed(wanted)
    if place is None:
        return Language(name)
    module, _, attribute = place.partition(":")
    make: Callable[[str], Language] = getattr(import_module(module), attribute)
    return make(name)


def _installed(name: str) -> str | None:
    from importlib.metadata import entry_points  # costs 50 ms, and only rare languages need it

    return next((point.value for point in entry_points(group=GROUP) if point.name == name), None)
