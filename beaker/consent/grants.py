"""Grants: the right to run one exact text once, within ten minutes, in one life of one kernel's subkernel.

Pure values; the Supervisor holds them and gives the time and the unguessable names. A grant is used up by whoever shows it, also
when what it is shown for is not what it was given for: an attempt with edited code leaves nothing to try again with.
"""

import hashlib

import msgspec

from beaker.messages.base import KernelId
from beaker.messages.consent import Kind

GRANT_LIFE_S = 600.0
"""From the user's yes to the sending: it is done in milliseconds, unless a process dies in between."""

GRANTS_LIMIT = 100
"""Grants that may be open at once: one is the rule, more are questions answered side by side. The oldest goes first."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one name stands for."""

    code_hash: str
    kernel_id: KernelId
    generation: int
    expires_at: float
    """Monotonic seconds."""


class Grants(msgspec.Struct, frozen=True, kw_only=True):
    """All that are open."""

    open: dict[str, Grant] = {}
    """By name, oldest first."""


def code_hash(code: str, *, language: str, kind: Kind = "code") -> str:
    """The name of an exact text: two texts that differ in one byte, or in language, have different ones.

    >>> code_hash("1 + 1", language="python") == code_hash("1 + 1 ", language="python")
    False
    """
    document = msgspec.msgpack.encode((kind, language, code.encode("utf-8", "surrogatepass")))
    return hashlib.sha256(document).hexdigest()


def issue(grants: Grants, name: str, grant: Grant, *, now: float) -> Grants:
    """Add a grant, and drop those whose time is over."""
    kept = {known: other for known, other in grants.open.items() if other.expires_at > now and known != name}
    for oldest in list(kept)[: max(len(kept) + 1 - GRANTS_LIMIT, 0)]:
        del kept[oldest]
    return Grants(open={**kept, name: grant})


def redeem(grants: Grants, name: str, *, code_hash: str, kernel_id: KernelId, generation: int, now: float) -> tuple[Grants, str]:
    """Use a grant up.

    Returns:
        What is left, and why it does not hold; the empty string when it does.
    """
    grant = grants.open.get(name)
    if grant is None:
        return grants, "There is no such grant: each is good for one run."
    left = Grants(open={known: other for known, other in grants.open.items() if known != name})
    if now >= grant.expires_at:
        return left, f"The grant is older than {GRANT_LIFE_S / 60:g} minutes. Ask again."
    if kernel_id != grant.kernel_id:
        return left, "The grant was given for another kernel."
    if generation != grant.generation:
        return left, "The session was restarted since the grant was given. Ask again."
    if code_hash != grant.code_hash:
        return left, "The code is not the code that was granted."
    return left, ""
