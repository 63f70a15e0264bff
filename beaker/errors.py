"""The root of the exceptions that beaker raises, and the words for a name that nobody knows.

Whoever raises derives the narrowest class from BeakerError; its text names the value that was wrong and what would be right, in
words for the one that the class names: the user, the model, the log. Two kinds are no errors of ours: what the runtime raises,
which knows nothing of beaker and has a root of its own (`actors.runtime.failures.RuntimeFault`); and a mistake in code that calls
ours, such as a tool without type hints, which is a TypeError or a ValueError as everywhere in Python.
"""

from collections.abc import Iterable


class BeakerError(Exception):
    """What all errors of our own have in common: `str(error)` says in words what is wrong, without a traceback or a secret."""


class UnknownName(BeakerError):
    """A name that is none of those that exist.

    Args:
        what: what the name was to be, with its article: `a kernelspec`.
        given: the name.
        valid: all names that would have been right.
    """

    def __init__(self, what: str, given: str, valid: Iterable[str]) -> None:
        self.what = what
        self.given = given
        self.valid = tuple(valid)
        super().__init__(unknown_name(what, given, self.valid))


def unknown_name(what: str, given: str, valid: Iterable[str]) -> str:
    """The sentence for a name that nobody knows: the nearest one, if one is near, and all that exist.

    >>> unknown_name("a command of %beaker", "statsu", ["status", "stop"])
    "'statsu' is not a command of %beaker. Did you mean 'status'? There are: status, stop."
    """
    names = list(valid)
    near = nearest(given, names)
    guess = f" Did you mean {near!r}?" if near else ""
    return f"{given[:60]!r} is not {what}.{guess} There are: {', '.join(names) if names else 'none'}."


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """The valid name that is most like the given one, None when none is."""
    from difflib import get_close_matches  # 5 ms that only a mistake has to pay

    by_lower = {name.lower(): name for name in valid}
    # 0.6 is difflib's own default: one wrong letter in three still counts as alike.
    found = get_close_matches(given[:60].lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
