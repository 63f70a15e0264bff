"""The text of a turn's answer as the user sees it, over all its steps, and what of it is too long to be seen.

A display holds so much and no more: beyond its limit an answer goes on in a file. Deciding where it is parted is pure
and here; the file is `actors.agent.whole_answer`.
"""

from typing import NamedTuple


class Added(NamedTuple):
    """What became of a piece of text."""

    shown: str
    """Appended to what the user sees."""
    beyond: str
    """Behind the end of it."""


class Answer:
    """One answer as its pieces come in.

    Args:
        limit_chars: how much of it is shown, the notice not counted.
    """

    def __init__(self, *, limit_chars: int) -> None:
        self._parts: list[str] = []
        self._room = limit_chars
        self._tail = ""
        self._new_paragraph = False

    @property
    def text(self) -> str:
        """All that is shown."""
        return "".join(self._parts)

    def new_part(self) -> None:
        """Let the next text begin a paragraph of its own."""
        self._new_paragraph = bool(self._tail)

    def add(self, text: str) -> Added:
        """Append a piece, with a break before it where a part begins."""
        if self._new_paragraph:
            text = text.lstrip("\n")
            if text:
                text = "\n" * max(2 - (len(self._tail) - len(self._tail.rstrip("\n"))), 0) + text
                self._new_paragraph = False
        if not text:
            return Added("", "")
        self._tail = (self._tail + text)[-2:]
        shown, beyond = text[: self._room], text[self._room :]
        self._room -= len(shown)
        if shown:
            self._parts.append(shown)
        return Added(shown, beyond)

    def note(self, words: str) -> str:
        """Put a notice below what is shown, and give it as it was appended: a paragraph of its own."""
        self._parts.append(f"\n\n*{words}*")
        return self._parts[-1]
