"""The Supervisor's desk for consent: policy, open wants and grants of one kernel, as pure functions.

Each takes the office as it was and gives the office as it is then, with the answer. A want lives until it is decided; a grant
until it is used. All of it is forgotten with the Supervisor: then the KernelActor wants anew, and nothing was allowed meanwhile.
"""

import msgspec

from beaker.consent.grants import GRANT_LIFE_S, Grant, Grants, issue, redeem
from beaker.consent.policy import PLAN, Standing, after, decide
from beaker.messages.base import KernelId
from beaker.messages.consent import (
    ConsentReply,
    ConsentRequest,
    RunCleared,
    RunDecided,
    RunGranted,
    RunRedeemed,
    RunRefused,
    RunToBeAsked,
    RunWanted,
    StandingEnded,
    StandingTold,
    StandingWanted,
)

WANTS_LIMIT = 100
"""Wants that may wait for the user: as many as questions may. The oldest goes first."""

OTHER_LIFE = "The session was restarted meanwhile, so its variables are gone. Look again before running anything."
REJECTED = "The user does not want this to run."
UNKNOWN = "Nothing is known of this want any more. Ask again."


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known."""

    kernel_id: KernelId
    grants: Grants = Grants()
    wants: dict[int, RunWanted] = {}
    """By number, oldest first."""
    last_want: int = 0
    standing: Standing = Standing()
    generation: int = 0
    """The life of the subkernel that `standing` was said in."""


def take(office: Office, request: ConsentRequest, *, generation: int, fresh: str, now: float) -> tuple[Office, ConsentReply]:
    """Answer one request.

    Args:
        generation: of the subkernel that runs; 0 for none.
        fresh: an unguessable name, should a grant be given.
        now: monotonic seconds.
    """
    if generation != office.generation:
        office = msgspec.structs.replace(office, generation=generation, standing=Standing())
    match request:
        case RunWanted():
            return _want(office, request, fresh, now)
        case RunDecided():
            return _decided(office, request, fresh, now)
        case RunRedeemed():
            if request.generation != generation:
                return office, RunRefused(reason=OTHER_LIFE)
            left, reason = redeem(
                office.grants,
                request.grant,
                code_hash=request.code_hash,
                kernel_id=request.kernel_id,
                generation=request.generation,
                now=now,
            )
            return msgspec.structs.replace(office, grants=left), RunRefused(reason=reason) if reason else RunCleared()
        case StandingWanted():
            return office, _told(office)
        case StandingEnded():
            return msgspec.structs.replace(office, standing=Standing()), _told(office)


def _told(office: Office) -> StandingTold:
    return StandingTold(always=office.standing.always, though_tainted=office.standing.though_tainted)


def _want(office: Office, wanted: RunWanted, fresh: str, now: float) -> tuple[Office, ConsentReply]:
    if wanted.generation != office.generation:
        return office, RunRefused(reason=OTHER_LIFE)
    match decide(wanted, office.standing):
        case "refuse":
            return office, RunRefused(reason=PLAN)
        case "run":
            return _grant(office, wanted, wanted.code_hash, fresh, now)
        case "ask":
            number = office.last_want + 1
            wants = {**office.wants, number: wanted}
            for oldest in list(wants)[: max(len(wants) - WANTS_LIMIT, 0)]:
                del wants[oldest]
            return msgspec.structs.replace(office, wants=wants, last_want=number), RunToBeAsked(want=number)


def _decided(office: Office, decided: RunDecided, fresh: str, now: float) -> tuple[Office, ConsentReply]:
    wanted = office.wants.get(decided.want)
    if wanted is None:
        return office, RunRefused(reason=UNKNOWN)
    office = msgspec.structs.replace(office, wants={number: other for number, other in office.wants.items() if number != decided.want})
    if decided.decision == "reject":
        return office, RunRefused(reason=REJECTED)
    if wanted.generation != office.generation:
        return office, RunRefused(reason=OTHER_LIFE)
    if decided.decision != "edit" and decided.code_hash != wanted.code_hash:
        return office, RunRefused(reason="The code is not the code that the user was asked about.")
    office = msgspec.structs.replace(office, standing=after(office.standing, wanted, decided.decision))
    return _grant(office, wanted, decided.code_hash, fresh, now)


def _grant(office: Office, wanted: RunWanted, code_hash: str, fresh: str, now: float) -> tuple[Office, ConsentReply]:
    grant = Grant(code_hash=code_hash, kernel_id=office.kernel_id, generation=wanted.generation, expires_at=now + GRANT_LIFE_S)
    return msgspec.structs.replace(office, grants=issue(office.grants, fresh, grant, now=now)), RunGranted(grant=fresh)
