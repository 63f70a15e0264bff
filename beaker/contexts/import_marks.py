"""Marks beside an agent that say which context is being imported: one that ends the process leaves its mark behind.

A plugin may end its process as it is imported (a broken native library does), and no `except` sees that. The next agent finds the
mark, leaves that context out and says so, and all others work. The marks lie in the kernel's runtime folder: they go with the
kernel, and when the user wants a fresh agent.
"""

import contextlib
import os
from collections.abc import Generator, Iterator
from urllib.parse import quote, unquote

PREFIX = "importing-"


class ImportMarks:
    """Those of one agent.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._set: set[str] = set()
        self.left_behind = frozenset(_found(folder))
        """The contexts in whose import the agent before this one ended."""

    @contextlib.contextmanager
    def around(self, name: str) -> Generator[None]:
        """Mark a context for as long as it is imported."""
        self._set.add(name)
        with contextlib.suppress(OSError):  # without a folder there is no mark, and the context is imported all the same
            os.close(os.open(_path(self._folder, name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            yield
        finally:
            self._take_away(name)

    def close(self) -> None:
        """This process leaves by itself: what it imports still has not ended it."""
        for name in list(self._set):
            self._take_away(name)

    def _take_away(self, name: str) -> None:
        self._set.discard(name)
        with contextlib.suppress(OSError):
            os.unlink(_path(self._folder, name))


def forgive(folder: str) -> None:
    """Let the next agent import all contexts again."""
    for name in list(_found(folder)):
        with contextlib.suppress(OSError):
            os.unlink(_path(folder, name))


def _found(folder: str) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in os.listdir(folder):
            if entry.startswith(PREFIX):
                yield unquote(entry.removeprefix(PREFIX))


def _path(folder: str, name: str) -> str:
    return os.path.join(folder, PREFIX + quote(name, safe=""))
