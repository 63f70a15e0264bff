"""`%beaker allow A3 [always]` and `%beaker reject A3`: the user decides about what waits for her."""

import re
from collections.abc import Iterable
from typing import Literal

from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values

ALWAYS = "always"


class Decide(Order, frozen=True, kw_only=True):
    """Decide about an approval."""

    approval: str
    """Its name: `A3`."""
    decision: Literal["allow", "always", "reject"]


def _name_in(word: str) -> str | None:
    """The name of an approval, as it is written or nearly so.

    >>> _name_in("a3"), _name_in("3"), _name_in("A"), _name_in("A0")
    ('A3', 'A3', None, None)
    """
    found = re.fullmatch(r"[Aa]?([1-9][0-9]{0,8})", word)
    return None if found is None else f"A{found[1]}"


def _read_allow(words: list[str]) -> Order:
    name = _name_in(words[0]) if words else None
    if name is None or len(words) > 2 or (len(words) == 2 and words[1] != ALWAYS):
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker allow` takes a name and maybe `always`, as in `%beaker allow A3`, and there is {given!r}.")
    return Decide(approval=name, decision="always" if len(words) == 2 else "allow")


def _read_reject(words: list[str]) -> Order:
    name = _name_in(words[0]) if len(words) == 1 else None
    if name is None:
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker reject` takes a name, as in `%beaker reject A3`, and there is {given!r}.")
    return Decide(approval=name, decision="reject")


def _complete_allow(words: list[str], values: Values) -> Iterable[str]:
    return [ALWAYS] if len(words) == 1 else () if words else values


ALLOW = Command(
    "allow",
    Entry(
        "%beaker allow A3 [always]",
        "run what the model asked to run, and go on with the answer below this cell",
        "The name stands where the answer waits, with the code. With `always` harmless code runs without asking from now on, until the "
        "subkernel is restarted; code that starts programs, uses the network or writes elsewhere is asked about every time.",
    ),
    _read_allow,
    _complete_allow,
)

REJECT = Command(
    "reject",
    Entry(
        "%beaker reject A3",
        "do not run what the model asked to run, and go on with the answer below this cell",
        "The model is told that you do not want it, and goes on without.",
    ),
    _read_reject,
)
