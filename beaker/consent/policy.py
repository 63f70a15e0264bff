"""The policy: what runs, what needs the user's word, what never runs. The Supervisor applies it; nobody else decides.

Why not in the agent: there it would be a matter of the prompt, and a model that was taken over would decide for itself.
"""

from typing import Literal

import msgspec

from beaker.messages.consent import Decision, Mode, Risk, RunWanted

Verdict = Literal["run", "ask", "refuse"]

PLAN = "Nothing is run in this question: its mode is `plan`. Propose the code as a cell instead; the user runs it herself."


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said once for the rest of this session; a restart of the subkernel ends it."""

    always: bool = False
    """Harmless code runs without asking."""
    though_tainted: bool = False
    """She said so when she was told that the model had read untrusted data: only then it holds for such questions too."""


def decide(wanted: RunWanted, standing: Standing) -> Verdict:
    """Apply the policy to one want."""
    if wanted.mode == "plan":
        return "refuse"
    if wanted.risks or wanted.kind != "code":
        return "ask"
    if standing.always and (standing.though_tainted or not wanted.tainted):
        return "run"
    if wanted.mode == "auto" and not wanted.tainted:
        return "run"
    return "ask"


def after(standing: Standing, wanted: RunWanted, decision: Decision) -> Standing:
    """What stands after a decision: only `always` changes anything."""
    if decision != "always":
        return standing
    return Standing(always=True, though_tainted=standing.though_tainted or wanted.tainted)


_ORDER: tuple[Mode, ...] = ("plan", "ask", "auto")


def lower(one: Mode, other: Mode) -> Mode:
    """The stricter of two modes.

    >>> lower("auto", "ask"), lower("plan", "auto")
    ('ask', 'plan')
    """
    return one if _ORDER.index(one) <= _ORDER.index(other) else other


RISK_WORDS: dict[Risk, str] = {
    "shell": "it starts programs",
    "network": "it uses the network",
    "files": "it writes or removes files, maybe outside the work directory",
    "opaque": "what it does cannot be told by reading it",
    "secrets": "it reads or sets what may hold passwords or keys",
    "session": "it ends what you have running",
}
"""What the user is told of each."""
