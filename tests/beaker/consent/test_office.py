"""Wants, decisions and grants: what holds whatever is asked, in whatever order."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from beaker.consent.grants import GRANT_LIFE_S, GRANTS_LIMIT, code_hash
from beaker.consent.office import OTHER_LIFE, REJECTED, UNKNOWN, WANTS_LIMIT, Office, take
from beaker.consent.policy import PLAN
from beaker.messages.base import KernelId
from beaker.messages.consent import (
    ConsentReply,
    ConsentRequest,
    Decision,
    Mode,
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

HERE = KernelId("here")
CODE = code_hash("1 + 1", language="python")
EDITED = code_hash("1 + 2", language="python")


class Desk:
    """An office with a clock and a subkernel that may be restarted."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.generation = 1
        self.office = Office(kernel_id=HERE)
        self._names = 0

    def take(self, request: ConsentRequest) -> ConsentReply:
        self._names += 1
        self.office, reply = take(self.office, request, generation=self.generation, fresh=f"g{self._names}", now=self.now)
        return reply

    def want(self, mode: Mode = "ask", **fields: Any) -> ConsentReply:
        return self.take(RunWanted(**{"kind": "code", "code_hash": CODE, "generation": 1, "mode": mode, "tainted": False, **fields}))

    def decide(self, want: int, decision: Decision = "allow", code: str = CODE) -> ConsentReply:
        return self.take(RunDecided(want=want, decision=decision, code_hash=code))

    def grant(self) -> str:
        """The name of a grant for CODE in the life that runs."""
        asked = self.want(generation=self.generation)
        assert isinstance(asked, RunToBeAsked)
        granted = self.decide(asked.want)
        assert isinstance(granted, RunGranted)
        return granted.grant

    def redeem(self, grant: str, *, code: str = CODE, kernel: KernelId = HERE, generation: int = 1) -> ConsentReply:
        return self.take(RunRedeemed(grant=grant, kernel_id=kernel, generation=generation, code_hash=code))


@pytest.mark.parametrize("tainted", [False, True])
def test_what_was_said_for_all_that_comes_is_told_and_taken_back(tainted: bool) -> None:
    desk = Desk()
    nothing, held = StandingTold(always=False, though_tainted=False), StandingTold(always=True, though_tainted=tainted)
    assert desk.take(StandingWanted()) == nothing
    asked = desk.want(tainted=tainted)
    assert isinstance(asked, RunToBeAsked)
    desk.decide(asked.want, "always")
    assert isinstance(desk.want(tainted=tainted), RunGranted)
    assert desk.take(StandingWanted()) == held
    assert desk.take(StandingEnded()) == held
    assert isinstance(desk.want(tainted=tainted), RunToBeAsked)
    assert desk.take(StandingEnded()) == nothing


def test_it_ends_with_the_life_of_the_subkernel() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    desk.decide(asked.want, "always")
    desk.generation = 2
    assert desk.take(StandingWanted()) == StandingTold(always=False, though_tainted=False)


def test_what_the_user_allowed_runs_once() -> None:
    desk = Desk()
    grant = desk.grant()
    assert desk.redeem(grant) == RunCleared()
    assert isinstance(desk.redeem(grant), RunRefused)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"code": EDITED}, "not the code that was granted"),
        ({"kernel": KernelId("there")}, "another kernel"),
        ({"generation": 2}, OTHER_LIFE),
    ],
)
def test_a_grant_holds_for_nothing_else_and_is_used_up_by_the_attempt(shown: dict[str, Any], words: str) -> None:
    desk = Desk()
    grant = desk.grant()
    refused = desk.redeem(grant, **shown)
    assert isinstance(refused, RunRefused)
    assert words in refused.reason
    if "generation" not in shown:
        assert isinstance(desk.redeem(grant), RunRefused)


def test_a_grant_does_not_outlive_a_restart() -> None:
    desk = Desk()
    grant = desk.grant()
    desk.generation = 2
    assert isinstance(desk.redeem(grant), RunRefused)
    assert isinstance(desk.redeem(grant, generation=2), RunRefused)


def test_a_grant_expires() -> None:
    desk = Desk()
    early, late = desk.grant(), desk.grant()
    desk.now += GRANT_LIFE_S - 0.1
    assert desk.redeem(early) == RunCleared()
    desk.now += 0.1
    refused = desk.redeem(late)
    assert isinstance(refused, RunRefused)
    assert "10 minutes" in refused.reason


def test_a_name_that_was_never_given_is_refused() -> None:
    assert isinstance(Desk().redeem("g1"), RunRefused)


def test_a_want_is_decided_once() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    assert isinstance(desk.decide(asked.want), RunGranted)
    assert desk.decide(asked.want) == RunRefused(reason=UNKNOWN)


def test_a_rejected_want_is_refused_and_gone() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    assert desk.decide(asked.want, "reject") == RunRefused(reason=REJECTED)
    assert desk.decide(asked.want) == RunRefused(reason=UNKNOWN)


def test_an_edit_grants_what_the_user_wrote_and_not_what_she_was_shown() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    granted = desk.decide(asked.want, "edit", EDITED)
    assert isinstance(granted, RunGranted)
    assert desk.redeem(granted.grant, code=EDITED) == RunCleared()
    assert isinstance(desk.redeem(granted.grant, code=CODE), RunRefused)


def test_an_allowance_for_other_code_than_was_asked_is_refused() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    assert isinstance(desk.decide(asked.want, "allow", EDITED), RunRefused)


def test_a_plan_is_never_asked_about() -> None:
    assert Desk().want("plan") == RunRefused(reason=PLAN)


def test_what_was_asked_before_a_restart_is_not_granted_after_it() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    desk.generation = 2
    assert desk.decide(asked.want) == RunRefused(reason=OTHER_LIFE)


def test_always_ends_with_the_life_of_the_subkernel() -> None:
    desk = Desk()
    asked = desk.want()
    assert isinstance(asked, RunToBeAsked)
    desk.decide(asked.want, "always")
    assert isinstance(desk.want(), RunGranted)
    desk.generation = 2
    assert isinstance(desk.want(generation=2), RunToBeAsked)


def test_wants_and_grants_are_bounded() -> None:
    desk = Desk()
    for _ in range(WANTS_LIMIT + GRANTS_LIMIT):
        desk.want()
        desk.want("auto")
    assert len(desk.office.wants) == WANTS_LIMIT
    assert len(desk.office.grants.open) == GRANTS_LIMIT


class Grants(RuleBasedStateMachine):
    """Random wants, decisions, restarts, hours and attempts: only an exact, timely, first attempt is ever cleared."""

    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.used: set[str] = set()

    @rule(target=grants, code=st.sampled_from([CODE, EDITED]), decision=st.sampled_from(["allow", "edit", "always"]))
    def allow(self, code: str, decision: Decision) -> Any:
        asked = self.desk.want(generation=self.desk.generation, code_hash=code, tainted=True, risks=("shell",))
        assert isinstance(asked, RunToBeAsked)
        granted = self.desk.decide(asked.want, decision, code)
        assert isinstance(granted, RunGranted)
        return granted.grant, code, self.desk.generation, self.desk.now

    @rule(target=grants, mode=st.sampled_from(["ask", "plan"]))
    def never_allowed(self, mode: Mode) -> Any:
        reply = self.desk.want(mode, generation=self.desk.generation, tainted=True, risks=("files",))
        assert not isinstance(reply, RunGranted)
        return multiple()

    @rule(seconds=st.floats(0.1, GRANT_LIFE_S))
    def wait(self, seconds: float) -> None:
        self.desk.now += seconds

    @rule()
    def restart(self) -> None:
        self.desk.generation += 1

    @rule(
        known=grants,
        code=st.sampled_from([CODE, EDITED]),
        kernel=st.sampled_from([HERE, KernelId("there")]),
        older=st.integers(0, 1),
    )
    def attempt(self, known: Any, code: str, kernel: KernelId, older: int) -> None:
        grant, for_code, generation, since = known
        shown = self.desk.generation - older
        reply = self.desk.redeem(grant, code=code, kernel=kernel, generation=shown)
        now = self.desk.now
        right = (
            grant not in self.used
            and code == for_code
            and kernel == HERE
            and shown == generation == self.desk.generation
            and now < since + GRANT_LIFE_S
        )
        assert isinstance(reply, RunCleared) == right
        if shown == self.desk.generation:
            self.used.add(grant)

    @rule(known=consumes(grants))
    def replay(self, known: Any) -> None:
        grant, code, generation, _ = known
        self.desk.redeem(grant, code=code, generation=generation)
        assert isinstance(self.desk.redeem(grant, code=code, generation=generation), RunRefused)

    @invariant()
    def bounded(self) -> None:
        assert len(self.desk.office.grants.open) <= GRANTS_LIMIT


TestGrants = Grants.TestCase
TestGrants.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
