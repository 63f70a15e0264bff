"""Consent in words: what the user is asked on stdin, and what her answers mean."""

import re
from collections.abc import Sequence
from typing import Literal

from beaker.consent.policy import RISK_WORDS
from beaker.consent.sight import sight
from beaker.messages.consent import Kind, Risk

Answer = Literal["allow", "reject", "always", "edit", "later"]

CHOICES = "[y]es / [n]o / [a]lways / [e]dit / [l]ater"
TAINTED = "asked after reading untrusted data"

_WORDS: dict[str, Answer] = {
    "y": "allow",
    "yes": "allow",
    "n": "reject",
    "no": "reject",
    "a": "always",
    "always": "always",
    "e": "edit",
    "edit": "edit",
    "l": "later",
    "later": "later",
}


def read_answer(text: str) -> Answer | None:
    """What she meant; None if that cannot be told, which allows nothing.

    >>> read_answer(" Y "), read_answer("later"), read_answer("") is None, read_answer("yes please") is None
    ('allow', 'later', True, True)
    """
    return _WORDS.get(text.strip().lower())


def reasons(risks: Sequence[Risk], *, tainted: bool) -> str:
    """Why it is asked, beside that it always is; empty if there is nothing to warn of.

    >>> reasons(("shell",), tainted=True)
    'asked after reading untrusted data; it starts programs'
    """
    return "; ".join([*([TAINTED] if tainted else []), *(RISK_WORDS[risk] for risk in risks)])


def what_words(kind: Kind) -> str:
    """What is wanted, as a sentence goes on behind a name.

    >>> what_words("restart")
    'wants to restart the session: all variables are lost'
    """
    match kind:
        case "code":
            return "wants to run this"
        case "interrupt":
            return "wants to interrupt the cell that you have running"
        case "restart":
            return "wants to restart the session: all variables are lost"


def prompt_text(name: str, kind: Kind, code: str, warning: str) -> str:
    """All that she must see to decide: the code, what to be wary of, the choices."""
    head = f"{name} {what_words(kind)}" + (f" ({warning})" if warning else "")
    choices = CHOICES if kind == "code" else CHOICES.replace("[a]lways / [e]dit / ", "")
    if not code:
        return f"{head}\n{choices}: "
    shown, notes = sight(code.rstrip())
    # Below the code: of a long one the end is what is seen.
    return f"{head}:\n\n{shown}\n\n" + (f"({notes})\n\n" if notes else "") + f"{choices}: "


def waiting_words(name: str) -> str:
    """How to come back to what waits."""
    return f"waiting: `%beaker allow {name}` / `%beaker reject {name}`"


def question_text(question: str, choices: Sequence[str]) -> str:
    """A question of the model's, with its choices numbered and the way out of it."""
    listed = "".join(f"\n  {number}. {choice}" for number, choice in enumerate(choices, start=1))
    return f"{question}{listed}\n(Stop ends the question)\n> "


def chosen(text: str, choices: Sequence[str]) -> str:
    """What she answered: the number of a choice stands for it.

    >>> chosen("2", ["red", "blue"]), chosen("green", ["red", "blue"])
    ('blue', 'green')
    """
    found = re.fullmatch(r"\s*(\d{1,2})\.?\s*", text)
    number = int(found[1]) if found else 0
    return choices[number - 1] if 1 <= number <= len(choices) else text.strip()
