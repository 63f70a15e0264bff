"""An answer on a terminal: what was printed stays, and more can only be printed below it.

The panes of an answer grow at their end, so as a rule the rest of what is there is all that there is to print.
"""

from collections.abc import Sequence


class Roll:
    """What was printed of one answer."""

    def __init__(self) -> None:
        self._panes: list[str] = []
        """Of this part, as they were printed."""
        self._begun = False
        self._in_line = False
        """The last line has no end yet."""

    def more(self, panes: Sequence[str]) -> str:
        """What is to be printed so that these stand there; of a pane that has changed, the lines that are new.

        >>> roll = Roll()
        >>> roll.more(["It is"]), roll.more(["It is 3.", "[1]"])
        ('It is', ' 3.\\n\\n[1]')
        """
        found = ""
        for at, pane in enumerate(panes):
            if at == len(self._panes):
                found += self._apart() + pane
                self._panes.append(pane)
            elif pane != (before := self._panes[at]):
                self._panes[at] = pane
                if pane.startswith(before) and at == len(self._panes) - 1:
                    found += pane[len(before) :]
                else:
                    known = set(before.split("\n"))
                    new = "\n".join(line for line in pane.split("\n") if line not in known)
                    found += self._apart() + new if new else ""
            if found:
                self._begun, self._in_line = True, not found.endswith("\n")
        return found

    def pass_over(self, panes: Sequence[str]) -> None:
        """These stand there in another way."""
        self._panes = list(panes)

    def begins_with_printed(self, panes: Sequence[str]) -> bool:
        """Whether what was printed is the beginning of these."""
        return len(panes) >= len(self._panes) and all(new.startswith(old) for new, old in zip(panes, self._panes, strict=False))

    def line(self, words: str) -> str:
        """A line of its own, and whatever ends the one before it."""
        end = "\n" if self._in_line else ""
        self._begun, self._in_line = True, False
        return f"{end}{words}\n"

    def ended(self) -> str:
        """What ends the last line."""
        end = "\n" if self._in_line else ""
        self._in_line = False
        return end

    def begin_part(self) -> None:
        """What comes now stands below outputs, or a prompt: nothing of it is printed."""
        self._panes = []

    def _apart(self) -> str:
        return ("\n\n" if self._in_line else "\n") if self._begun else ""
