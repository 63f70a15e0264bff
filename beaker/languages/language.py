"""What beaker knows of a language: how to look at a session, quote a value, comment out, and find names in code.

One such object serves one subkernel. It is pure: it says what to send and reads what came back, and the KernelActor's
`looking.py` sends and waits. Third parties add languages by the entry points `beaker_kernel.subkernels` (see
`beaker.languages.registry`); what a language does not know it leaves as it is here, and users are told in a sentence.
"""

from collections.abc import Generator, Sequence
from typing import Literal

import msgspec

from beaker.languages.comments import comment_for

SUMMARY_CHARS = 200
"""Of one variable in a list."""

DETAIL_CHARS = 6_000
"""Of one variable in detail: DESIGN's 2-8 kB."""

VARIABLES = 200
"""More are counted, not listed; a model has no use for a thousand."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One variable as a look saw it."""

    name: str
    type: str
    summary: str = ""
    plain: bool = False
    """The summary is the whole value, as it may stand within a sentence."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What an idle session executes silently, so that it tells of its variables.

    One of two ways back: the value of `expression`, for kernels that answer `user_expressions`, or a file, whose path
    the language was given.
    """

    code: str
    expression: str = ""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a look brought."""

    variables: list[Seen] = []
    more: int = 0
    """Variables beyond those."""
    detail: str | None = None
    """For a look at one name; None: there is no such variable."""
    line: str = ""
    """For a look at one name: its whole value as it may stand within a sentence; empty if it is not plain or too long."""


class Inspect(msgspec.Struct, frozen=True, kw_only=True):
    """A glance at a busy session: an `inspect_request` for this name or path, answered by its text, or None if there is none."""

    path: str


class Display(msgspec.Struct, frozen=True, kw_only=True):
    """A glance at a busy session: how the debugger's door shows a variable, answered by its plain text, or None."""

    name: str


Glances = Generator[Inspect | Display, str | None, Seen | None]
"""Asks for one thing after another and ends with what it saw; None: there is no such variable."""


class Language:
    """A language of which nothing is known but its name: every other is a class derived from this one.

    Args:
        name: as the kernelspec names it.
    """

    answers: Literal["expression", "file", "none"] = "none"
    """How an idle session can tell of its variables; `none`: not at all."""
    name_pattern: str = r"[^\W\d]\w*"
    """A regular expression for names."""
    glances: bool = False
    """Whether a busy one can be looked at."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def comment(self, code: str) -> str | None:
        """A cell's first line as a comment that ends with its line; None where no such comment is known."""
        return comment_for(code, self.name)

    def quote(self, value: object) -> str | None:
        """A text, number, truth value, None, list or dict of such as a literal of the language; None where it has none."""
        del value
        return None

    def look(self, name: str | None, path: str) -> Look:
        """What to execute in an idle session.

        Args:
            name: one variable in detail; None: a list of all.
            path: of a file that does not exist yet, for languages that answer by one.
        """
        raise NotImplementedError(f"{self.name} sessions cannot be looked at")

    def read(self, name: str | None, answer: str) -> Sight:
        """Read what the session said.

        Args:
            name: as it was given to `look`.
            answer: the expression's plain text, or the file's.

        Raises:
            ValueError: it is no such answer.
        """
        raise NotImplementedError(f"{self.name} sessions cannot be looked at")

    def glance(self, name: str, *, detail: bool) -> Glances:
        """Look at one variable of a busy session."""
        del name, detail
        yield from ()
        return None

    def has_magic(self, name: str) -> Generator[Inspect, str | None, bool]:
        """Ask whether the session has defined a magic of this name, by help requests alone; False where there are no magics."""
        del name
        yield from ()
        return False

    def assigned(self, code: str) -> Sequence[str]:
        """Names to which a cell gives a value; guesses are welcome, since whoever asks looks them up."""
        del code
        return ()
