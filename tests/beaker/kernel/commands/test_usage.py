"""What questions took, as it is shown: only what was counted, a price only where it is one."""

from beaker.kernel.commands.model import model_words
from beaker.kernel.commands.usage import Limits, budget_words, usage_words
from beaker.kernel.tally import Tally
from beaker.messages.base import TurnId
from beaker.messages.context import ModelsListed
from beaker.messages.turn import Used

LIMITS = Limits(turn_tokens=1_000_000, session_tokens=10_000_000, session_usd=20.0)


def used(turn: int, tokens_in: int, tokens_out: int, *, cached: int = 0, usd: float | None = None) -> Used:
    return Used(turn=TurnId(turn), model="m", tokens_in=tokens_in, tokens_cached=cached, tokens_out=tokens_out, cost_usd=usd)


def tally(*calls: Used) -> Tally:
    found = Tally()
    for call in calls:
        found = found.add(call)
    return found


def test_where_nothing_is_counted_nothing_is_said() -> None:
    assert (usage_words(Tally()), budget_words(Tally(), LIMITS)) == ("", "")


def test_the_calls_of_one_question_are_added_and_the_window_is_that_of_the_last() -> None:
    found = tally(used(1, 1_000, 200, cached=400), used(1, 1_500, 100))
    assert (
        usage_words(found)
        == "question 1: 2,500 tokens in (400 cached), 300 out; after it 1,600 tokens of the model's context window were full"
    )


def test_the_last_question_and_all_of_them_are_told_apart() -> None:
    words = usage_words(tally(used(1, 1_000, 200), used(2, 10, 20)))
    assert words.startswith("question 2: 10 tokens in, 20 out; after it 30 tokens")
    assert words.endswith("; all questions: 1,010 tokens in, 220 out")


def test_a_cost_is_told_only_where_it_is_true() -> None:
    assert "$0.0300" in usage_words(tally(used(1, 1, 1, usd=0.01), used(1, 1, 1, usd=0.02)))
    assert "$0.0100 for 1 of 2 calls" in usage_words(tally(used(1, 1, 1, usd=0.01), used(1, 1, 1)))
    assert "$" not in usage_words(tally(used(1, 1, 1)))
    assert "$" not in budget_words(tally(used(1, 1, 1)), LIMITS)


def test_budgets_are_told_with_their_settings() -> None:
    assert budget_words(tally(used(1, 400_000, 0), used(2, 90_000, 10_000, usd=5.0)), LIMITS) == (
        "question 2: 100,000 of 1,000,000 tokens, 10 % (agent.turn_token_limit); "
        "session: 500,000 of 10,000,000 tokens, 5 % (agent.session_token_limit); "
        "$5.00 of $20.00, 25 % (agent.session_cost_limit_usd)"
    )


def test_what_a_former_process_counted_comes_first() -> None:
    former, own = tally(used(1, 1_000, 0)), tally(used(2, 10, 0))
    assert own.precede(former) == tally(used(1, 1_000, 0), used(2, 10, 0))
    assert Tally().precede(former) == former


def test_what_its_answers_took_stands_beside_the_model() -> None:
    listed = ModelsListed(endpoint="http://box/v1", model="m", offered=["m"])
    assert "question 1: 10 tokens in, 20 out" in model_words(listed, "", tally(used(1, 10, 20))).plain
    assert "usage" not in model_words(listed, "").plain
