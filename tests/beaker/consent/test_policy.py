"""What the policy says, as a table."""

import itertools

import pytest

from beaker.consent.policy import RISK_WORDS, Standing, after, decide, lower
from beaker.messages.consent import Kind, Mode, Risk, RunWanted

NEVER = Standing()
ALWAYS = Standing(always=True)
KNOWINGLY = Standing(always=True, though_tainted=True)


def wanted(mode: Mode, *, tainted: bool = False, risks: tuple[Risk, ...] = (), kind: Kind = "code") -> RunWanted:
    return RunWanted(kind=kind, code_hash="h", generation=1, mode=mode, tainted=tainted, risks=risks)


@pytest.mark.parametrize(
    ("mode", "tainted", "risks", "standing", "verdict"),
    [
        ("ask", False, (), NEVER, "ask"),
        ("ask", True, (), NEVER, "ask"),
        ("ask", False, (), ALWAYS, "run"),
        ("ask", True, (), ALWAYS, "ask"),
        ("ask", True, (), KNOWINGLY, "run"),
        ("ask", False, ("shell",), KNOWINGLY, "ask"),
        ("auto", False, (), NEVER, "run"),
        ("auto", True, (), NEVER, "ask"),
        ("auto", False, ("network",), NEVER, "ask"),
        ("auto", False, ("files",), KNOWINGLY, "ask"),
        ("auto", True, ("opaque",), KNOWINGLY, "ask"),
        ("plan", False, (), KNOWINGLY, "refuse"),
        ("plan", True, ("shell",), NEVER, "refuse"),
    ],
)
def test_the_table(mode: Mode, tainted: bool, risks: tuple[Risk, ...], standing: Standing, verdict: str) -> None:
    assert decide(wanted(mode, tainted=tainted, risks=risks), standing) == verdict


@pytest.mark.parametrize("kind", ["interrupt", "restart"])
def test_what_ends_the_users_work_is_always_asked(kind: Kind) -> None:
    assert decide(wanted("auto", kind=kind), KNOWINGLY) == "ask"


def test_nothing_risky_ever_runs_unasked() -> None:
    for mode, tainted, risk, standing in itertools.product(("ask", "auto", "plan"), (False, True), RISK_WORDS, (NEVER, ALWAYS, KNOWINGLY)):
        assert decide(wanted(mode, tainted=tainted, risks=(risk,)), standing) != "run"  # type: ignore[arg-type]  # a mode


def test_always_covers_untrusted_data_only_where_it_was_said_knowing_of_it() -> None:
    assert after(NEVER, wanted("ask"), "always") == ALWAYS
    assert after(NEVER, wanted("ask", tainted=True), "always") == KNOWINGLY
    assert after(KNOWINGLY, wanted("ask"), "always") == KNOWINGLY
    for decision in ("allow", "edit", "reject"):
        assert after(NEVER, wanted("ask"), decision) == NEVER


def test_the_stricter_of_two_modes_holds() -> None:
    order: list[Mode] = ["plan", "ask", "auto"]
    for first, second in itertools.product(order, order):
        assert lower(first, second) == order[min(order.index(first), order.index(second))]
