"""`%beaker allow A3 [always]` and `%beaker reject A3`: the user decides about what waits for her. Without a name they show what that is."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from beaker.consent.answers import what_words
from beaker.consent.sight import sight
from beaker.kernel.code_blocks import fenced
from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values
from beaker.kernel.commands.words import Words
from beaker.messages.consent import Kind

ALWAYS = "always"


class Decide(Order, frozen=True, kw_only=True):
    """Decide about an approval."""

    approval: str
    """Its name: `A3`."""
    decision: Literal["allow", "always", "reject"]


class ShowOpen(Order, frozen=True, kw_only=True):
    """Show what may be decided about."""


class TakeAlwaysBack(Order, frozen=True, kw_only=True):
    """Have harmless code asked about again."""


class OpenApproval(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the user's word."""

    name: str
    """`A3`."""
    turn: int
    """The question that it belongs to."""
    kind: Kind
    code: str
    """The exact text that would run; empty unless it is code."""
    language: str
    warning: str = ""
    """Why she should look twice."""
    asked: bool = False
    """A prompt for it stands open at a cell, or in an interface; it may be one that nobody sees any more."""


def name_in(word: str) -> str | None:
    """The name of an approval, as it is written or nearly so.

    >>> name_in("a3"), name_in("3"), name_in("A"), name_in("A0")
    ('A3', 'A3', None, None)
    """
    found = re.fullmatch(r"[Aa]?([1-9][0-9]{0,8})", word)
    return None if found is None else f"A{found[1]}"


def _read_allow(words: list[str]) -> Order:
    if not words:
        return ShowOpen()
    name = name_in(words[0])
    if name is None or len(words) > 2 or (len(words) == 2 and words[1] != ALWAYS):
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker allow` takes a name and maybe `always`, as in `%beaker allow A3`, and there is {given!r}.")
    return Decide(approval=name, decision="always" if len(words) == 2 else "allow")


def _read_reject(words: list[str]) -> Order:
    if not words:
        return ShowOpen()
    if words == [ALWAYS]:
        return TakeAlwaysBack()
    name = name_in(words[0]) if len(words) == 1 else None
    if name is None:
        given = " ".join(words)[:60]
        return Refused(reason=f"`%beaker reject` takes a name, or `always`, as in `%beaker reject A3`, and there is {given!r}.")
    return Decide(approval=name, decision="reject")


def _complete_allow(words: list[str], values: Values) -> Iterable[str]:
    return [ALWAYS] if len(words) == 1 else () if words else values


def _complete_reject(words: list[str], values: Values) -> Iterable[str]:
    return () if words else [*values, ALWAYS]


ALLOW = Command(
    "allow",
    Entry(
        "%beaker allow A3 [always]",
        "run what the model asked to run, and go on with the answer below this cell",
        "The name stands where the answer waits, with the code; `%beaker allow` alone shows all that waits. A prompt that is open for it, "
        "maybe in a page that was closed, is withdrawn. With `always` harmless code runs without asking from now on, until the subkernel "
        "is restarted or `%beaker reject always` takes it back; code that starts programs, uses the network or writes elsewhere is asked "
        "about every time.",
    ),
    _read_allow,
    _complete_allow,
)

REJECT = Command(
    "reject",
    Entry(
        "%beaker reject A3",
        "do not run what the model asked to run, and go on with the answer below this cell; reject always asks about code again",
        "The model is told that you do not want it, and goes on without. `%beaker reject` alone shows all that waits. "
        "`%beaker reject always` takes back that harmless code runs without asking; `%beaker status` says whether that holds.",
    ),
    _read_reject,
    _complete_reject,
)


def open_words(approvals: Sequence[OpenApproval]) -> Words:
    """What `%beaker allow` shows without a name: all that waits, with its code."""
    if not approvals:
        nothing = "Nothing waits to be allowed or rejected.\n"
        return Words(plain=nothing, markdown=nothing)
    plain, markdown = zip(*(_one(approval) for approval in approvals), strict=True)
    return Words(plain="\n\n".join(plain) + "\n", markdown="\n\n".join(markdown) + "\n")


def _one(approval: OpenApproval) -> tuple[str, str]:
    what = what_words(approval.kind) + (f" ({approval.warning})" if approval.warning else "")
    head = f"{what}; {state_words(approval)}"
    verbs = ("allow", "reject", "edit") if approval.kind == "code" else ("allow", "reject")
    decide = " / ".join(f"`%beaker {verb} {approval.name}`" for verb in verbs)
    shown, notes = sight(approval.code.rstrip())
    notes = notes and f"({notes})"
    plain = [f"{approval.name} {head}", shown, notes, decide.replace("`", "")]
    markdown = [f"**{approval.name}** {head}", notes and f"*{notes}*", shown and fenced(shown, approval.language), decide]
    return "\n\n".join(filter(None, plain)), "\n\n".join(filter(None, markdown))


def state_words(approval: OpenApproval) -> str:
    """Where it stands: at a prompt, or put off."""
    return f"asked at the prompt of question {approval.turn}" if approval.asked else f"put off, question {approval.turn}"


def taken_back_words(*, held: bool) -> str:
    """What `%beaker reject always` says.

    Args:
        held: harmless code ran without asking until now.
    """
    return "Code is asked about again, each time." if held else "There was nothing to take back: code is asked about each time."
