"""What a `%beaker` command is: how it is typed, read, completed and explained.

Each command has a file of its own beside this one, with the Struct that it is read into, its `Command`, and its words; a row in
`beaker.kernel.commands.table` makes it known to parsing, completion and help. What it does is performed in
`actors/kernel/commands/commands.py`.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a command wants done, read from its cell; each command derives its own."""


class Refused(Order, frozen=True, kw_only=True):
    """Ours, and nothing that can be done."""

    reason: str
    """A sentence for the user: what was wrong, and what would be right."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that can be typed."""

    usage: str
    summary: str
    """A few words, without a full stop."""
    details: str
    """Sentences for its own help; backticks mark code."""


Values = Sequence[str]
"""What exists now for a command to be about, as its words are typed: the numbers of running questions, names of models, ..."""


def first_of(words: list[str], values: Values) -> Iterable[str]:
    """Completes the one value that a command takes."""
    return () if words else values


class Command(msgspec.Struct, frozen=True):
    """One word that can stand behind `%beaker`."""

    name: str
    entry: Entry
    read: Callable[[list[str]], Order]
    """Makes an order of the words behind the name, or a `Refused`; the words are split at blanks and hold none."""
    complete: Callable[[list[str], Values], Iterable[str]] = first_of
    """What may follow those words; the caller picks what begins as typed. A command without values completes nothing."""


def taking_nothing(name: str, order: Order) -> Callable[[list[str]], Order]:
    """The `read` of a command that is its name alone."""

    def read(words: list[str]) -> Order:
        if words:
            return Refused(reason=f"`%beaker {name}` takes nothing behind it, and there is {words[0][:60]!r}.")
        return order

    return read


def number_in(word: str) -> int | None:
    """The number from 1 that a word is; None for everything else.

    >>> number_in("12"), number_in("0"), number_in("x")
    (12, None, None)
    """
    # Nine digits: no session has more questions, and longer ones would not fit into a message.
    if word.isascii() and word.isdecimal() and len(word) <= 9:
        return int(word) or None
    return None
