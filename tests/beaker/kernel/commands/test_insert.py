"""Which proposed cell is meant."""

import pytest

from beaker.kernel.commands.assistance import complete
from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.insert import InsertProposal, insertable, pick
from beaker.kernel.turn_display import Proposal

OFFERS = {2: [Proposal(1, "a", "python"), Proposal(2, "b", "python")], 5: [Proposal(1, "c", "python")]}


@pytest.mark.parametrize(("number", "question", "code"), [(1, None, "c"), (1, 5, "c"), (2, 2, "b"), (1, 2, "a")])
def test_without_a_question_the_last_one_that_proposed_is_meant(number: int, question: int | None, code: str) -> None:
    found = pick(InsertProposal(number=number, question=question), OFFERS)
    assert isinstance(found, Proposal)
    assert found.code == code


@pytest.mark.parametrize(
    ("number", "question", "reason"),
    [
        (2, None, "Question 5 has no proposed cell 2. It has: 1."),
        (3, 2, "Question 2 has no proposed cell 3. It has: 1, 2."),
        (1, 4, "Question 4 has no proposed cells. Questions with some: 2, 5."),
    ],
)
def test_an_unknown_number_is_a_sentence_with_the_valid_ones(number: int, question: int | None, reason: str) -> None:
    assert pick(InsertProposal(number=number, question=question), OFFERS) == Refused(reason=reason)


def test_code_in_another_language_than_the_sessions_is_not_inserted() -> None:
    offers = {2: [Proposal(1, "x <- 1", "r", session="python"), Proposal(2, "b", "python")]}
    assert pick(InsertProposal(number=1), offers) == Refused(reason="[1] is r, and this session runs python. Copy it.")
    assert insertable(offers) == ["2 2"]


def test_with_nothing_proposed_it_says_so() -> None:
    assert pick(InsertProposal(number=1), {}) == Refused(reason="No cell was proposed yet that could be inserted.")


@pytest.mark.parametrize(
    ("typed", "matches"),
    [("%beaker insert ", ["1"]), ("%beaker insert 1 ", ["2", "5"]), ("%beaker insert 2 ", ["2"]), ("%beaker insert 1 2 ", [])],
)
def test_completion_offers_the_last_questions_cells_and_then_the_questions(typed: str, matches: list[str]) -> None:
    found = complete(typed, len(typed), lambda _: insertable(OFFERS))
    assert found is not None
    assert found.matches == matches
